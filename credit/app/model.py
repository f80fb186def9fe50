"""`credit model`: train, validate, compare, promote, and see who decided when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from credit.app import completing, console, identity
from credit.app.home import Home
from credit.domain.errors import ValidationFailed

app = console.group("Train, validate, compare and promote models, read their cards.")

Name = Annotated[str, typer.Argument(help="A registered model, such as loan_default.invoice.")]
LastTrained = Annotated[int | None, typer.Option("--version", help="Default: the last one trained.")]
Why = Annotated[str, typer.Option(help="The reason, for the history.")]


@app.command()
def train(
    target: Annotated[
        str, typer.Argument(autocompletion=completing.targets, help="loan_default or performance_breach.")
    ],
    data: console.Data = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Train a target, measure it by cross-validation beside its peers, and register it in MLflow."""
    from credit.app.training import train_and_register

    home, day, author = Home.from_environment(), console.as_of_day(as_of), identity.who()
    card = train_and_register(home, target, data=data, as_of=day, author=author)
    console.answer(card, as_json=as_json, page=lambda: _page(card))


@app.command()
def validate(
    name: Name,
    version: LastTrained = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Ask every check of a version on rows that it has not learned from, and write the report.

    Rows observed after its training judge it where there are enough, else its out-of-fold probabilities. Exit code 6
    where it does not pass.
    """
    from credit.app import validating

    day = console.as_of_day(as_of)
    found = validating.validate(Home.from_environment(), name, version, as_of=day, who=identity.who())
    document = {**found.document, "report": str(found.report)}
    console.answer(document, as_json=as_json, page=lambda: _validation(document))
    if not document["passed"]:
        failed = ", ".join(result["check"] for result in document["results"] if result["failed"])
        raise ValidationFailed(
            f"{name} version {document['model']['version']} did not pass: {failed}", hint=f"read {found.report}"
        )


@app.command()
def compare(
    name: Name,
    version: LastTrained = None,
    nights: Annotated[int, typer.Option(min=1, help="So many nights whose scores were kept, the newest.")] = 7,
    as_json: console.AsJson = False,
) -> None:
    """Compare the champion with a challenger in shadow over past nights: ranks, grades, and who would be approved."""
    from credit.app import validating

    document = validating.compare(Home.from_environment(), name, version, nights=nights)

    def page() -> None:
        one, other = document["champion"]["version"], document["challenger"]["version"]
        typer.echo(f"{name}: champion version {one} against version {other}; nothing was decided by the latter")
        heads = ("night", "rows", "rank corr.", "same grade", "within one", "PSI", "in", "out")
        console.table(heads, [_night(night) for night in document["nights"]], numbers=tuple(range(1, len(heads))))

    console.answer(document, as_json=as_json, page=page)


@app.command()
def promote(name: Name, why: Why, version: LastTrained = None, as_json: console.AsJson = False) -> None:
    """Make a version champion: the one that decides from now on.

    It has to have passed `credit model validate`, and whoever trained it cannot be the one who approves it: who you are
    is your account of the operating system.
    """
    from credit.app import training

    entry = training.promote(Home.from_environment(), name, version, who=identity.who(), why=why)
    console.answer(entry, as_json=as_json, page=lambda: _moved(entry))


@app.command()
def rollback(name: Name, why: Why, as_json: console.AsJson = False) -> None:
    """Make the version before the champion decide again; anybody who sees the need may."""
    from credit.app import training

    entry = training.rollback(Home.from_environment(), name, who=identity.who(), why=why)
    console.answer(entry, as_json=as_json, page=lambda: _moved(entry))


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
def scorecard(
    name: Name,
    version: Annotated[int | None, typer.Option(help="Default: the champion.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Show the scorecard that was taught beside a model: the points of every bin, to be checked by hand."""
    from credit.app.training import scorecard_of

    rows = scorecard_of(Home.from_environment(), name, version, out=out)
    console.answer(rows, as_json=as_json, page=lambda: _points(rows, out))


@app.command()
def history(
    name: Name,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="Which version decided on this day.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Show who made which version champion, when and why."""
    if on is not None:
        from credit.app.training import decided_on

        document = decided_on(Home.from_environment(), name, console.day(on))
        console.answer(document, as_json=as_json, page=lambda: _decided(document))
        return
    registry = Home.from_environment().registry()
    registry.refuse_unknown(name)
    moves = registry.history(name)
    heads = ("at (UTC)", "move", "from", "to", "who", "why")
    rows = [(m["at"], m.get("move", "promotion"), m["from"], m["to"], m["who"], m["why"]) for m in moves]
    console.answer(moves, as_json=as_json, page=lambda: console.table(heads, rows))


def _points(rows: list[dict[str, Any]], out: Path | None) -> None:
    if out is not None:
        typer.echo(f"{len(rows)} bins in {out}")
        return
    said = [
        (row["column"], row["bin"], row["rows"], console.percent(row["default_rate"], 1), f"{row['points']:+.0f}")
        for row in rows
    ]
    console.table(("column", "bin", "rows", "bad", "points"), said, numbers=(2, 3, 4))


def _moved(entry: dict[str, Any]) -> None:
    typer.echo(f"{entry['name']} version {entry['to']} is champion (was: {entry['from']})")


def _decided(document: dict[str, Any]) -> None:
    if document["version"] is None:
        typer.echo(f"{document['on']}: version none")
    for move in document["versions"]:
        typer.echo(f"{document['on']}: version {move['version']}, champion since {move['from']} UTC")


def _night(night: dict[str, Any]) -> tuple[Any, ...]:
    if "rank_correlation" not in night:
        return (night["night"], night["rows"], *[None] * 6)
    swapped = night.get("swap_set", {"swapped_in": None, "swapped_out": None})
    shares = (console.percent(night["same_grade"], 1), console.percent(night["within_one_grade"], 1))
    return (night["night"], night["rows"], f"{night['rank_correlation']:.3f}", *shares, f"{night['psi']:.3f}",
            swapped["swapped_in"], swapped["swapped_out"])  # fmt: skip


def _validation(document: dict[str, Any]) -> None:
    model = document["model"]
    typer.echo(f"{model['name']} version {model['version']}, as known on {document['as_of']}, judged on")
    typer.echo(f"{document['rows']:,} rows of {document['firms']:,} groups of firms, {document['bad']:,} of them bad,")
    typer.echo(f"{document['judged_on']}\n")
    rows = []
    for result in document["results"]:
        value = "" if result["value"] is None else f"{result['value']:.3f}"
        span = "" if result["low"] is None else f"{result['low']:.3f} to {result['high']:.3f}"
        limits = [f"{sign} {result[side]:.4g}" for side, sign in (("at_least", "≥"), ("at_most", "≤"))
                  if result[side] is not None]  # fmt: skip
        rows.append((result["check"], value, span, " ".join(limits), result["verdict"]))
    console.table(("check", "value", "95 % interval", "threshold", "verdict"), rows, numbers=(1,))
    typer.echo(f"\n{'passed' if document['passed'] else 'not passed'}; report: {document['report']}")


def _page(card: dict[str, Any]) -> None:
    console.line(f"{card['name']} version {card['version']}: {card['meaning']}", hang=2)
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
