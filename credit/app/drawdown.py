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
    looked_up: Annotated[
        list[str] | None, typer.Option("--looked-up", help="A condition that no feed says and you have looked up.")
    ] = None,
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
    """List draws as they are today."""
    from credit.app import drawing

    found = drawing.draws(Home.from_environment(), supplier=supplier, line=line)
    heads = ("draw", "line", "state", "principal, CNY", "owed, CNY", "due", "late, days")
    rows = [
        (each["draw_id"], each["line_id"], each["state"], console.yuan(each["owed"]["principal_fen"]),
         console.yuan(sum(each["owed"].values())), each["due_on"], each["days_past_due"])
        for each in found
    ]  # fmt: skip
    console.answer(found, as_json=as_json, page=lambda: console.table(heads, rows, numbers=(3, 4, 6)))


def _answer(document: dict[str, Any], *, as_json: bool) -> None:
    def page() -> None:
        owed = document["owed"]
        typer.echo(f"{document['draw_id']}: {document['state']}")
        if document["pending_fen"]:
            typer.echo(f"  reserved  CNY {console.yuan(document['pending_fen'])}")
        for kind in ("principal", "interest", "overdue_interest", "fees"):
            if owed[f"{kind}_fen"]:
                typer.echo(f"  {kind.replace('_', ' ')}  CNY {console.yuan(owed[f'{kind}_fen'])}")
        for each in document.get("events", ()):
            typer.echo(f"  {each['on']}  {each['kind'].lower()}  CNY {console.yuan(each['amount_fen'])}  {each['who']}")

    console.answer(document, as_json=as_json, page=page)
