"""`credit model`: train, promote, and see who decided when."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Train and promote models, read their cards.")

Name = Annotated[str, typer.Argument(help="A registered model, such as loan_default.invoice.")]


@app.command()
def train(
    target: Annotated[str, typer.Argument(help="loan_default or performance_breach.")],
    data: Annotated[
        str | None, typer.Option("--data", help="invoice or platform; default: the only one there is.")
    ] = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Train a target, measure it by cross-validation beside its peers, and register it in MLflow."""
    from credit.app.training import train_and_register

    card = train_and_register(Home.from_environment(), target, data=data, as_of=console.as_of_day(as_of))
    console.answer(card, as_json=as_json, page=lambda: _page(card))


@app.command()
def promote(
    name: Name,
    why: Annotated[str, typer.Option(help="The reason, for the history.")],
    version: Annotated[int | None, typer.Option(help="Default: the last one trained.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Make a version champion: the one that decides from now on."""
    from credit.app import training

    entry = training.promote(Home.from_environment(), name, version, who=getpass.getuser(), why=why)
    console.answer(
        entry,
        as_json=as_json,
        page=lambda: typer.echo(f"{name} version {entry['to']} is champion (was: {entry['from']})"),
    )


@app.command()
def card(
    name: Name,
    version: Annotated[int | None, typer.Option(help="Default: the champion.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Show the card of a model: what it forecasts, what taught it, and how well it does beside its peers."""
    registry = Home.from_environment().registry()
    served = registry.champion(name) if version is None else registry.load(name, version)
    document = {**served.label, **served.card}
    console.answer(document, as_json=as_json, page=lambda: _page(document))


@app.command()
def history(
    name: Name,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="Which version decided on this day.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Show who made which version champion, when and why."""
    registry = Home.from_environment().registry()
    registry.refuse_unknown(name)
    if on is not None:
        version = registry.champion_on(name, console.day(on))
        document: Any = {"name": name, "on": on, "version": version}
        console.answer(
            document,
            as_json=as_json,
            page=lambda: typer.echo(f"{on}: version {'none' if version is None else version}"),
        )
        return
    moves = registry.history(name)

    def page() -> None:
        console.table(
            ("at (UTC)", "from", "to", "who", "why"), [(m["at"], m["from"], m["to"], m["who"], m["why"]) for m in moves]
        )

    console.answer(moves, as_json=as_json, page=page)


def _page(card: dict[str, Any]) -> None:
    typer.echo(f"{card['name']} version {card['version']}: {card['meaning']}")
    typer.echo(
        f"Use: {card['use']}. Taught as of {card['as_of']} by {card['rows']:,} rows of {card['suppliers']:,} firms,"
    )
    typer.echo(
        f"{card['bad']:,} of them bad ({console.percent(card['base_rate'])}). Out-of-fold, 95 % intervals over firms:"
    )
    rows = []
    for peer, metrics in card["metrics"].items():
        for metric, m in metrics.items():
            gap = (
                "" if m["versus"] is None else f"{m['versus']:+.3f} ({m['versus_low']:+.3f} to {m['versus_high']:+.3f})"
            )
            rows.append((peer, metric, f"{m['value']:.3f}", f"{m['low']:.3f} to {m['high']:.3f}", gap))
    console.table(("scored by", "metric", "value", "interval", "model less this one, paired"), rows)
