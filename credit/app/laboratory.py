"""The policy laboratory: what another set of parameter files would have decided, and what it says otherwise."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.app import console, exposures
from credit.app.clock import day_of, now
from credit.app.deciding import Gathered, Pinned, beside, cases_for, gather, pin
from credit.app.home import Home
from credit.app.policies import pack_for, packs, packs_in, training_terms
from credit.domain.errors import PolicyBroken, UnknownName
from credit.domain.packs import checked_value
from credit.domain.windows import months_after

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from credit.domain.policy.terms import Pack, Parameter, Value
    from data.decisions import Offer

FIGURES = ("fen", "loss_fen", "income_fen", "realised_fen", "supposed_low_fen", "supposed_high_fen")
RESAMPLES = 400
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
    the loans as if all were drawn in full for a year. What was realised is known of firms that drew within a year after
    the day and whose draws are over; of the others, swapped in or never financed, it is the expected loss of the times
    with an uplift from the least to the most that refused firms are held to be worse (training.toml).

    Both are scored by the champion of today, which may have learned from what happened after those days: the two
    policies compare, their losses forecast nothing. Differences have 95 % intervals over whole groups of firms.
    """
    import pandas as pd

    ours, theirs = pack_for(home, product, tier), _same_pack(home, product, tier, other)
    nights = []
    for place, day in enumerate(days):
        console.progress("deciding past days by both", place, len(days))
        nights.append(_night(home, ours, theirs, day))
    console.progress_done()
    whole = pd.concat(nights, ignore_index=True)
    return {
        "product": product,
        "days": [str(day) for day in days],
        "policies": {"in force": ours.sha256[:12], "other": theirs.sha256[:12]},
        "changes": _between(ours, theirs),
        "total": _sums(whole),
        "difference": _differences(whole),
        "parts": [{"part": part, **_sums(whole[whole["part"] == part])} for part in PARTS],
        "segments": {name: _by(whole, name) for name in SEGMENTS},
    }


def sweep(
    home: Home, product: str, tier: str, name: str, values: Sequence[float], days: list[date]
) -> list[dict[str, Any]]:
    """What each of some values of one parameter of the policy in force would come to on past days.

    A parameter that is a table, such as a cap by grade, is multiplied by each value instead. Raises UnknownName.
    """
    import pandas as pd

    ours = pack_for(home, product, tier)
    if name not in ours.parameters:
        near = ", ".join(difflib.get_close_matches(name, ours.parameters, n=3)) or ", ".join(
            sorted(ours.parameters)[:5]
        )
        raise UnknownName(f"{ours.name} has no parameter {name!r}", hint=f"the nearest are {near}")
    packs_tried = [with_value(ours, name, value) for value in values]
    found: list[list[pd.DataFrame]] = [[] for _ in values]
    for turn, day in enumerate(days):
        everyone = everyone_on(home, ours, day)
        for place, pack in enumerate(packs_tried):
            done = turn * len(values) + place
            console.progress(f"deciding past days by each {name}", done, len(days) * len(values))
            found[place].append(_decided_rows(everyone, pack, day))
    console.progress_done()
    rows = []
    for value, nights in zip(values, found, strict=True):
        whole = pd.concat(nights)
        sums = {what: int(whole[what].sum()) for what in FIGURES}
        rows.append({"value": value, "cases": len(whole), "approved": int((whole["fen"] > 0).sum()), **sums})
    return rows


def with_value(pack: Pack, name: str, value: float) -> Pack:
    """A pack with one parameter at a value on every day, or its table multiplied by it. Raises PolicyBroken."""
    parameter = pack.parameters[name]
    whole = parameter.unit.startswith(("fen", "basis points", "days", "months"))

    if not math.isfinite(value):
        raise PolicyBroken(f"{name}: {value!r} is no number", hint="a number from zero up")

    def at(before: Value) -> Value:
        if isinstance(before, dict):
            moved: Value = {key: round(each * value) if whole else each * value for key, each in before.items()}
        else:
            moved = round(value) if whole else value
        return checked_value(name, parameter.unit, moved, f"{pack.name}: {name}")

    values = tuple(replace(each, value=at(each.value)) for each in parameter.values)
    return replace(pack, parameters={**pack.parameters, name: replace(parameter, values=values)})


def _same_pack(home: Home, product: str, tier: str, other: Path) -> Pack:
    """The pack of other parameter files that takes the place of ours. Raises UnknownName."""
    ours = pack_for(home, product, tier)
    found = [each for each in packs_in(other) if each.name == ours.name]
    if not found:
        raise UnknownName(
            f"{other} has no pack {ours.name!r}", hint="it is a folder of parameter files like those in force"
        )
    return found[0]


def _by(rows: pd.DataFrame, segment: str) -> list[dict[str, Any]]:
    known = rows[segment].fillna("unknown")
    return [{segment: str(key), **_sums(rows[known == key])} for key in sorted(known.unique())]


@dataclass(frozen=True, slots=True)
class Everyone:
    """All suppliers of one kind of data on a day, as if each applied."""

    home: Home
    pinned: Pinned
    gathered: Gathered

    def cases(self, pack: Pack, offers: list[Offer] | None = None) -> pd.DataFrame:
        """The cases as the domain decides them under a pack, beside what stands, by default nothing.

        `held_fen` is what stands on each one's own question.
        """
        by = replace(self.pinned, pack=pack)
        gone_on_as = self.home.ledger().gone_on_as(day_of(now())) if offers else {}
        standing = exposures.standing(offers or [], gone_on_as)
        return cases_for(by, self.gathered, beside(self.home, by, self.gathered, standing))


