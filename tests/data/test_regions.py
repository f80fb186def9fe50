"""Old codes of counties find their present ones, on the day they changed and not before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from data.facts import supplier_facts
from data.ledger import Ledger
from data.regions import changes, current_regions


@pytest.mark.parametrize("change", changes(), ids=lambda c: c.old)
def test_a_code_is_the_old_one_the_day_before_and_the_new_one_from_its_day_on(change: Any) -> None:
    days = pd.Series([pd.Timestamp(change.since) - pd.Timedelta(days=1), pd.Timestamp(change.since)])
    assert current_regions(pd.Series([change.old, change.old]), days).tolist() == [change.old, change.new]


def test_no_code_is_replaced_by_one_that_was_replaced_before() -> None:
    listed = changes()
    assert all(a.new != b.old or a.since < b.since for a in listed for b in listed)


def test_a_firm_registered_under_an_old_code_is_read_under_the_one_of_the_day(
    ledger: Ledger, import_rows: Callable[..., Any]
) -> None:
    import_rows(ledger, suppliers=[{"region": "330104"}])
    for as_of, region in ((date(2021, 4, 8), "330104"), (date(2021, 4, 9), "330102")):
        cases = pd.DataFrame({"case_id": [0], "supplier_id": ["S1"], "as_of": [as_of]})
        with ledger.known_on(cases) as known:
            assert supplier_facts(known)["region"].tolist() == [region]
