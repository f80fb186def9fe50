"""`credit loan`: decide loans on a contract."""

from __future__ import annotations

from typing import Annotated

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Decide loans on a procurement contract.")


@app.callback()
def loan() -> None:
    """Decide loans that a contract's buyer repays."""


@app.command()
def decide(
    contract: Annotated[str, typer.Option("--contract", help="The contract's id.")],
    amount: console.Amount = None,
    review: console.Review = False,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Answer with amount, rate, when it is due, and what has to be met before money is paid out, or with why not."""
    from credit.app.asking import decide_on_contract

    record = decide_on_contract(
        Home.from_environment(),
        "contract_loan",
        contract,
        console.as_of_day(as_of),
        requested_fen=console.fen_of(amount) if amount else None,
        review_requested=review,
    )
    console.answer(record, as_json=as_json, page=lambda: answers.page(record))


@app.command()
def offer(
    contract: Annotated[str, typer.Option("--contract", help="The contract's id.")],
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """List what could be had without a person: amount by tenor and by what could still be given."""
    from credit.app.asking import offers

    document = offers(Home.from_environment(), "contract_loan", console.as_of_day(as_of), contract=contract)
    console.answer(document, as_json=as_json, page=lambda: answers.alternatives(document))
