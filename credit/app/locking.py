"""Collection accounts: what the bank and the buyer did with them, entered as events of the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

from credit.app.booking import request
from credit.app.clock import day_of, now
from credit.app.deciding import contract_supplier, ledger_with_history
from credit.app.home import Home
from credit.app.recording import entered
from credit.app.roles import refuse
from credit.domain.account import Account, refuse_step
from credit.domain.authority import Action

_VERBS = {Account.LOCKED: "lock", Account.CONFIRMED: "confirm", Account.UNLOCKED: "unlock"}


def account_of(home: Home, contract_id: str, *, on: date | None = None) -> dict[str, Any]:
    """What a contract's account is on a day, by default today, and how it came to be so.

    `state` is None where nobody has named an account. `locked` and `confirmed` are what a decision of the day reads.
    Raises EmptyLedger, UnknownContract.
    """
    from data.facts import account_events

    ledger = ledger_with_history(home)
    supplier, day = contract_supplier(home, contract_id), on or day_of(now())
    events = account_events(ledger, supplier, contract_id, on=day)
    state = Account(events[-1]["kind"]) if events else None
    return {
        "contract_id": contract_id,
        "supplier_id": supplier,
        "as_of": str(day),
        "state": state,
        "locked": state in (Account.LOCKED, Account.CONFIRMED),
        "confirmed": state is Account.CONFIRMED,
        "history": events,
    }


def record_step(home: Home, contract_id: str, step: Account, *, who: str, key: str | None = None) -> dict[str, Any]:
    """Record that today the account of a contract was locked by the bank, confirmed by the buyer, or unlocked.

    Answers what the account is then. Raises NotAuthorised, EmptyLedger, UnknownContract, AccountRefused, KeyTaken.
    """
    refuse(home, Action.ACCOUNT, who)
    ledger_with_history(home)
    supplier = contract_supplier(home, contract_id)
    asked = request(f"account {_VERBS[step]}", {"contract": contract_id}, who=who, key=key)

    def events() -> list[dict[str, str]]:
        before = account_of(home, contract_id)
        moved_today = bool(before["history"]) and before["history"][-1]["happened_on"] == before["as_of"]
        refuse_step(contract_id, before["state"], step, moved_today=moved_today)
        return [{"contract_id": contract_id, "supplier_id": supplier, "kind": step.value}]

    return entered(
        home,
        asked,
        "accounts",
        supplier,
        events=events,
        answer=lambda told: account_of(home, contract_id, on=date.fromisoformat(told[0]["happened_on"])),
    )
