"""`credit guarantee`: decide advance-payment and performance guarantees on a contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Decide guarantees on a contract, and security for bids.")


class Form(StrEnum):
    """The guarantees that can be asked for."""

    ADVANCE_PAYMENT = "advance-payment"
    PERFORMANCE = "performance"
    BID = "bid-security"


@app.callback()
def guarantee() -> None:
    """Decide guarantees on a contract, and security for bids."""


@app.command()
def decide(
    form: Annotated[Form, typer.Argument(help="Which guarantee.")],
    contract: Annotated[str | None, typer.Option("--contract", help="The contract's id.")] = None,
    supplier: Annotated[str | None, typer.Option("--supplier", help="Who bids, for bid security.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="Region code of the tender, for bid security.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Its budget in yuan, for bid security.")] = None,
    review: console.Review = False,
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Answer with amount, fee, effective condition, reduction schedule and expiry, or with why not."""
    from credit.app import asking

    home, day = Home.from_environment(), console.as_of_day(as_of)
    if form is Form.BID:
        if not (supplier and region and budget) or contract:
            raise typer.BadParameter("bid security asks for --supplier, --region and --budget, and no contract")
        record = asking.decide_bid(home, supplier, day, region=region, budget_fen=console.fen_of(budget))
    else:
        if not contract or supplier or region or budget:
            raise typer.BadParameter("a guarantee on a contract asks for --contract alone")
        record = asking.decide_on_contract(home, _product(form), contract, day, review_requested=review)
    console.answer(record, as_json=as_json, page=lambda: answers.page(record))


@app.command()
def offer(
    form: Annotated[Form, typer.Argument(help="Which guarantee on a contract.")],
    contract: Annotated[str, typer.Option("--contract", help="The contract's id.")],
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """List what would have to be given for it without a person; nothing of it is stored."""
    from credit.app.asking import offers

    if form is Form.BID:
        raise typer.BadParameter("there is nothing to give for bid security")
    document = offers(Home.from_environment(), _product(form), console.as_of_day(as_of), contract=contract)
    console.answer(document, as_json=as_json, page=lambda: answers.alternatives(document))


def _product(form: Form) -> str:
    return f"{form.value.replace('-', '_')}_guarantee"
