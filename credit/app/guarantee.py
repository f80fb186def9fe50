"""`credit guarantee`: decide advance-payment and performance guarantees on a contract, and what becomes of them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from credit.app import answers, console
from credit.app.home import Home
from credit.domain.guarantee import OVER

app = console.group("Decide guarantees on a contract, and what becomes of them once they are issued.")


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


Guarantee = Annotated[str, typer.Argument(help="The guarantee's id.")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day on which it happened; default: today.")]
Demand = Annotated[str, typer.Option("--demand", help="The demand's id.")]
Said = Annotated[str, typer.Option("--text", help="What is said with it.")]


@app.command()
def issue(
    decision: Annotated[str, typer.Argument(help="The decision that grants it.")],
    account: Annotated[str | None, typer.Option("--account", help="The account that the advance is to reach.")] = None,
    bank: Annotated[
        str | None, typer.Option("--bank", help="The bank that issues it; its files say what becomes of it.")
    ] = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Issue the guarantee that a granted decision offers. Exit code 6 where it would not be granted today."""
    from credit.app import guaranteeing, identity

    home = Home.from_environment()
    _answer(
        guaranteeing.issue(home, decision, account=account, bank=bank, who=identity.who(), key=key), as_json=as_json
    )


@app.command()
def effective(
    guarantee: Guarantee,
    account: Annotated[
        str | None, typer.Option("--account", help="The account that the advance was credited to.")
    ] = None,
    amount: Annotated[str | None, typer.Option("--amount", help="What was credited, in yuan.")] = None,
    on: On = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Let a guarantee take effect: the whole advance was credited, or the contract was signed."""
    if (account is None) != (amount is None):
        raise typer.BadParameter("an advance is told by --account and --amount; a signature by neither")
    if account is None or amount is None:
        _act(guarantee, "sign_contract", {}, on, key, as_json=as_json)
    else:
        told = {"account_id": account, "credited_fen": console.fen_of(amount)}
        _act(guarantee, "receive_advance", told, on, key, as_json=as_json)


@app.command()
def reduce(
    guarantee: Guarantee,
    accepted: Annotated[str, typer.Option("--accepted", help="What of the contract is accepted by now, in yuan.")],
    on: On = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Reduce a guarantee by its own text, with what has been accepted."""
    _act(guarantee, "reduce", {"accepted_fen": console.fen_of(accepted)}, on, key, as_json=as_json)


@app.command()
def demand(
    guarantee: Guarantee,
    amount: Annotated[str, typer.Option("--amount", help="In yuan.")],
    extend_to: Annotated[
        str | None, typer.Option("--extend-to", metavar="DATE", help="Extend or pay: the expiry that is asked for.")
    ] = None,
    text: Said = "",
    on: On = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Take a demand on the day of its presentation; the last day for an answer is counted on the calendar."""
    told = {
        "amount_fen": console.fen_of(amount),
        "extend_to": console.day(extend_to) if extend_to else None,
        "text": text,
    }
    _act(guarantee, "demand", told, on, key, as_json=as_json)


@app.command()
def pay(
    guarantee: Guarantee, demand_id: Demand, on: On = None, key: console.Key = None, as_json: console.AsJson = False
) -> None:
    """Record that a demand was paid; the supplier owes it from then on."""
    _act(guarantee, "pay", {"demand_id": demand_id}, on, key, as_json=as_json)


@app.command()
def refuse(
    guarantee: Guarantee,
    demand_id: Demand,
    discrepancy: Annotated[list[str], typer.Option("--discrepancy", help="Each one; what is not named is lost.")],
    on: On = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Refuse a demand that does not comply: once, naming each discrepancy, by the fifth business day."""
    _act(guarantee, "refuse", {"demand_id": demand_id, "discrepancies": discrepancy}, on, key, as_json=as_json)


@app.command()
def suspend(
    guarantee: Guarantee, demand_id: Demand, on: On = None, key: console.Key = None, as_json: console.AsJson = False
) -> None:
    """Put off the payment of a complying demand to extend or pay, for thirty days at most, and ask the supplier."""
    _act(guarantee, "suspend", {"demand_id": demand_id}, on, key, as_json=as_json)


@app.command()
def extend(
    guarantee: Guarantee,
    demand_id: Demand,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Where less was agreed than asked.")
    ] = None,
    on: On = None,
    key: console.Key = None,
    as_json: console.AsJson = False,
) -> None:
    """Extend instead of paying; the demand counts as withdrawn."""
    told = {"demand_id": demand_id, "expires_on": console.day(until) if until else None}
    _act(guarantee, "extend", told, on, key, as_json=as_json)


@app.command()
def withdraw(
    guarantee: Guarantee, demand_id: Demand, on: On = None, key: console.Key = None, as_json: console.AsJson = False
) -> None:
    """Record that the beneficiary takes a demand back."""
    _act(guarantee, "withdraw", {"demand_id": demand_id}, on, key, as_json=as_json)


@app.command()
def release(guarantee: Guarantee, on: On = None, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Record that the beneficiary gave the guarantee back."""
    _act(guarantee, "release", {}, on, key, as_json=as_json)


@app.command()
def expire(guarantee: Guarantee, on: On = None, key: console.Key = None, as_json: console.AsJson = False) -> None:
    """Strike off a guarantee whose last day is over and on which no demand runs."""
    _act(guarantee, "expire", {}, on, key, as_json=as_json)


@app.command()
def show(guarantee: Guarantee, on: On = None, as_json: console.AsJson = False) -> None:
    """Show what a guarantee is, what is demanded until when, and what happened to it."""
    from credit.app import guaranteeing

    _answer(guaranteeing.shown(Home.from_environment(), guarantee, _day(on)), as_json=as_json)


@app.command("list")
def list_(
    supplier: Annotated[str | None, typer.Option("--supplier", help="Only this supplier's.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not over.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """List the issued guarantees as they are today: what can be called until when.

    Of one that is demanded it is the day by which the next demand is to be answered.
    """
    from credit.app import guaranteeing

    found = guaranteeing.listed(Home.from_environment(), supplier=supplier, open_only=open_only)
    heads = ("guarantee", "supplier", "form", "state", "CNY", "until")
    rows = [
        (g["guarantee_id"], g["supplier_id"], _form(g), g["state"], console.yuan(g["outstanding_fen"]),
         min((each["last_day"] for each in g["demands"]), default=g["expires_on"]))
        for g in found
    ]  # fmt: skip
    console.answer(found, as_json=as_json, page=lambda: console.table(heads, rows, numbers=(4,)))


def _act(guarantee: str, command: str, told: dict[str, Any], on: str | None, key: str | None, *, as_json: bool) -> None:
    from credit.app import guaranteeing, identity

    home = Home.from_environment()
    answer = guaranteeing.act(home, guarantee, command, told, on=_day(on), who=identity.who(), key=key)
    _answer(answer, as_json=as_json)


def _day(on: str | None) -> date:
    from credit.app.clock import day_of, now

    return console.day(on) if on else day_of(now())


def _answer(document: dict[str, Any], *, as_json: bool) -> None:
    def page() -> None:
        typer.echo(
            f"{document['guarantee_id']}: {document['state']}  {_form(document)} of {document['supplier_id']} on "
            f"{document['contract_id']}"
        )
        over = document["state"] in OVER
        left = "no more" if over else f"CNY {console.yuan(document['outstanding_fen'])}"
        until = "" if over else f", until {document['expires_on']}"
        typer.echo(f"  can be called  {left}{until}")
        typer.echo(f"  issued         CNY {console.yuan(document['amount_fen'])} on {document['issued_on']}")
        if document["paid_fen"]:
            typer.echo(f"  paid           CNY {console.yuan(document['paid_fen'])}, which the supplier owes")
        for each in document["demands"]:
            asked = f", or extend to {each['extend_to']}" if each["extend_to"] else ""
            typer.echo(f"  demand         {each['demand_id']} of CNY {console.yuan(each['amount_fen'])}{asked}")
            typer.echo(
                f"                 presented {each['presented_on']}, {_STANDINGS[each['standing']]} by "
                f"{each['last_day']}"
            )
        if events := document.get("events"):
            rows = [(e["on"], e["kind"], console.yuan(e["amount_fen"]), e["who"], e["text"]) for e in events]
            console.table(("on", "event", "CNY", "who", "said"), rows, numbers=(2,))

    console.answer(document, as_json=as_json, page=page)


_STANDINGS = {"PRESENTED": "to be answered", "SUSPENDED": "put off: to be extended or paid"}


def _form(document: dict[str, Any]) -> str:
    return str(document["form"]).removesuffix("_PAYMENT").lower()


def _product(form: Form) -> str:
    return f"{form.value.replace('-', '_')}_guarantee"
