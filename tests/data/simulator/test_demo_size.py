"""The world that the demo uses teaches a model something."""

from __future__ import annotations

from datetime import date

import pytest

from data.simulator import Platform, Summary, simulate


@pytest.fixture(scope="module")
def summary(tmp_path_factory) -> Summary:
    return simulate(
        tmp_path_factory.mktemp("demo") / "platform", Platform(3000, date(2021, 1, 1), date(2026, 10, 31), 7, 0.5)
    )


def test_at_least_150_borrowers_default(summary):
    assert summary.defaulted_borrowers >= 150


def test_at_least_150_contracts_are_breached(summary):
    assert summary.breached_contracts >= 150


def test_half_of_the_suppliers_borrow(summary):
    assert summary.borrowers == pytest.approx(1500, rel=0.03)


def test_the_ledger_stays_a_matter_of_seconds(summary):
    assert 300_000 <= sum(summary.rows.values()) <= 900_000
