"""Lines for one supplier, for a file of applications, or for all."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console
from credit.app.clock import now
from credit.app.deciding import Record, decide_and_store, pin, supplier_tier
from credit.app.home import Home
from credit.app.policies import pack_for
from credit.app.scoring import tiers_to_score
from credit.domain.errors import FileMissing, UnknownSupplier, WrongFormat

if TYPE_CHECKING:
    import pandas as pd

PRODUCT = "turnover_line"
UNASKED = float("nan")


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions made together, and the rows of a file that could not be decided, each with its line and reason."""

    records: list[Record]
    refused: list[dict[str, Any]] = field(default_factory=list)


def decide_one(home: Home, supplier: str, requested_fen: int | None, as_of: date | None) -> list[Record]:
    """Decide one supplier's line. Raises UnknownSupplier, NoModel."""
    tier = supplier_tier(home, supplier)
    return _decide(home, tier, [supplier], [UNASKED if requested_fen is None else requested_fen], as_of)


def decide_all(home: Home, as_of: date | None) -> Batch:
    """Decide every supplier of every kind of data that has a champion.

    Each asks for what it last asked a lender for within a year, or for as much as can be. A firm that a concurrent
    model has learned from is left out: its answer would be a memory.
    """
    from data.facts import last_requests
    from models.registry import registered_name

    records: list[Record] = []
    for tier in tiers_to_score(home):
        ledger = home.ledger()
        day = as_of or ledger.last_day(tier)
        cases = ledger.suppliers(day, tier=tier)
        pack = pack_for(home, PRODUCT, tier)
        served = home.registry().champion(registered_name(pack.target, tier))
        asked = last_requests(ledger, cases)
        if not served.card["dated"]:
            kept = ~cases["supplier_id"].isin(served.learned)
            cases, asked = cases[kept], asked[kept.to_numpy()]
        console.progress(f"deciding {len(cases):,} suppliers")
        records += _decide(home, tier, list(cases["supplier_id"]), list(asked), day)
    console.progress_done()
    return Batch(records)


def decide_file(home: Home, file: Path, as_of: date | None) -> Batch:
    """Decide the applications of a CSV file with `supplier_id` and, optionally, `amount` in yuan.

    A row that cannot be read is set aside with its line; the rest is decided. Raises FileMissing or WrongFormat.
    """
    rows, refused = _read_applications(file)
    by_tier: dict[str, list[tuple[str, float]]] = {}
    for line, supplier, amount in rows:
        try:
            by_tier.setdefault(supplier_tier(home, supplier), []).append((supplier, amount))
        except UnknownSupplier as unknown:
            refused.append({"line": line, "column": "supplier_id", "value": supplier, "hint": unknown.hint})
    records: list[Record] = []
    for tier, asked in by_tier.items():
        records += _decide(home, tier, [s for s, _ in asked], [a for _, a in asked], as_of)
    return Batch(records, sorted(refused, key=lambda row: int(row["line"])))


def _decide(home: Home, tier: str, suppliers: list[str], requested: list[float], as_of: date | None) -> list[Record]:
    import pandas as pd

    day = as_of or home.ledger().last_day(tier)
    pinned = pin(home, pack_for(home, PRODUCT, tier), as_of=day, decided_at=now())
    applications: pd.DataFrame = pd.DataFrame({"supplier_id": suppliers, "requested_fen": requested})
    return decide_and_store(home, pinned, applications.astype({"requested_fen": "float64"}))


def _read_applications(file: Path) -> tuple[list[tuple[int, str, float]], list[dict[str, Any]]]:
    if not file.is_file() or file.stat().st_size == 0:
        raise FileMissing(f"{file.name}: no such file, or it is empty", hint="a CSV with supplier_id and amount")
    rows: list[tuple[int, str, float]] = []
    refused: list[dict[str, Any]] = []
    seen: set[str] = set()
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        if "supplier_id" not in (reader.fieldnames or []):
            raise WrongFormat(
                f"{file.name}: column 'supplier_id' is missing", hint="the header is: supplier_id,amount (in yuan)"
            )
        for row in reader:
            supplier, amount = (row.get("supplier_id") or "").strip(), (row.get("amount") or "").strip()
            problem = _problem(supplier, amount, seen)
            if problem:
                refused.append({"line": reader.line_num, **problem})
                continue
            seen.add(supplier)
            rows.append((reader.line_num, supplier, console.fen_of(amount) if amount else UNASKED))
    return rows, refused


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
