"""`credit portfolio`: what stands, how a budget is best allocated, and what shocks do to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

if TYPE_CHECKING:
    from credit.app.allocating import Posed

app = console.group("Show, allocate and stress the portfolio.")

Budget = Annotated[str, typer.Option("--budget", help="What may be lent in all, in yuan.")]
ChurnFile = Annotated[
    Path, typer.Option("--churn", help="Share of customers lost by yearly rate and rating, CSV or Excel.")
]
Rates = Annotated[
    str | None,
    typer.Option("--rates", help="In per cent: 4.65,5.85 or 4:15:0.25; default: those of the churn file."),
]
Referred = Annotated[bool, typer.Option("--referred", help="Also firms that policy refers to a person.")]
Expected = Annotated[
    bool,
    typer.Option("--count-expected", help="The budget binds what is expected to be taken up, not all that is offered."),
]
Flat = Annotated[
    str, typer.Option("--flat", help="Flat rates in per cent to set beside; default: those of a published solution.")
]


@app.command()
def show(
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="What stands on this day.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Show what stands offered by product and grade, its expected loss, and what is left of each cap."""
    from credit.app.clock import day_of, now
    from credit.app.concentrating import portfolio

    document = portfolio(Home.from_environment(), console.day(on) if on else day_of(now()))

    def page() -> None:
        console.line(
            f"On {document['on']} {document['offers']:,} offers of CNY {console.yuan(document['fen'])} stand; expected "
            f"loss of a year CNY {console.yuan(document['loss_fen'])}",
            hang=0,
        )
        for name in ("pack", "grade"):
            rows = [(r[name], r["offers"], console.yuan(r["fen"]), console.yuan(r["loss_fen"]))
                    for r in document[f"by_{name}"]]  # fmt: skip
            console.table((name, "offers", "CNY", "loss"), rows, numbers=(1, 2, 3))
        fullest = [
            (*(r[name] for name in ("pack", "pool", "key")), *map(console.yuan, (r["fen"], r["most_fen"])),
             f"{r['used']:.0%}")
            for r in document["pools"][:20]
        ]  # fmt: skip
        console.table(("pack", "pool", "", "CNY", "cap", "used"), fullest, numbers=(3, 4, 5))

    console.answer(document, as_json=as_json, page=page)


@app.command()
def allocate(  # noqa: PLR0913, PLR0917 - the options are what the problem is made of
    budget: Budget,
    churn: ChurnFile,
    rates: Rates = None,
    referred: Referred = False,
    count_expected: Expected = False,
    flat: Flat = "4.65,5.85",
    data: console.Data = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Say who is best offered how much at what rate, what one more yuan would earn, and what simpler ways would.

    A mixed-integer program: the expected profit of a year is greatest under the budget, the policy's limit and least of
    every firm, its pools, and the shares of the grades. `--json` lists every offer.
    """
    from credit.app.allocating import allocated, rates_of

    posed = _posed(budget, churn, rates, referred, count_expected, data, as_of)
    document = allocated(posed, _usage(rates_of, flat))
    console.answer(document, as_json=as_json, page=lambda: _allocated(document))


@app.command()
def stress(  # noqa: PLR0913, PLR0917 - the options are what the problem is made of
    scenarios: Annotated[Path, typer.Option("--scenarios", help="A TOML file of [[scenario]] with their shocks.")],
    budget: Budget,
    churn: ChurnFile,
    rates: Rates = None,
    referred: Referred = False,
    count_expected: Expected = False,
    data: console.Data = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Say what each shock makes of the best allocation, held as it is and made anew."""
    from credit.app.allocating import read_scenarios, stressed

    found = read_scenarios(scenarios)
    document = stressed(_posed(budget, churn, rates, referred, count_expected, data, as_of), found)

    def page() -> None:
        rows = [("without a shock", *_profit(document["without_shock"]), "–", "–")]
        for each in document["scenarios"]:
            anew = _profit(each["allocated_anew"])
            rows.append((each["scenario"]["name"], *_profit(each["held"]), *anew))
        console.table(("scenario", "offered, CNY", "earns", "anew, CNY", "earns"), rows, numbers=(1, 2, 3, 4))

    console.answer(document, as_json=as_json, page=page)


def _posed(
    budget: str, churn: Path, rates: str | None, referred: bool, expected: bool, data: str | None, as_of: str | None
) -> Posed:
    from credit.app.allocating import Asked, pose, rates_of, read_churn
    from credit.app.training import tier_chosen

    home = Home.from_environment()
    asked = Asked(
        budget_fen=console.fen_of(budget),
        churn=read_churn(churn),
        rates=_usage(rates_of, rates) if rates else None,
        as_of=console.as_of_day(as_of),
        with_referred=referred,
        counts_expected=expected,
    )
    return pose(home, tier_chosen(home.ledger(), data), asked)


def _usage(read: Any, text: str) -> Any:
    """What a user wrote, as `read` reads it. Raises a usage error."""
    try:
        return read(text)
    except ValueError as broken:
        raise typer.BadParameter(str(broken)) from None


def _profit(worth: dict[str, Any]) -> tuple[str, str]:
    return console.yuan(worth["offered_fen"]), _whole(worth["expected_profit_fen"])


def _whole(fen: int) -> str:
    """Whole yuan: an expectation is no amount that anybody pays."""
    return f"{fen / 100:,.0f}"


def _allocated(document: dict[str, Any]) -> None:
    typer.echo(
        f"{document['lent_to']:,} of {document['firms']:,} firms can be lent to under {document['policy']}; "
        f"{document['offered_to']:,} are offered CNY {console.yuan(document['offered_fen'])} of "
        f"{console.yuan(document['budget_fen'])}"
    )
    typer.echo(
        f"expected to be taken up: CNY {_whole(document['expected_taken_fen'])} at "
        f"{console.percent(document['mean_rate'])}; expected profit of a year: CNY "
        f"{_whole(document['expected_profit_fen'])}, at most {document['gap']:.6%} below the best possible"
    )
    for name, each in document["one_more_yuan_earns"].items():
        typer.echo(f"one more yuan of {name} earns {each:.4f} yuan a year")
    rows = [
        (r["grade"], r["offered_to"], console.yuan(r["offered_fen"]), console.percent(r["lowest_rate"]),
         console.percent(r["highest_rate"]), _whole(r["expected_profit_fen"]))
        for r in document["by_grade"]
    ]  # fmt: skip
    console.table(("grade", "firms", "CNY", "from", "to", "earns"), rows, numbers=(1, 2, 3, 4, 5))
    others = [
        (
            r["by"],
            r["offered_to"],
            console.yuan(r["offered_fen"]),
            _whole(r["expected_profit_fen"]),
            _whole(r["less_fen"]),
        )
        for r in document["beside"]
    ]
    console.table(("instead", "firms", "CNY", "earns", "less"), others, numbers=(1, 2, 3, 4))
