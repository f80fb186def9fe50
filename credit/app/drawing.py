"""Draws and repayments: what people ask of the book, after policy and authority have been asked."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from credit.app import agreements
from credit.app.booking import request
from credit.app.clock import day_of, now
from credit.app.deciding import contract_supplier, supplier_tier
from credit.app.home import Home
from credit.app.policies import book_terms
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.errors import DrawRefused


def request_draw(
    home: Home,
    line: str,
    amount_fen: int,
    *,
    months: int | None,
    contract: str | None,
    looked_up: Collection[str],
    who: str,
    key: str | None,
) -> dict[str, Any]:
    """Reserve a draw on a line, after policy was asked again as of today.

    Raises UnknownContract, and DrawRefused with what is against it.

    It is due after so many months, at the latest when the line ends, which is also the default. `looked_up` are the
    conditions that no feed says and somebody has looked up.
    """
    from credit.domain.draws import DrawTerms
    from credit.domain.windows import months_after
    from data.book.book import Asked

    refuse(home, Action.BOOK, who)
    arguments = {"line": line, "amount_fen": amount_fen, "months": months, "contract": contract,
                 "looked_up": sorted(looked_up)}  # fmt: skip
    asked = request("drawdown request", arguments, who=who, key=key)
    if known := home.book().answered(asked):
        return known
    today, there = day_of(now()), agreements.shown(home, line)
    _refuse_contract(home, there, contract)
    check = agreements.check_draw(home, line, amount_fen, looked_up=looked_up)
    if check["against"]:
        raise DrawRefused("; ".join(check["against"]), hint=_hint(check))
    terms, ends_on = book_terms(home, today), date.fromisoformat(there["ends_on"])
    due_on = ends_on if months is None else min(months_after(today, months), ends_on)
    rate = int(there["yearly_rate_bp"])
    wanted = Asked(
        draw_id=f"T{asked.fingerprint[:7].upper()}{uuid4().hex[:8].upper()}",
        line_id=line,
        contract_id=contract,
        amount_fen=amount_fen,
        on=today,
        lapses_on=today + timedelta(days=int(terms["pending_days"])),
        looked_up=tuple(sorted(looked_up)),
        terms=DrawTerms(
            yearly_rate_bp=rate, penalty_rate_bp=math.ceil(round(rate * terms["penalty_multiple"], 6)), due_on=due_on
        ),
    )
    return home.book().request_draw(asked, wanted)


def _hint(check: dict[str, Any]) -> str:
    """What can be done about what is against a draw."""
    if check["to_look_up"]:
        told = " ".join(f"--looked-up {code}" for code in check["to_look_up"])
        return f"look it up where it is registered, and say so: {told}"
    return f"`credit line show {check['line_id']}` says what the line is, `credit line check` whether it can be drawn"


def _refuse_contract(home: Home, line: dict[str, Any], contract: str | None) -> None:
    """Raise DrawRefused where a draw is for a contract that its line is not on, or that is another firm's.

    Raises UnknownContract.
    """
    if contract is None or contract == line["contract_id"]:
        return
    if line["contract_id"] is not None:
        raise DrawRefused(f"{line['line_id']} is a loan on contract {line['contract_id']}", hint="leave --contract out")
    whose, gone_on_as = contract_supplier(home, contract), home.ledger().gone_on_as(day_of(now()))
    supplier = gone_on_as.get(line["supplier_id"], line["supplier_id"])
    if whose != supplier:
        raise DrawRefused(f"contract {contract} is {whose}'s and not {supplier}'s", hint="name one of its own, or none")


def post_draw(home: Home, draw: str, on: date, *, amount_fen: int | None, who: str, key: str | None) -> dict[str, Any]:
    """Record that a reserved draw was paid out on a day. Raises DrawRefused."""
    refuse(home, Action.BOOK, who)
    _refuse_future(on)
    asked = request("drawdown post", {"draw": draw, "on": str(on), "amount_fen": amount_fen}, who=who, key=key)
    return home.book().post_draw(asked, draw, on, amount_fen=amount_fen)


def void_draw(home: Home, draw: str, why: str, *, who: str, key: str | None) -> dict[str, Any]:
    """Give back what a reserved draw holds. Raises DrawRefused."""
    refuse(home, Action.BOOK, who)
    asked = request("drawdown void", {"draw": draw, "why": _said(why)}, who=who, key=key)
    return home.book().void_draw(asked, draw, day_of(now()), why)


def charge(home: Home, draw: str, amount_fen: int, why: str, *, who: str, key: str | None) -> dict[str, Any]:
    """Add a fee to what is owed of a draw. Raises DrawRefused."""
    refuse(home, Action.BOOK, who)
    asked = request("drawdown charge", {"draw": draw, "amount_fen": amount_fen, "why": _said(why)}, who=who, key=key)
    return home.book().charge(asked, draw, day_of(now()), amount_fen, why)


def write_off(home: Home, draw: str, why: str, *, who: str, key: str | None) -> dict[str, Any]:
    """Write off what is owed of a draw. Raises DrawRefused."""
    refuse(home, Action.REVERSE, who)
    asked = request("drawdown write-off", {"draw": draw, "why": _said(why)}, who=who, key=key)
    return home.book().write_off(asked, draw, day_of(now()), why)


def draws(home: Home, *, supplier: str | None, line: str | None) -> list[dict[str, Any]]:
    """The draws of a supplier or line, or all, as they are today."""
    book, today = home.book(), day_of(now())
    return [book.draw(each.subject_id, today) for each in book.draws_listed(supplier_id=supplier, line_id=line)]


# -- repayments


def record_repayment(
    home: Home, draw: str, payment: str, amount_fen: int, on: date, *, who: str, key: str | None
) -> dict[str, Any]:
    """Record that a supplier repaid of a draw, before it is due or after. Raises DrawRefused."""
    refuse(home, Action.BOOK, who)
    _refuse_future(on)
    arguments = {"draw": draw, "payment": payment, "amount_fen": amount_fen, "on": str(on)}
    asked = request("repayment record", arguments, who=who, key=key)
    return home.book().repay(asked, draw, payment, amount_fen, on, waterfall(home, on))


def collect(
    home: Home,
    supplier: str,
    contract: str | None,
    payment: str,
    amount_fen: int,
    on: date,
    *,
    who: str,
    key: str | None,
) -> dict[str, Any]:
    """Sweep what a buyer paid into the locked account of a contract.

    Raises UnknownSupplier, UnknownContract, DrawRefused.
    """
    refuse(home, Action.BOOK, who)
    _refuse_future(on)
    # What is owed by nobody that is known would be released to nobody.
    supplier_tier(home, supplier)
    if contract is not None:
        contract_supplier(home, contract)
    arguments = {
        "supplier": supplier,
        "contract": contract,
        "payment": payment,
        "amount_fen": amount_fen,
        "on": str(on),
    }
    asked = request("repayment collect", arguments, who=who, key=key)
    return home.book().collect(asked, supplier, contract, payment, amount_fen, on, waterfall(home, on))


def reverse(home: Home, draw: str, payment: str, why: str, *, who: str, key: str | None) -> dict[str, Any]:
    """Take a repayment back, which its bank did. Raises DrawRefused."""
    refuse(home, Action.REVERSE, who)
    asked = request("repayment reverse", {"draw": draw, "payment": payment, "why": _said(why)}, who=who, key=key)
    return home.book().reverse(asked, draw, payment, day_of(now()), why)


def waterfall(home: Home, on: date) -> tuple[str, ...]:
    """What a repayment pays first, as it stands on a day."""
    ranks = book_terms(home, on)["waterfall_rank"]
    return tuple(f"{kind}_fen" for kind in sorted(ranks, key=ranks.__getitem__))


def _refuse_future(on: date) -> None:
    if on > day_of(now()):
        raise DrawRefused(f"{on} has not come", hint="book it on the day it happens")


def _said(why: str) -> str:
    if not why.strip():
        raise DrawRefused("it has to be said why", hint='--why "…"')
    return why
