"""`credit line`: decide turnover lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Decide credit lines on suppliers' records, and what becomes of them.")


@app.callback()
def line() -> None:
    """Decide credit lines on a supplier's own record."""


@app.command()
def decide(
    supplier: Annotated[str | None, typer.Argument(help="The supplier's id.")] = None,
    amount: console.Amount = None,
    review: console.Review = False,
    every: Annotated[bool, typer.Option("--all", help="Decide every supplier that can be asked about.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", help="CSV with supplier_id and, optionally, amount in yuan.")
    ] = None,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Answer approve, reduce, refer or decline, with amount, rate, tenor, reasons and the term that bound the amount.

    The decision is stored; asked again on the same knowledge, the same decision is the answer.
    """
    from credit.app import lines

    if sum(bool(given) for given in (supplier, every, file)) != 1:
        raise typer.BadParameter("name one supplier, or --all, or --file")
    home = Home.from_environment()
    day = console.as_of_day(as_of)
    if supplier:
        requested = console.fen_of(amount) if amount else None
        record = lines.decide_one(home, supplier, requested, day, review_requested=review)
        console.answer(record, as_json=as_json, page=lambda: answers.page(record))
        return
    if amount or review:
        raise typer.BadParameter("--amount and --review go with one supplier; a file has a column for the amount")
    batch = lines.decide_file(home, file, day) if file else lines.decide_all(home, day)
    answers.batch(batch, as_json=as_json)


@app.command()
def offer(
    supplier: Annotated[str, typer.Argument(help="The supplier's id.")],
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """List what could be had without a person: amount by tenor; nothing of it is stored."""
    from credit.app.asking import offers

    document = offers(Home.from_environment(), "turnover_line", console.as_of_day(as_of), supplier=supplier)
    console.answer(document, as_json=as_json, page=lambda: answers.alternatives(document))


Line = Annotated[str, typer.Argument(help="The line's id.")]
Decision = Annotated[str, typer.Argument(help="The decision that offers it.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the line's history.")]


@app.command()
def accept(decision: Decision, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Begin the line, or the contract loan, that a granted decision offers. Exit code 6 where it would not be today."""
    from credit.app import agreements, identity

    _answer(agreements.accept(Home.from_environment(), decision, who=identity.who(), key=key), as_json=as_json)


@app.command()
def suspend(line: Line, why: Why, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Stop all draws on a line."""
    from credit.app import agreements, identity

    _answer(agreements.suspend(Home.from_environment(), line, why, who=identity.who(), key=key), as_json=as_json)


@app.command()
def resume(line: Line, why: Why, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Let a suspended line be drawn on again; another person than who suspended it has to."""
    from credit.app import agreements, identity

    _answer(agreements.resume(Home.from_environment(), line, why, who=identity.who(), key=key), as_json=as_json)


@app.command()
def renew(
    line: Line,
    decision: Annotated[str, typer.Option("--decision", help="The new decision that it goes on by.")],
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Go on with a line by a new decision on the same question, with that one's limit, price and end."""
    from credit.app import agreements, identity

    _answer(agreements.renew(Home.from_environment(), line, decision, who=identity.who(), key=key), as_json=as_json)


@app.command()
def close(
    line: Annotated[str | None, typer.Argument(help="The line's id.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="The reason, for the line's history.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="All lines whose last day is over; for every night.")] = False,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """End a line for good; what is drawn is still repaid, and is all that it takes of its pools."""
    from credit.app import agreements, identity

    home = Home.from_environment()
    if ended:
        if line or why:
            raise typer.BadParameter("--ended closes all that are over, and says so itself")
        closed = agreements.close_ended(home, who=identity.who())
        console.answer(closed, as_json=as_json, page=lambda: typer.echo(f"{len(closed):,} lines are closed"))
        return
    if line is None or why is None:
        raise typer.BadParameter("name a line and --why, or --ended")
    _answer(agreements.close(home, line, why, who=identity.who(), key=key), as_json=as_json)


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="LINE|SUPPLIER", help="A line's id, or a supplier's.")],
    as_of: console.AsOf = None,
    html: console.Html = None,
    as_json: console.AsJson = False,
) -> None:
    """Show what a line is today, and all that happened to it; of a supplier, its credit memo.

    The memo is about the newest decision on the supplier's turnover line that stands, else about one that is made for
    it alone and not stored. With --as-of it is about that day, or, where no decision stood on it, an answer made today
    on the history of that day. --html writes it as a page for a committee, to read or print; of a line, about the
    decision that the line stands on.
    """
    from credit.app import agreements
    from credit.app.memo import gathering
    from credit.app.memo import page as memo

    home = Home.from_environment()
    if not agreements.events(home, what):
        document = gathering.of_supplier(home, what, console.as_of_day(as_of))
        if html is not None:
            console.write_page(html, memo.page(document))
        console.answer(document, as_json=as_json, page=lambda: answers.memo(document))
        return
    if as_of is not None:
        raise typer.BadParameter("--as-of goes with a supplier: a line is shown as it is today")
    shown = agreements.shown(home, what)
    if html is not None:
        console.write_page(html, memo.page(gathering.of_decision(home, shown["decision_id"])))
    _answer(shown, as_json=as_json)


@app.command("list")
def list_(
    supplier: Annotated[str | None, typer.Option("--supplier", help="Only this supplier's.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List the lines as they are today."""
    from credit.app import agreements

    found = agreements.listed(Home.from_environment(), supplier)
    heads = ("line", "supplier", "product", "state", "CNY", "until")
    keys = ("line_id", "supplier_id", "product", "state")
    rows = [(*(each[key] for key in keys), console.yuan(each["limit_fen"]), each["ends_on"]) for each in found]
    console.answer(found, as_json=as_json, page=lambda: console.table(heads, rows, numbers=(4,)))


@app.command("check")
def check_(
    line: Line,
    amount: Annotated[str, typer.Option("--amount", help="What would be drawn, in yuan.")],
    looked_up: console.LookedUp = None,
    as_json: console.AsJson = False,
) -> None:
    """Say whether a draw would be let through today, and what stands against it: exit code 6 where something does."""
    from credit.app import agreements
    from credit.domain.errors import Exit

    found = agreements.check_draw(Home.from_environment(), line, console.fen_of(amount), looked_up=looked_up or ())

    def page() -> None:
        typer.echo(f"{line}: a draw of CNY {console.yuan(found['amount_fen'])} on {found['on']} "
                   + ("would be let through" if found["allowed"] else "would not be let through"))  # fmt: skip
        for each in found["against"]:
            typer.echo(f"  {each}")

    console.answer(found, as_json=as_json, page=page)
    if not found["allowed"]:
        raise typer.Exit(Exit.CHECK_FAILED)


def _answer(document: dict[str, Any], *, as_json: bool) -> None:
    console.answer(document, as_json=as_json, page=lambda: page(document))


def page(document: dict[str, Any]) -> None:
    """Print what a line is today, and all that happened to it."""
    about = f" on {document['contract_id']}" if document["contract_id"] else ""
    typer.echo(f"{document['line_id']}: {document['state']}  {document['product']} of {document['supplier_id']}{about}")
    typer.echo(f"  used      CNY {console.yuan(document['used_fen'])} of {console.yuan(document['limit_fen'])}")
    typer.echo(f"  price     {document['yearly_rate_bp'] / 100:.2f} % a year, until {document['ends_on']}")
    typer.echo(f"  decision  {document['decision_id']}")
    rows = [(each["at"], each["kind"], each["who"], each["text"]) for each in document["events"]]
    console.table(("at (UTC)", "event", "who", "why"), rows)
