"""`credit guarantee`: decide advance-payment and performance guarantees on a contract."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from credit.app import answers, console
from credit.app.home import Home

app = console.group("Decide guarantees on a contract.")


class Form(StrEnum):
    """The guarantees that can be asked for."""

    ADVANCE_PAYMENT = "advance-payment"
    PERFORMANCE = "performance"


@app.callback()
def guarantee() -> None:
    """Decide guarantees on a contract."""


@app.command()
def decide(
    form: Annotated[Form, typer.Argument(help="Which guarantee.")],
    contract: Annotated[str, typer.Option("--contract", help="The contract's id.")],
    as_of: console.AsOf = None,
    as_json: console.AsJson = False,
) -> None:
    """Answer with amount, fee, effective condition, reduction schedule and expiry, or with why not."""
    from credit.app.guaranteeing import decide_guarantee

    product = f"{form.value.replace('-', '_')}_guarantee"
    record = decide_guarantee(Home.from_environment(), product, contract, console.as_of_day(as_of))
    console.answer(record, as_json=as_json, page=lambda: answers.page(record))
