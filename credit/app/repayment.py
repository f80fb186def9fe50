"""`credit repayment`: what suppliers and buyers pay, by the waterfall."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from credit.app import console
from credit.app.home import Home

app = console.group("Record repayments and what buyers pay into locked accounts; take back what a bank took back.")

Draw = Annotated[str, typer.Argument(help="The draw's id.")]
Payment = Annotated[str, typer.Option("--payment", help="The payment's id at the bank.")]
Amount = Annotated[str, typer.Option("--amount", help="In yuan.")]
On = Annotated[str, typer.Option("--on", metavar="DATE", help="The day on which the money arrived.")]


@app.command()
def record(
    draw: Draw, payment: Payment, amount: Amount, on: On, key: console.Key = None, as_json: console.AsJson = False
) -> None:
    """Record that a supplier repaid of a draw: fees first, then overdue interest, interest and principal."""
    from credit.app import drawing, identity

    home, day, fen = Home.from_environment(), console.day(on), console.fen_of(amount)
    answer = drawing.record_repayment(home, draw, payment, fen, day, who=identity.who(), key=key)
    _answer({draw: answer["paid"]}, answer, as_json=as_json)


@app.command()
def collect(
    supplier: Annotated[str, typer.Argument(help="The supplier's id.")],
    payment: Payment,
    amount: Amount,
    on: On,
    contract: Annotated[str | None, typer.Option("--contract", help="The contract that the buyer paid.")] = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Sweep a buyer's payment on a locked account: first the contract's own draws, then what else is due.

    The rest is the supplier's.
    """
    from credit.app import drawing, identity

    home, day, fen = Home.from_environment(), console.day(on), console.fen_of(amount)
    answer = drawing.collect(home, supplier, contract, payment, fen, day, who=identity.who(), key=key)
    _answer(answer["repaid"], answer, as_json=as_json)


@app.command()
def sweep(as_of: console.AsOf = None, as_json: console.AsJson = False) -> None:
    """Collect all that the ledger says was paid into locked accounts, each payment once; for every night."""
    from credit.app import identity, sweeping

    document = sweeping.sweep(Home.from_environment(), console.as_of_day(as_of), who=identity.who())

    def page() -> None:
        repaid = sum(sum(paid.values()) for each in document["swept"] for paid in each["repaid"].values())
        typer.echo(
            f"{len(document['swept']):,} payments to {document['suppliers']:,} suppliers as known on "
            f"{document['as_of']} repaid CNY {console.yuan(repaid)}"
        )
        for each in document["refused"]:
            typer.echo(f"  {each['payment_id']}: {each['why']}; `credit repayment collect` books it by hand")

    console.answer(document, as_json=as_json, page=page)


@app.command()
def reverse(
    draw: Draw,
    payment: Payment,
    why: Annotated[str, typer.Option("--why", help="The reason, for the log.")],
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Take a repayment back that its bank took back: what it had paid is owed again."""
    from credit.app import drawing, identity

    answer = drawing.reverse(Home.from_environment(), draw, payment, why, who=identity.who(), key=key)
    said = f"{draw}: {answer['state']}, CNY {console.yuan(sum(answer['owed'].values()))} are owed"
    console.answer(answer, as_json=as_json, page=lambda: typer.echo(said))


def _answer(repaid: dict[str, dict[str, int]], answer: dict[str, Any], *, as_json: bool) -> None:
    def page() -> None:
        heads = ("draw", "fees", "overdue interest", "interest", "principal")
        kinds = ("fees_fen", "overdue_interest_fen", "interest_fen", "principal_fen")
        rows = [(draw, *(console.yuan(paid[kind]) for kind in kinds)) for draw, paid in repaid.items()]
        if rows:
            console.table(heads, rows, numbers=(1, 2, 3, 4))
        typer.echo(f"to the supplier: CNY {console.yuan(answer['released_fen'])}")

    console.answer(answer, as_json=as_json, page=page)
