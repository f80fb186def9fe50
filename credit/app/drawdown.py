"""`credit drawdown`: draws on lines, from the request to the last fen."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Request draws on lines, record that they were paid out, void, charge and show them.")

Draw = Annotated[str, typer.Argument(help="The draw's id.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the log.")]


@app.command()
def request(
    line: Annotated[str, typer.Argument(help="The line's id.")],
    amount: Annotated[str, typer.Option("--amount", help="In yuan.")],
    months: Annotated[int | None, typer.Option(min=1, help="Until when; default, and at most: the line's end.")] = None,
    contract: Annotated[str | None, typer.Option("--contract", help="The contract that it is for.")] = None,
    looked_up: console.LookedUp = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Reserve a draw: policy is asked again, and nobody else draws what is reserved. Exit code 6 if refused."""
    from credit.app import drawing, identity

    home, fen = Home.from_environment(), console.fen_of(amount)
    answer = drawing.request_draw(
        home, line, fen, months=months, contract=contract, looked_up=looked_up or (), who=identity.who(), key=key
    )
    _answer(answer, as_json=as_json)


@app.command()
def post(
    draw: Draw,
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="The day on which it was paid out.")],
    amount: Annotated[
        str | None, typer.Option("--amount", help="In yuan, where less was paid out than reserved.")
    ] = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Record that a reserved draw was paid out."""
    from credit.app import drawing, identity

    fen = console.fen_of(amount) if amount else None
    home, day = Home.from_environment(), console.day(on)
    _answer(drawing.post_draw(home, draw, day, amount_fen=fen, who=identity.who(), key=key), as_json=as_json)


@app.command()
def void(draw: Draw, why: Why, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Give back what a draw that was not paid out holds."""
    from credit.app import drawing, identity

    _answer(drawing.void_draw(Home.from_environment(), draw, why, who=identity.who(), key=key), as_json=as_json)


@app.command()
def charge(
    draw: Draw,
    amount: Annotated[str, typer.Option("--amount", help="In yuan.")],
    why: Why,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Add a fee to what is owed of a draw; it is what a repayment pays first."""
    from credit.app import drawing, identity

    home, fen = Home.from_environment(), console.fen_of(amount)
    _answer(drawing.charge(home, draw, fen, why, who=identity.who(), key=key), as_json=as_json)


@app.command("write-off")
def write_off(draw: Draw, why: Why, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Write off all that is owed of a draw."""
    from credit.app import drawing, identity

    _answer(drawing.write_off(Home.from_environment(), draw, why, who=identity.who(), key=key), as_json=as_json)


@app.command()
def show(draw: Draw, as_json: console.AsJson = False) -> None:
    """Show what a draw is today, what is owed of it, and all that happened to it."""
    from credit.app.clock import day_of, now

    _answer(Home.from_environment().book().draw(draw, day_of(now())), as_json=as_json)


@app.command("list")
def list_(
    supplier: Annotated[str | None, typer.Option("--supplier", help="Only this supplier's.")] = None,
    line: Annotated[str | None, typer.Option("--line", help="Only those on this line.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """List draws as they are today: what is reserved or owed of each, until when, and how many days it is late."""
    from credit.app import drawing

    found = drawing.draws(Home.from_environment(), supplier=supplier, line=line)
    heads = ("draw", "line", "state", "CNY", "due", "late")
    held = [each["pending_fen"] + sum(each["owed"].values()) for each in found]
    rows = [
        (each["draw_id"], each["line_id"], each["state"], console.yuan(fen), each["due_on"], each["days_past_due"])
        for each, fen in zip(found, held, strict=True)
    ]
    console.answer(found, as_json=as_json, page=lambda: console.table(heads, rows, numbers=(3, 5)))


def _answer(document: dict[str, Any], *, as_json: bool) -> None:
    def page() -> None:
        owed = document["owed"]
        about = f" on {document['line_id']} of {document['supplier_id']}" if "line_id" in document else ""
        typer.echo(f"{document['draw_id']}: {document['state']}{about}")
        if document["pending_fen"]:
            until = f", until {document['lapses_on']}" if "lapses_on" in document else ""
            typer.echo(f"  {'reserved':<18}CNY {console.yuan(document['pending_fen'])}{until}")
        for kind in ("principal", "interest", "overdue_interest", "fees"):
            if owed[f"{kind}_fen"]:
                typer.echo(f"  {kind.replace('_', ' '):<18}CNY {console.yuan(owed[f'{kind}_fen'])}")
        if "due_on" in document and (document["pending_fen"] or any(owed.values())):
            late = f", {document['days_past_due']:,} days ago" if document.get("days_past_due") else ""
            typer.echo(f"  {'due':<18}{document['due_on']}{late}")
        if events := document.get("events"):
            rows = [
                (each["on"], each["kind"], console.yuan(each["amount_fen"]), each["who"],
                 ": ".join(filter(None, (each["repayment_id"], each.get("why")))))
                for each in events
            ]  # fmt: skip
            console.table(("on", "event", "CNY", "who", "payment or why"), rows, numbers=(2,))

    console.answer(document, as_json=as_json, page=page)
