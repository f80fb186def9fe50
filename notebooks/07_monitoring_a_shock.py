# %% [markdown]
# # Does monitoring notice a shock, and which part of it first?
#
# *Yes, in what the last three months say and in who can be scored; the scores and the losses say nothing for long.*
#
# Orders fall by two thirds and buyers pay twice as late, everywhere, for four months. We run the night before it and
# the night at its end, on a platform that it hits and on one that it spares. Without the second one nobody could tell
# what a shock moved from what four months move anyway.

# %%
import shutil
from dataclasses import replace
from datetime import date
from typing import Any
from unittest.mock import patch

import pandas as pd

from credit.app import identity
from credit.app.clock import now
from credit.app.demonstrating import BORROWER_SHARE
from credit.app.home import Home
from credit.app.monitoring import report_of
from credit.app.night.running import run_nights, status
from credit.app.simulate import DEFAULT_FROM, DEFAULT_SEED, DEFAULT_TO
from credit.domain.errors import GateStopped
from data.formats import format_named
from data.importing import import_history
from data.simulator import Platform
from data.simulator.blocks import write
from data.simulator.settings import Slowdown
from features.catalogue import feature_named
from models.drift import Bins, by_chance
from notebooks.material import demonstration, empty, scratch

BEFORE, AFTER = date(2026, 6, 30), DEFAULT_TO
spared = demonstration()

# %% [markdown]
# ## Two platforms
#
# The shocked one has the settings of the demonstration and a slowdown in the whole province. It is another throw of the
# dice, so each platform is compared with its own first night. The models are those of the demonstration: nobody trains
# anew because a shock begins.

