"""The collection account of a contract: what may follow what (DOMAIN 1.2).

The account is named in the contract or its supplement, the lending bank locks it as the only one that is paid into, and
the buyer confirms contract and account. It does not change without both: once unlocked, it is locked and confirmed
anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from credit.domain.errors import AccountRefused


class Account(StrEnum):
    """What happened last to a collection account."""

    NAMED = "NAMED"
    LOCKED = "LOCKED"
    CONFIRMED = "CONFIRMED"
    UNLOCKED = "UNLOCKED"


# A bank may lock an account that no feed has named: where it was named is in the contract.
MAY_FOLLOW: Mapping[Account, tuple[Account | None, ...]] = {
    Account.NAMED: (None, Account.UNLOCKED),
    Account.LOCKED: (None, Account.NAMED, Account.UNLOCKED),
    Account.CONFIRMED: (Account.LOCKED,),
    Account.UNLOCKED: (Account.LOCKED, Account.CONFIRMED),
}


def refuse_step(contract_id: str, state: Account | None, step: Account, *, moved_today: bool) -> None:
    """Raise AccountRefused where a step does not follow from what an account is.

    The ledger knows days: within one an account only goes forward, so what was unlocked today is not locked today.

    >>> refuse_step("C1", Account.LOCKED, Account.CONFIRMED, moved_today=True)
    """
    if state not in MAY_FOLLOW[step]:
        before = [each.lower() for each in MAY_FOLLOW[step] if each is not None]
        raise AccountRefused(
            f"the account of {contract_id} cannot be {step.lower()}: it is {state.lower() if state else 'not named'}",
            hint=f"it has to be {' or '.join(before)} before; `credit account show --contract {contract_id}`",
        )
    if moved_today and state is Account.UNLOCKED:
        raise AccountRefused(
            f"the account of {contract_id} was unlocked today", hint=f"it can be {step.lower()} from tomorrow on"
        )