def everyone_on(home: Home, pack: Pack, day: date) -> Everyone:
    """What is known of every supplier that a pack is about. Raises NoModel, or UnknownName where it is about contracts.

    Each asks for what it last asked a lender for. A firm that a concurrent model has learned from is left out.
    """
    import pandas as pd

    from data.facts import last_requests

    ledger = home.ledger()
    pinned = pin(home, pack, as_of=day, decided_at=now())
    if pinned.product.asks_contract:
        raise UnknownName(
            f"{pack.product} is asked for on a contract, and not of every supplier", hint="try turnover_line"
        )
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

    from data.facts import groups_on, segments
    from data.groups import group_of

    everyone = everyone_on(home, ours, day)
    known = everyone.gathered.cases
    kinds = segments(home.ledger(), known[["case_id", "supplier_id", "as_of"]])
    suppliers = known["supplier_id"].to_numpy()
    groups = groups_on(home.ledger(), day)
    rows = kinds.assign(supplier_id=suppliers, group=group_of(pd.Series(suppliers), groups))
    for name, pack in (("before", ours), ("after", other)):
        found = _decided_rows(everyone, pack, day)
        rows = rows.assign(**{f"{name}_{what}": found[what].to_numpy() for what in FIGURES})
        rows = rows.assign(grade=found["grade"].to_numpy(), financed=found["financed"].to_numpy())
    granted = [rows[f"{name}_fen"] > 0 for name in ("before", "after")]
    labels = [granted[0] & granted[1], ~granted[0] & granted[1], granted[0] & ~granted[1]]
    part = pd.Series(PARTS[-1], index=rows.index)
    for label, which in zip(PARTS, labels, strict=False):
        part = part.mask(which, label)
    return rows.assign(part=part)


def _decided_rows(everyone: Everyone, pack: Pack, day: date) -> pd.DataFrame:
    """A row a supplier: what is granted without a person, in fen, and on it a year's expected loss and income, what was
    realised of firms that drew, and of the others the least and the most that is supposed.
    """
    import numpy as np
    import pandas as pd

    from credit.domain.decision import decide_together
    from credit.domain.policy.rules import Outcome

    decided = decide_together(everyone.pinned.product, pack, everyone.cases(pack), day)
    answers, price = decided.answers, decided.price
    fen = answers["amount_fen"].where(answers["outcome"] <= Outcome.REDUCE, 0).to_numpy(dtype="float64")
    rate = answers["yearly_rate_bp"].fillna(0).to_numpy() / 10_000
    realised = _realised(everyone, day)
    of_the_times = np.nan_to_num(everyone.gathered.scores["pd_pit"].to_numpy(dtype="float64"))
    terms = training_terms(everyone.home, day)
    lost = float(decided.terms["loss_given_default"])
    known = ~np.isnan(realised)
    low, high = (
        np.where(known, 0.0, np.minimum(of_the_times * terms[factor], 1.0)) * lost * fen
        for factor in ("parcel_factor_low", "parcel_factor_high")
    )
    return pd.DataFrame(
        {
            "fen": fen,
            "loss_fen": (price["loss"].fillna(0).to_numpy() * fen).round(),
            "income_fen": (rate * fen).round(),
            "realised_fen": (np.nan_to_num(realised) * lost * fen).round(),
            "supposed_low_fen": low.round(),
            "supposed_high_fen": high.round(),
            "grade": answers["grade"].to_numpy(),
            "financed": known,
        }
    )


def _realised(everyone: Everyone, day: date) -> npt.NDArray[np.float64]:
    """The share of each supplier's draws of the year after a day that went bad; NaN where none is over."""
    import pandas as pd

    from models.targets import LOAN_DEFAULT

    ledger = everyone.home.ledger()
    last = max(ledger.last_day(everyone.pinned.pack.tier), day)
    known = ledger.outcomes(LOAN_DEFAULT.name, known_on=last)
    opened = pd.to_datetime(known["opened_on"])
    year = known[(opened > pd.Timestamp(day)) & (opened <= pd.Timestamp(months_after(day, 12)))]
    share = year.groupby("supplier_id")["happened"].mean()
    return everyone.gathered.cases["supplier_id"].map(share).to_numpy(dtype="float64")


def _sums(rows: pd.DataFrame) -> dict[str, Any]:
    """How many are granted how much by each, what is expected to be lost, what is earned, and what was realised."""
    said: dict[str, Any] = {"cases": len(rows)}
    for name in ("before", "after"):
        granted = rows[f"{name}_fen"] > 0
        said[name] = {
            "approved": int(granted.sum()),
            "financed": int((granted & rows["financed"]).sum()),
            **{what: int(rows[f"{name}_{what}"].sum()) for what in FIGURES},
        }
    return said


def _differences(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By how much the other policy grants, loses and earns more, each with its 95 % interval over groups of firms."""
    import numpy as np

    more = rows[["group"]].assign(approved=(rows["after_fen"] > 0).astype(int) - (rows["before_fen"] > 0).astype(int))
    more = more.assign(**{what: rows[f"after_{what}"] - rows[f"before_{what}"] for what in FIGURES})
    sums = more.groupby("group").sum()
    rng = np.random.default_rng(0)
    # Each group as often as in a draw of as many with replacement, to within its own sampling (Poisson bootstrap).
    drawn = np.array([rng.poisson(1, len(sums)) @ sums.to_numpy(dtype="float64") for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return {
        str(what): {"value": float(sums[what].sum()), "low": float(low[place]), "high": float(high[place])}
        for place, what in enumerate(sums.columns)
    }
