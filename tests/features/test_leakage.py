"""The check that anybody can run finds a feature that reads the future, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import data.door
from data.ledger import Ledger
from features.catalogue import CATALOGUE
from features.leakage import LeakageCheck, check_leakage

AS_OF = date(2025, 6, 30)
ImportRows = Callable[..., Any]


@pytest.fixture
def checked(ledger: Ledger, import_rows: ImportRows, tmp_path: Path) -> Callable[..., LeakageCheck]:
    """The check of a ledger with two suppliers to whom a few things happened."""

    def check(sample: int = 10) -> LeakageCheck:
        two = [{}, {"supplier_id": "S2"}]
        import_rows(ledger, suppliers=two, contracts=[{}], payments=[{}], deliveries=[{}], disputes=[{}], invoices=[{}])
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        return check_leakage(ledger, AS_OF, tier="platform", sample=sample, seed=1, scratch=scratch)

    return check


def test_no_feature_reads_the_future(checked: Callable[..., LeakageCheck]) -> None:
    found = checked()
    assert (found.suppliers, found.features, found.moved) == (2, len(CATALOGUE), {})
    assert found.added == {"suppliers": 4, "contracts": 2, "payments": 2, "deliveries": 2, "disputes": 2, "invoices": 2}


def test_a_door_that_lets_in_what_was_recorded_later_is_found(
    checked: Callable[..., LeakageCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.door.stands_on", lambda day, rows, corrected: "true")
    moved = checked().moved
    assert moved["paid_amount_sum_12m"] == moved["sales_amount_sum_12m"] == moved["delivery_count_12m"] == 1


def test_a_door_that_lets_in_what_happens_later_is_found(
    checked: Callable[..., LeakageCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = data.door._seen_sql

    def leaking(*args: Any, **kwargs: Any) -> str:
        later = real(*args, **kwargs).replace("<= c.as_of", "<= c.as_of + INTERVAL 60 DAY")
        return later.replace("+ INTERVAL 16", "+ INTERVAL 1600")

    monkeypatch.setattr("data.door._seen_sql", leaking)
    assert checked().moved


def test_the_ledger_itself_stays_as_it_is(ledger: Ledger, checked: Callable[..., LeakageCheck]) -> None:
    checked()
    assert ledger.version == 1
    assert ledger.damaged() == []


def test_some_suppliers_are_drawn(checked: Callable[..., LeakageCheck]) -> None:
    assert checked(sample=1).suppliers == 1
