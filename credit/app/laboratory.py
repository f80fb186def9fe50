"""The policy laboratory: what another set of parameter files would have decided, and what it says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console, exposures
from credit.app.clock import now
from credit.app.deciding import Gathered, Pinned, beside, cases_for, gather, pin
from credit.app.home import Home
from credit.app.policies import pack_for, packs, packs_in
from credit.domain.errors import UnknownName

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.decision import Decided
    from credit.domain.policy.terms import Pack, Parameter

SEGMENTS = ("grade", "size", "region", "programme")
PARTS = ("approved by both", "swapped in", "swapped out", "refused by both")


def differing(home: Home, other: Path) -> list[str]:
    """What other parameter files say otherwise than those in force, in words, one line each."""
    ours, theirs = ({pack.name: pack for pack in each} for each in (packs(home), packs_in(other)))
    lines = [
        f"{name}: only in {'those in force' if name in ours else other}" for name in sorted(set(ours) ^ set(theirs))
    ]
    for name in sorted(set(ours) & set(theirs)):
        lines += [f"{name}: {line}" for line in _between(ours[name], theirs[name])]
    return lines


def _between(one: Pack, other: Pack) -> list[str]:
    lines = []
    for name in sorted({*one.parameters, *other.parameters}):
        before, after = one.parameters.get(name), other.parameters.get(name)
        lines += _of_parameter(name, before, after)
    for what in ("not_applicable", "inputs"):
        was, is_now = dict(getattr(one, what)), dict(getattr(other, what))
        for key in sorted({*was, *is_now}):
            if was.get(key) != is_now.get(key):
                lines.append(f"{what.replace('_', ' ')} {key}: {was.get(key, 'absent')} → {is_now.get(key, 'absent')}")
    return lines


def _of_parameter(name: str, before: Parameter | None, after: Parameter | None) -> list[str]:
    known = after or before
    assert known is not None
    lines = {(str(v.since), v.region): v.value for v in before.values} if before else {}
    now_ = {(str(v.since), v.region): v.value for v in after.values} if after else {}
    said = []
    for since, region in sorted({*lines, *now_}):
        was, is_now = lines.get((since, region)), now_.get((since, region))
        if was != is_now:
            where = f" in {region}" if region else ""
            said.append(f"{name} from {since}{where}: {_text(was)} → {_text(is_now)} ({known.unit})")
    return said


def _text(value: Any) -> str:
    return "absent" if value is None else str(value)


def simulate(home: Home, product: str, tier: str, other: Path, days: list[date]) -> dict[str, Any]:
    """What two policies decide of every supplier on past days: in force, and by other parameter files.

    Each night is decided by itself, with nothing standing offered; the amounts, the expected loss and the income are of
    the loans as if all were drawn in full for a year. Both are scored by the champion of today, which may have learned
    from what happened after those days: the two policies compare, their losses forecast nothing.
    """
    import pandas as pd

    ours = pack_for(home, product, tier)
    found = [each for each in packs_in(other) if each.name == ours.name]
    if not found:
        raise UnknownName(
            f"{other} has no pack {ours.name!r}", hint="it is a folder of parameter files like those in force"
        )
    nights = []
    for day in days:
        console.progress(f"deciding {day} by both")
        nights.append(_night(home, ours, found[0], day))
    console.progress_done()
    whole = pd.concat(nights, ignore_index=True)
    return {
        "product": product,
        "days": [str(day) for day in days],
        "policies": {"in force": ours.sha256[:12], "other": found[0].sha256[:12]},
        "changes": _between(ours, found[0]),
        "total": _sums(whole),
        "parts": [{"part": part, **_sums(whole[whole["part"] == part])} for part in PARTS],
        "segments": {name: _by(whole, name) for name in SEGMENTS},
    }


def _by(rows: pd.DataFrame, segment: str) -> list[dict[str, Any]]:
    known = rows[segment].fillna("unknown")
    return [{segment: str(key), **_sums(rows[known == key])} for key in sorted(known.unique())]


@dataclass(frozen=True, slots=True)
class Everyone:
    """All suppliers of one kind of data on a day, as if each applied and nothing stood offered."""

    home: Home
    pinned: Pinned
    gathered: Gathered

    def cases(self, pack: Pack) -> pd.DataFrame:
        """The cases as the domain decides them under a pack."""
        by = replace(self.pinned, pack=pack)
        return cases_for(by, self.gathered, beside(self.home, by, self.gathered, exposures.standing([], {})))


def everyone_on(home: Home, pack: Pack, day: date) -> Everyone:
    """What is known of every supplier that a pack is about. Raises NoModel.

    Each asks for what it last asked a lender for. A firm that a concurrent model has learned from is left out.
    """
    import pandas as pd

    from data.facts import last_requests

    ledger = home.ledger()
    pinned = pin(home, pack, as_of=day, decided_at=now())
    cases = ledger.suppliers(day, tier=pack.tier)
    if not pinned.served.card["dated"]:
        cases = cases[~cases["supplier_id"].isin(pinned.served.learned)]
    with ledger.known_on(cases) as known:
        asked = last_requests(known)
    applications = pd.DataFrame(
        {"supplier_id": cases["supplier_id"], "requested_fen": pd.array(asked.to_numpy(), dtype="Int64")}
    )
    return Everyone(home, pinned, gather(home, pinned, applications))


def _night(home: Home, ours: Pack, other: Pack, day: date) -> pd.DataFrame:
    """A row a supplier: what each policy grants it, loses and earns on it, and the segments that it belongs to."""
    import pandas as pd

    from credit.domain.decision import decide_together
    from data.facts import segments

    everyone = everyone_on(home, ours, day)
    known = everyone.gathered.cases
    kinds = segments(home.ledger(), known[["case_id", "supplier_id", "as_of"]])
    rows = kinds.assign(supplier_id=known["supplier_id"].to_numpy())
    for name, pack in (("before", ours), ("after", other)):
        decided = decide_together(everyone.pinned.product, pack, everyone.cases(pack), day)
        rows = rows.assign(**{f"{name}_{what}": column for what, column in _worth(decided).items()})
        rows = rows.assign(grade=decided.answers["grade"].to_numpy())
    granted = [rows[f"{name}_fen"] > 0 for name in ("before", "after")]
    labels = [granted[0] & granted[1], ~granted[0] & granted[1], granted[0] & ~granted[1]]
    part = pd.Series(PARTS[-1], index=rows.index)
    for label, which in zip(PARTS, labels, strict=False):
        part = part.mask(which, label)
    return rows.assign(part=part)


def _worth(decided: Decided) -> dict[str, Any]:
    """What is granted without a person, and on it a year's expected loss and income, in fen."""
    from credit.domain.policy.rules import Outcome

    answers, price = decided.answers, decided.price
    fen = answers["amount_fen"].where(answers["outcome"] <= Outcome.REDUCE, 0).to_numpy()
    rate = answers["yearly_rate_bp"].fillna(0).to_numpy() / 10_000
    loss = price["loss"].fillna(0).to_numpy() * fen
    return {"fen": fen, "loss_fen": loss.round(), "income_fen": (rate * fen).round()}


def _sums(rows: pd.DataFrame) -> dict[str, Any]:
    """How many are granted how much by each, what is expected to be lost, and what is earned."""
    said: dict[str, Any] = {"cases": len(rows)}
    for name in ("before", "after"):
        said[name] = {
            "approved": int((rows[f"{name}_fen"] > 0).sum()),
            **{what: int(rows[f"{name}_{what}"].sum()) for what in ("fen", "loss_fen", "income_fen")},
        }
    return said
