"""What may follow what on a collection account."""

from __future__ import annotations

import pytest

from credit.domain.account import Account, refuse_step
from credit.domain.errors import AccountRefused
from data.schema import ACCOUNT_STEPS

ALLOWED = {
    (None, Account.NAMED),
    (None, Account.LOCKED),
    (Account.NAMED, Account.LOCKED),
    (Account.LOCKED, Account.CONFIRMED),
    (Account.LOCKED, Account.UNLOCKED),
    (Account.CONFIRMED, Account.UNLOCKED),
    (Account.UNLOCKED, Account.NAMED),
    (Account.UNLOCKED, Account.LOCKED),
}


def test_the_ledger_has_the_same_steps_in_the_same_order():
    assert tuple(each.value for each in Account) == ACCOUNT_STEPS


@pytest.mark.parametrize("step", Account)
@pytest.mark.parametrize("state", [None, *Account])
def test_a_step_follows_only_from_what_lets_it(state, step):
    if (state, step) in ALLOWED:
        refuse_step("C1", state, step, moved_today=False)
    else:
        with pytest.raises(AccountRefused, match=f"cannot be {step.lower()}"):
            refuse_step("C1", state, step, moved_today=False)


def test_what_was_unlocked_today_is_locked_tomorrow_at_the_earliest():
    refuse_step("C1", Account.UNLOCKED, Account.LOCKED, moved_today=False)
    with pytest.raises(AccountRefused, match="was unlocked today"):
        refuse_step("C1", Account.UNLOCKED, Account.LOCKED, moved_today=True)


def test_what_was_locked_today_is_confirmed_today():
    refuse_step("C1", Account.LOCKED, Account.CONFIRMED, moved_today=True)
