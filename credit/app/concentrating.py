"""What stands, offered or taken up, by what it draws on: the portfolio as it is."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app import exposures
from credit.app.home import Home
from credit.app.policies import packs

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.policy.terms import Pack

MOST_KEYS = 10


def portfolio(home: Home, on: date) -> dict[str, Any]:
    """What stands offered on a day by pack, grade and pool, with the expected loss of a year and what is left of caps.

    Of each pool the keys that have used the largest shares of their caps.
    """
    import pandas as pd

    from credit.domain.scale import grades
    from data import facts
    from data.groups import group_of

    ledger = home.ledger()
    offers = exposures.standing(home.decisions().standing(on, on), ledger.gone_on_as(on))
    groups = facts.groups_on(ledger, on, version=ledger.version)
    offers = offers.assign(group_id=group_of(offers["supplier_id"], groups), region=offers["district"])
    parts, used = [], []
    for pack in packs(home):
        mine = offers[offers["pack"] == pack.name]
        if mine.empty:
            continue
        terms = pack.terms(on)
        lost = terms["loss_given_default"] * (
            terms["conversion_economic"] if "conversion_economic" in pack.parameters else 1
        )
        parts.append(mine.assign(grade=grades(mine["pd"], terms), loss_fen=mine["amount_fen"] * mine["pd"] * lost))
        used += _pools(pack, on, mine, offers)
    whole = pd.concat(parts) if parts else offers.assign(grade=None, loss_fen=0.0)
    by_group = whole.groupby("group_id")["amount_fen"].sum() / max(int(whole["amount_fen"].sum()), 1)
    return {
        "on": str(on),
        **_sums(whole),
        "largest_group_share": round(float(by_group.max()), 6) if len(by_group) else 0.0,
        "herfindahl_of_groups": round(float((by_group**2).sum()), 6),
        "by_pack": _by(whole, "pack"),
        "by_grade": _by(whole, "grade"),
        "pools": _fullest_first(used),
    }


def _pools(pack: Pack, on: date, mine: pd.DataFrame, offers: pd.DataFrame) -> list[dict[str, Any]]:
    """The fullest keys of each of a pack's pools, with what they hold and may hold."""
    from credit.domain.products import product_named

    terms, said = pack.terms(on), []
    for pool in product_named(pack.product).applying(pack.not_applicable)[1]:
        among = offers if pool.across_packs else mine
        keys, empty = pool.key(among, terms), among.assign(**{pool.exposure: 0})
        held = among.groupby(keys)["amount_fen"].sum()
        most = pool.term.fen(empty, terms).groupby(keys).min().reindex(held.index)
        capped = held[(most > 0).fillna(False).to_numpy(dtype=bool)]
        share = (capped / most).dropna().astype("float64").sort_values(ascending=False).head(MOST_KEYS)
        whose = None if pool.across_packs else pack.name
        for key, part in zip(share.index, share, strict=True):
            fen, cap = (int(each.loc[[key]].sum()) for each in (held, most))
            used = {"fen": fen, "most_fen": cap, "used": round(part, 6)}
            said.append({"pack": whose, "pool": pool.name, "key": str(key), **used})
    return said


def _fullest_first(used: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fullest first; a pool that all packs draw on once, under the least of their caps."""
    found: dict[tuple[str | None, str, str], dict[str, Any]] = {}
    for each in sorted(used, key=lambda each: -each["used"]):
        found.setdefault((each["pack"], each["pool"], each["key"]), each)
    return list(found.values())


def _sums(rows: pd.DataFrame) -> dict[str, Any]:
    return {"offers": len(rows), "fen": int(rows["amount_fen"].sum()), "loss_fen": round(float(rows["loss_fen"].sum()))}


def _by(rows: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    known = rows[name].fillna("no score")
    return [{name: str(key), **_sums(rows[known == key])} for key in sorted(known.unique())]
