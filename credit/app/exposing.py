"""What lines and guarantees take, by what they draw on, as the book knew it on any day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from credit.app.clock import span_of
from credit.app.home import Home
from credit.domain.errors import UnknownName

BY = ("supplier", "group", "contract", "buyer", "pair", "district", "category", "product", "programme")
_COLUMNS = {each: f"{each}_id" for each in ("supplier", "group", "contract", "buyer")}
SUMS = ("committed_fen", "outstanding_fen", "guaranteed_fen", "claimed_fen")
# What is drawn is part of what is committed.
TAKEN = ("committed_fen", "guaranteed_fen", "claimed_fen")


def exposure(home: Home, by: str, on: date, *, key: str | None = None, version: int | None = None) -> dict[str, Any]:
    """What was committed, owed and guaranteed at the end of a day, by one of `BY`, the largest first; of `key` alone.

    A firm counts in each of its programmes. Raises UnknownName.
    """
    from data import facts
    from data.book.exposure import exposure as booked
    from data.groups import group_of

    if by not in BY:
        raise UnknownName(f"exposure is not shown by {by!r}", hint="choose from " + ", ".join(BY))
    _, ends = span_of(on)
    found = booked(home.store(), ends.isoformat())
    ledger = home.ledger()
    gone_on_as = ledger.gone_on_as(on, version=version) if ledger.version else {}
    # What was granted to another id of a firm is the firm's.
    found["supplier_id"] = found["supplier_id"].replace(gone_on_as)
    groups: Any = facts.groups_on(ledger, on, version=version) if ledger.version else {}
    found["group_id"] = group_of(found["supplier_id"], groups)
    # Where nobody has a buyer, a column of nothing but what is missing is no text to pandas.
    found["pair"] = found["group_id"].astype("str") + "/" + found["buyer_id"].astype("str")
    found["pair"] = found["pair"].where(found["buyer_id"].notna())
    whole = {each: int(found[each].sum()) for each in SUMS}
    if by == "programme":
        found = found.merge(facts.programmes_on(ledger, found["supplier_id"], on, version=version), on="supplier_id")
    column = _COLUMNS.get(by, by)
    sums = found.dropna(subset=[column]).groupby(column)[list(SUMS)].sum()
    sums = sums.assign(total=sums[list(TAKEN)].sum(axis=1)).sort_values("total", ascending=False, kind="stable")
    if key is not None:
        sums = sums[sums.index == key]
    rows = [{"key": str(name), **{each: int(row[each]) for each in SUMS}} for name, row in sums.iterrows()]
    return {"on": str(on), "by": by, "whole": whole, "rows": rows}


def of_groups(home: Home, suppliers: Iterable[str], on: date) -> dict[str, int]:
    """What the group of each supplier had committed, guaranteed and paid out on claims at the end of a day, in fen."""
    from data import facts

    ledger = home.ledger()
    gone_on_as, groups = ledger.gone_on_as(on), facts.groups_on(ledger, on).to_dict()
    taken = {each["key"]: sum(each[name] for name in TAKEN) for each in exposure(home, "group", on)["rows"]}
    firms = {supplier: gone_on_as.get(supplier, supplier) for supplier in suppliers}
    return {supplier: taken.get(groups.get(firm, firm), 0) for supplier, firm in firms.items()}
