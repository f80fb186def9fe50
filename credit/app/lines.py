"""Lines for one supplier, for a file of applications, or for all."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import day_of, now
from credit.app.deciding import decide_and_store, ledger_with_history, pin, supplier_tier, unknown_supplier
from credit.app.home import Home
from credit.app.policies import pack_for
from credit.app.scoring import tiers_to_score
from credit.domain.errors import BrokenFile, FileMissing, WrongFormat

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.record import Record

PRODUCT = "turnover_line"


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions made together, and the rows of a file that could not be decided, each with its line and reason."""

    records: list[Record]
    refused: list[dict[str, Any]] = field(default_factory=list)


def decide_one(
    home: Home, supplier: str, requested_fen: int | None, as_of: date | None, *, review_requested: bool = False
) -> Record:
    """Decide one supplier's line, or leave it to a person where the supplier asks for one.

    Raises UnknownSupplier, NoModel.
    """
    console.waiting("deciding")
    asked = _asked([supplier], [requested_fen]).assign(review_requested=review_requested)
    return _decide(home, supplier_tier(home, supplier), asked, as_of)[0]


def decide_all(home: Home, as_of: date | None) -> Batch:
    """Decide every supplier of every kind of data that has a champion.

    Each asks for as much as can be: what it asked a lender for is between the two. A firm that a concurrent model has
    learned from is left out: its answer would be a memory.
    """
    from models.registry import registered_name

    records: list[Record] = []
    ready = tiers_to_score(home)
    silent = [tier for tier in home.ledger().tiers() if tier not in ready]
    refused = [
        {"line": "-", "column": "data", "value": t, "hint": f"no model: credit model train --data {t}"} for t in silent
    ]
    for tier in ready:
        ledger = home.ledger()
        day = as_of or ledger.last_day(tier)
        cases = ledger.suppliers(day, tier=tier)
        cases = cases[~cases["supplier_id"].isin(list(ledger.gone_on_as(day_of(now()))))]
        pack = pack_for(home, PRODUCT, tier)
        served = home.registry().champion(registered_name(pack.target, tier))
        if not served.card["dated"]:
            cases = cases[~cases["supplier_id"].isin(served.learned)]
        console.progress(f"deciding {len(cases):,} suppliers")
        records += _decide(home, tier, _asked(list(cases["supplier_id"])), day, applied=False)
    console.progress_done()
    return Batch(records, refused)


def decide_file(home: Home, file: Path, as_of: date | None) -> Batch:
    """Decide the applications of a CSV file with `supplier_id` and, optionally, `amount` in yuan.

    A row that cannot be read is set aside with its line; the rest is decided. Raises FileMissing or WrongFormat.
    """
    rows, refused = _read_applications(file)
    ledger = ledger_with_history(home)
    tiers, gone_on_as = ledger.tiers_of([supplier for _, supplier, _ in rows]), ledger.gone_on_as(day_of(now()))
    known = _known_suppliers(home, as_of)
    by_tier: dict[str, list[tuple[str, int | None]]] = {}
    for line, supplier, amount in rows:
        tier = tiers.get(supplier)
        if supplier in gone_on_as:
            hint = f"it goes on as {gone_on_as[supplier]}"
        elif tier is None:
            hint = unknown_supplier(ledger, supplier).hint
        elif supplier not in known[tier]:
            hint = "not known by that day"
        else:
            by_tier.setdefault(tier, []).append((supplier, amount))
            continue
        refused.append({"line": line, "column": "supplier_id", "value": supplier, "hint": hint})
    records: list[Record] = []
    for tier, asked in by_tier.items():
        records += _decide(home, tier, _asked([s for s, _ in asked], [a for _, a in asked]), as_of)
    return Batch(records, sorted(refused, key=lambda row: int(row["line"])))


def _known_suppliers(home: Home, as_of: date | None) -> dict[str, set[str]]:
    ledger = home.ledger()
    days = {tier: as_of or ledger.last_day(tier) for tier in ledger.tiers()}
    return {tier: set(ledger.suppliers(day, tier=tier)["supplier_id"]) for tier, day in days.items()}


def _asked(suppliers: list[str], requested: list[int | None] | None = None) -> pd.DataFrame:
    """Applications of suppliers for these amounts, or for as much as can be."""
    import pandas as pd

    amounts = pd.array(requested or [None] * len(suppliers), dtype="Int64")
    return pd.DataFrame({"supplier_id": suppliers, "requested_fen": amounts})


def _decide(home: Home, tier: str, asked: pd.DataFrame, as_of: date | None, *, applied: bool = True) -> list[Record]:
    day = as_of or home.ledger().last_day(tier)
    pinned = pin(home, pack_for(home, PRODUCT, tier), as_of=day, decided_at=now())
    return decide_and_store(home, pinned, asked, applied=applied)


def _read_applications(file: Path) -> tuple[list[tuple[int, str, int | None]], list[dict[str, Any]]]:
    if not file.is_file() or file.stat().st_size == 0:
        raise FileMissing(f"{file.name}: no such file, or it is empty", hint="a CSV with supplier_id and amount")
    rows: list[tuple[int, str, int | None]] = []
    refused: list[dict[str, Any]] = []
    seen: set[str] = set()
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, strict=True)
            if "supplier_id" not in (reader.fieldnames or []):
                raise WrongFormat(
                    f"{file.name}: column 'supplier_id' is missing", hint="the header is: supplier_id,amount (in yuan)"
                )
            for row in reader:
                supplier, amount = (row.get("supplier_id") or "").strip(), (row.get("amount") or "").strip()
                # Cells beyond the header land under None: 500,000 without quotes would be read as 500.
                problem = _SURPLUS if None in row else _problem(supplier, amount, seen)
                if problem:
                    refused.append({"line": reader.line_num, **problem})
                    continue
                seen.add(supplier)
                rows.append((reader.line_num, supplier, console.fen_of(amount) if amount else None))
    except (UnicodeDecodeError, csv.Error) as broken:
        raise BrokenFile(f"{file.name}: not a readable CSV file in UTF-8", hint="save it again as UTF-8") from broken
    if not rows and not refused:
        raise FileMissing(f"{file.name}: holds no application", hint="a CSV with supplier_id and amount")
    return rows, refused


_SURPLUS = {"column": "", "value": "", "hint": "more cells than the header has; an amount with commas needs quotes"}


def _problem(supplier: str, amount: str, seen: set[str]) -> dict[str, str] | None:
    import typer

    if not supplier:
        return {"column": "supplier_id", "value": "", "hint": "every row names a supplier"}
    if supplier in seen:
        return {"column": "supplier_id", "value": supplier, "hint": "the supplier stands on an earlier line already"}
    try:
        if amount:
            console.fen_of(amount)
    except typer.BadParameter as broken:
        return {"column": "amount", "value": amount, "hint": broken.message}
    return None
