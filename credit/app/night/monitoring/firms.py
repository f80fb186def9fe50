"""Who was offered what: by size, county and programme, and how concentrated it is. Of groups, never of a firm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credit.app.night.computing import DECISIONS, SCORES
from credit.app.night.gate import GRANTED
from credit.app.night.run import PRODUCT, Run
from credit.app.policies import pack_for

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.policy.terms import Terms
    from credit.domain.pools import Pool
    from data.monitoring import Firms

# Of fewer firms a number would be about somebody.
FEWEST = 5
FEW = f"<{FEWEST}"
LARGEST = 10
COUNTS = ("firms", "scored", "offered")
AMOUNTS = ("total_fen", "median_fen", "mean_rate_bp")
# A firm is in one of these alone, so that what is hidden of one could be had from the others and the whole.
PARTS = ("size", "county")

Rows = list[dict[str, Any]]


def included(run: Run, tier: str) -> dict[str, Any]:
    """Who of a kind of data was offered what tonight, what that is concentrated in, and what is left of the caps."""
    from data.monitoring import firms_of

    scores, decisions = (run.night.path(step, f"{tier}.parquet") for step in (SCORES, DECISIONS))
    with firms_of(
        run.ledger, run.settings.as_of, scores=scores, decisions=decisions, granted=GRANTED, version=run.version
    ) as firms:
        return {
            "inclusion": {name: hidden(firms.by(name), parts=name in PARTS) for name in (*PARTS, "programme")},
            "concentration": {
                name: concentrated(firms.offered_by(name), named=name != "group")
                for name in ("district", "industry", "group")
            },
            "caps": _caps(run, tier, firms),
        }


def hidden(rows: Rows, *, parts: bool) -> Rows:
    """The rows with what is about fewer than five firms hidden: a count is said as `<5`, an amount not at all.

    Where of the parts of a whole the amounts of a single one are hidden, those of the next smallest are too.

    >>> hidden([{"firms": 9, "offered": 4, "total_fen": 100}], parts=False)
    [{'firms': 9, 'offered': '<5', 'total_fen': None}]
    """
    few = [row for row in rows if 0 < row["offered"] < FEWEST]
    others = sorted((row for row in rows if row["offered"] >= FEWEST), key=lambda row: int(row["offered"]))
    silent = few + (others[:1] if parts and len(few) == 1 else [])
    return [{name: _said(name, value, silent=row in silent) for name, value in row.items()} for row in rows]


def _said(name: str, value: Any, *, silent: bool) -> Any:
    if name in COUNTS and 0 < value < FEWEST:
        return FEW
    if name in AMOUNTS and silent:
        return None
    return round(value, 2) if isinstance(value, float) else value


def concentrated(amounts: pd.DataFrame, *, named: bool) -> dict[str, Any]:
    """The largest of some amounts (`name`, `fen`, `firms` if known), their shares of all, and the Herfindahl index.

    The index is the sum of the squared shares: 1 where one has all, 1 / n where n have the same. What is not `named`,
    or about fewer than five firms, is told by its rank.
    """
    amounts = amounts[amounts["fen"] > 0].sort_values("fen", ascending=False, kind="stable")
    whole = int(amounts["fen"].sum())
    shares = amounts["fen"] / max(whole, 1)
    told = amounts["firms"] >= FEWEST if "firms" in amounts else amounts["fen"] > 0
    largest = amounts.assign(told=told & named).head(LARGEST).to_dict("records")
    return {
        "parts": len(amounts),
        "fen": whole,
        "herfindahl": round(float((shares**2).sum()), 6),
        "largest": [
            {
                "name": str(row["name"]) if row["told"] else f"#{place}",
                "fen": int(row["fen"]),
                "share": round(row["fen"] / whole, 6),
            }
            for place, row in enumerate(largest, start=1)
        ],
    }


def _caps(run: Run, tier: str, firms: Firms) -> Rows:
    """How much of the cap of each pool stood taken beside tonight's cases: the fullest districts, else the fullest.

    By rank alone: what stands in a district may be one firm's.
    """
    from credit.domain.pools import DISTRICT
    from credit.domain.products import product_named

    pack = pack_for(run.home, PRODUCT, tier)
    terms, found = pack.terms(run.settings.as_of), []
    for pool in product_named(pack.product).applying(pack.not_applicable)[1]:
        used = _used(pool, terms, firms)
        found += [
            {"pool": pool.name, "rank": rank, **row}
            for rank, row in enumerate(used[: LARGEST if pool is DISTRICT else 1], start=1)
        ]
    return found


def _used(pool: Pool, terms: Terms, firms: Firms) -> Rows:
    import pandas as pd

    from credit.domain.pools import WEAK

    weakest = float(terms["weak_pd"]) if pool is WEAK else -1.0
    held = firms.held(f"beside_{pool.exposure}", above_pd=weakest)
    # The cap of a case that holds nothing is what its term leaves; ids are not asked of which group or buyer.
    cases = pd.DataFrame({"district": held.index, "region": held.index, "pd": 1.0, pool.exposure: 0})
    cases = cases.assign(**{name: "any" for name in pool.term.observes if name not in cases})
    most = pool.term.fen(cases, terms).fillna(0).astype("int64")
    rows = [
        {"fen": int(fen), "most_fen": int(cap), "used": round(int(fen) / int(cap), 6)}
        for fen, cap in zip(held, most, strict=True)
        if cap > 0
    ]
    return sorted(rows, key=lambda row: -row["used"])