# %%
SHOCK = {"begins": date(2026, 7, 1), "ends": AFTER, "orders": 0.35, "slow_payment": 2.0}
firms = pd.read_parquet(spared.root / "platform" / "suppliers.parquet", columns=["supplier_id"])[
    "supplier_id"
].nunique()
settings = Platform(firms, DEFAULT_FROM, DEFAULT_TO, DEFAULT_SEED, BORROWER_SHARE).settings()
cities = tuple(sorted({int(code) // 100 for code in settings.regions.codes}))
folder = scratch() / "platform"
write(replace(settings, slowdown=Slowdown(cities=cities, **SHOCK)), folder)

shocked = empty()
for part in ("models", "keys", "mlflow"):
    shutil.copytree(spared.root / part, shocked.root / part)
import_history(shocked.ledger(), format_named("platform"), folder, loaded_at=now())

# %% [markdown]
# ## The nights
#
# A night whose gate stops it publishes nothing. To see its report all the same, a second person lets it pass, here one
# that this notebook plays. No bank is sent anything.


# %%
def nights(home: Home) -> list[dict[str, Any]]:
    """Run both nights; what stopped the second one, if anything did."""
    (home.root / "banks").mkdir()
    run_nights(home, BEFORE, catch_up=False)
    try:
        run_nights(home, AFTER, catch_up=False)
    except GateStopped:
        found = status(home, AFTER)["stopped_by"]
        with patch.object(identity, "who", return_value="a second person"):
            run_nights(home, AFTER, catch_up=False, accepted="to read its report")
        return list(found)
    return []


homes = {"spared": spared, "shocked": shocked}
stopped = {name: nights(home) for name, home in homes.items()}
reports = {name: report_of(home, None) for name, home in homes.items()}

# %% [markdown]
# ## Section by section
#
# What the report of the second night says against the first. First the gate: what it would have stopped the night for.

# %%
for name, found in stopped.items():
    print(f"{name}: {len(found)} findings that stop the night")
    for each in found:
        print(f"  {each['en']}, {each['about']}: {each['value']:.2f} (stops at {each['stop']:g})")

# %% [markdown]
# Population, scores, and what became of draws.


# %%
def sections(report: dict[str, Any]) -> dict[str, float]:
    """A number or two of each section of a report."""
    tier, found = report["tiers"]["platform"], report["quality"]["findings"]
    first, last = tier["population"]
    rises = [each["value"] for each in found if each["check"] == "missing_share_rise"]
    late = {row["bucket"]: row["worse"] for row in report["rolls"]}
    return {
        "population: scored, share of the first night's": last["scored"] / first["scored"],
        "population: granted, share of the first night's": last["granted_fen"] / first["granted_fen"],
        "quality: features that went missing": len(rises),
        "quality: largest rise of a missing share": max(rises, default=0.0),
        "drift: features that warn": tier["drift"]["above_warn"],
        "scores: stability index": tier["scores"]["psi"],
        "scores: mean PD, share of the first night's": last["pd_mean"] / first["pd_mean"],
        "rolls: current draws that became late": late["current"],
        "calibration: draws that have matured": report["calibration"]["tiers"]["platform"]["matured"],
    }


said = pd.DataFrame({name: sections(report) for name, report in reports.items()})
print(said.round(3).to_string())

# %% [markdown]
# Drift by how far back a feature looks: the mean index, and how many are above what chance alone exceeds once in twenty
# times (`by_chance`). Ages apart: how long ago something first or last happened moves with the calendar.


# %%
def drifted(home: Home) -> pd.DataFrame:
    """How far each feature is from the first night, and how far chance alone would have taken it."""
    then, now_ = (home.nights().night(day).document("features", "platform.json") for day in (BEFORE, AFTER))
    rows = {}
    for name, each in now_["features"].items():
        feature, bins = feature_named(name), then["features"][name]["bins"]
        frozen = Bins(tuple(bins["bounds"]), tuple(bins["counts"]))
        window = f"{feature.window:2d} months" if feature.window else "everything"
        rows[name] = {
            "looks back": "an age" if feature.age else window,
            "psi": each["psi"],
            "chance": by_chance(frozen, reference=then["suppliers"], actual=now_["suppliers"]),
        }
    return pd.DataFrame(rows).T.astype({"psi": float, "chance": float})


drift = {name: drifted(home) for name, home in homes.items()}
psi = pd.DataFrame({name: each.groupby("looks back")["psi"].mean() for name, each in drift.items()})
beyond = pd.DataFrame(
    {name: (each["psi"] > each["chance"]).groupby(each["looks back"]).sum() for name, each in drift.items()}
)
of = drift["spared"].groupby("looks back").size().rename("features")
print(pd.concat([psi.round(3), beyond.add_suffix(", beyond chance"), of], axis=1).to_string())
shown = pd.DataFrame({name: each["psi"] for name, each in drift.items()})
apart = (shown["shocked"] - shown["spared"]).sort_values(ascending=False)
print(shown.loc[apart.index[:10]].round(3).to_string())

# %% [markdown]
# ## What we conclude
#
# The shock is seen first in what looks back three months: contracts and awards, how late buyers pay, how full the order
# book is. Then in what goes missing, and in who can be scored at all, for a firm without orders has too little history.
# The score does not notice: its index stays far below the threshold, the mean PD does not move, since most of what a
# model reads looks back a year or more. And losses cannot: no draw has matured, so calibration and vintages stay silent
# for a year. Whoever watches the score alone learns of a shock from its write-offs.
#
# And what moves furthest is no finding. On both platforms it is a tenure, as everybody has become four months older and
# the histories begin with the feed. The gate judges tenures apart and only warns of them: one that is red by the
# calendar is one that people learn to open. Nothing stops either night, and the shock is for a person to see.
#
# ## What would change our mind
#
# A shock of this size that moves the score within a quarter; or a year of nights without one in which features of short
# windows stay within what chance exceeds: then their threshold can come down to it, and a shock would stop a night.

# %%
three, year = " 3 months", "12 months"
# What looks back three months moves several times as far as four months without a shock move it.
assert psi.loc[three, "shocked"] > 2 * psi.loc[three, "spared"]
assert psi.loc[three, "shocked"] > psi.loc[year, "shocked"]
# Of some hundred features that are no age, more pass the line of chance than without it; twice as many is no accident.
moved = beyond.drop(index="an age").sum()
assert moved["shocked"] > 2 * moved["spared"]
assert said.loc["quality: largest rise of a missing share", "shocked"] > 0.05
share = "population: scored, share of the first night's"
assert said.loc[share, "shocked"] < said.loc[share, "spared"]
# The score and the losses say nothing yet.
limit = reports["shocked"]["tiers"]["platform"]["scores"]["warn"]
assert (said.loc["scores: stability index"] < limit).all()
assert (said.loc["calibration: draws that have matured"] == 0).all()
# What four months move without a shock is age, by far, and that stops no night.
assert psi.loc["an age", "spared"] > 5 * psi.drop(index="an age")["spared"].max()
assert "tenure" in shown["spared"].idxmax()
assert not any(stopped.values())
