"""Collection accounts: what the bank and the buyer did with them, entered as events of the ledger."""

from __future__ import annotations

from typing import Any

from credit.app import identity
from credit.app.clock import day_of, now
from credit.app.deciding import contract_supplier, ledger_with_history
from credit.app.home import Home
from credit.app.recording import event_id, record_events
from credit.app.roles import refuse
from credit.domain.account import Account, refuse_step
from credit.domain.authority import Action


def account_of(home: Home, contract_id: str) -> dict[str, Any]:
    """What a contract's account is today, and how it came to be so. Raises EmptyLedger, UnknownContract.

    `state` is None where nobody has named an account. `locked` and `confirmed` are what a decision of today reads.
    """
    from data.facts import account_events

    ledger = ledger_with_history(home)
    supplier, today = contract_supplier(home, contract_id), day_of(now())
    events = account_events(ledger, supplier, contract_id, on=today)
    state = Account(events[-1]["kind"]) if events else None
    return {
        "contract_id": contract_id,
        "supplier_id": supplier,
        "as_of": str(today),
        "state": state,
        "locked": state in (Account.LOCKED, Account.CONFIRMED),
        "confirmed": state is Account.CONFIRMED,
        "history": events,
    }


def record_step(home: Home, contract_id: str, step: Account) -> dict[str, Any]:
    """Record that today the account of a contract was locked by the bank, confirmed by the buyer, or unlocked.

    Answers what the account is then. Raises NotAuthorised, EmptyLedger, UnknownContract, AccountRefused.
    """
    refuse(home, Action.ACCOUNT, identity.who())
    before = account_of(home, contract_id)
    moved_today = bool(before["history"]) and before["history"][-1]["happened_on"] == before["as_of"]
    refuse_step(contract_id, before["state"], step, moved_today=moved_today)
    about = {"contract_id": contract_id, "supplier_id": before["supplier_id"], "kind": step.value}
    record_events(home, "accounts", [{"account_event_id": event_id(contract_id, step), **about}], at=now())
    return account_of(home, contract_id)
