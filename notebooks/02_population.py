# %% [markdown]
# # Whom does a model of borrowers speak for?
#
# *For firms like those that lenders chose: who ever drew is paid more and has dealt longer than who did not.*
#
# A default model is taught by draws. Who drew was picked twice: the firm asked, and a lender agreed. Here we follow all
# suppliers of the demonstration down to the draws whose outcome is known, and compare who is left with who is not.

# %%
import numpy as np
import pandas as pd

from data.facts import segments
from data.schema import APPLICATIONS, CONTRACTS, CREDIT_EVENTS
from data.scores import latest
from features import engine
from notebooks.material import demonstration

home = demonstration()
ledger = home.ledger()
as_of = ledger.last_day("platform")
everyone = ledger.suppliers(as_of, tier="platform")
print(f"{len(everyone):,} suppliers as known on {as_of}")

# %% [markdown]
# ## Who is there
#
# Size classes are those of the national standard; nine firms in ten are small in the wide sense. The demonstration is
# stressed on purpose: half of its firms borrow, where on a platform of a nation's size one in twenty does
# (`docs/calibration.md`), so that a small world teaches something.

# %%
with ledger.known_on(everyone, tables=(CONTRACTS, APPLICATIONS, CREDIT_EVENTS)) as known:
    counts = known.con.execute(
        """SELECT case_id,
                  (SELECT count(*) FROM contracts AS k WHERE k.case_id = c.case_id) AS contracts,
                  (SELECT sum(amount_fen) FROM contracts AS k WHERE k.case_id = c.case_id) AS fen,
                  (SELECT count(*) FROM applications AS a WHERE a.case_id = c.case_id) AS applications,
                  (SELECT count(DISTINCT loan_id) FROM credit_events AS e WHERE e.case_id = c.case_id) AS draws
           FROM cases AS c ORDER BY case_id"""
    ).df()
scores = latest(home.scores, "platform").frame
held = home.registry().held(home.registry().champion("loan_default.platform"))
firms = pd.concat([everyone, segments(ledger, everyone), counts.drop(columns="case_id")], axis=1)
firms = firms.assign(
    scored=firms["supplier_id"].map(scores["pd"]).notna(),
    unscorable=firms["supplier_id"].map(scores["unscorable"]),
    taught=firms["supplier_id"].isin(held["supplier_id"]),
)
fen = firms["fen"].fillna(0).astype(float)
by_size = (
    firms.assign(fen=fen)
    .groupby("size")
    .agg(firms=("size", "size"), contracts=("contracts", "sum"), fen=("fen", "sum"))
)
by_size = by_size.assign(share_of_firms=by_size["firms"] / len(firms), share_of_value=by_size["fen"] / fen.sum())
print(by_size.drop(columns="fen").loc[["MICRO", "SMALL", "MEDIUM", "LARGE"]].round(3).to_string())
largest = fen.sort_values(ascending=False)
tenth = largest.head(len(largest) // 10).sum() / largest.sum()
print(f"the tenth that sells most has {tenth:.0%} of all contract value")

# %% [markdown]
# ## Who is left, step by step

# %%
steps = {
    "registered": np.ones(len(firms), dtype=bool),
    "has signed a contract": firms["contracts"] > 0,
    "has a score today": firms["scored"],
    "ever asked a lender": firms["applications"] > 0,
    "ever drew": firms["draws"] > 0,
    "a draw of its taught the model": firms["taught"],
}
funnel = pd.DataFrame({"firms": {name: int(np.sum(which)) for name, which in steps.items()}})
print(funnel.assign(share=(funnel["firms"] / len(firms)).round(3)).to_string())
why = firms["unscorable"].map({"U01": "too little history", "U02": "gone quiet", "U04": "sole trader without consent"})
print(f"\nwhy {int(why.notna().sum()):,} have no score: {why.value_counts().to_dict()}")

# %% [markdown]
# ## How those who drew differ
#
# The difference of the means of two groups in standard deviations of all; in statistics a fifth is small, eight tenths
# large. Amounts as logarithms. We ask it of firms with a contract alone: who never sold is in nobody's population.

# %%
frame = engine.build_on(ledger, as_of, tier="platform").loc[firms["supplier_id"]]
seen = {
    "paid in 12 months, log": np.log1p(frame["paid_amount_sum_12m"].fillna(0)),
    "months since first contract": frame["contract_tenure_months"],
    "contracts in 24 months, log": np.log1p(frame["contract_count_24m"].fillna(0)),
    "share of the largest buyer": frame["buyer_top_share_12m"],
    "late deliveries, share": frame["delivery_late_share_12m"],
    "mean rating": frame["acceptance_rating_mean_12m"],
    "age of the firm, months": frame["firm_age_months"],
}
looked = pd.DataFrame(seen).reset_index(drop=True)
sells, asked, drew = (firms[name] > 0 for name in ("contracts", "applications", "draws"))
groups = {"drew": sells & drew, "asked in vain": sells & asked & ~drew, "never asked": sells & ~asked & ~drew}
means = pd.DataFrame({name: looked[which].mean() for name, which in groups.items()})
spread = looked[sells].std()
apart = (means["drew"] - looked[sells & ~drew].mean()) / spread
print(means.assign(**{"drew less others, in sd": apart}).round(2).to_string())
print({name: int(which.sum()) for name, which in groups.items()})

# %% [markdown]
# ## What we conclude
#
# The model is taught by a part of the suppliers that lenders picked: they are paid more and have dealt longer than the
# rest. Its ranking is measured among such firms, and no outcome measures it among the others. So the PD of a firm that
# never asked is in more doubt than the card says; `docs/exam.md`, where the truth is known, shows how much is lost
# there. A firm with too little history gets no PD at all instead of a bad one, and that is most of who is not scored.
#
# ## What would change our mind
#
# A small stream of credit granted at random among those that pass the knock-outs, which would teach what the refused
# would have done; or a bank's feedback on firms that it financed by another rule.

# %%
# Of 600 firms a share of 0.9 has a standard error of 0.012; four of them on either side.
assert abs(by_size.loc[["MICRO", "SMALL", "MEDIUM"], "share_of_firms"].sum() - 0.9) < 0.05
assert tenth > 0.3
# Nobody is scored badly for being unknown: who is not scored has a code that says why.
assert firms["unscorable"].notna().eq(~firms["scored"]).all()
assert set(firms["unscorable"].dropna()) <= {"U01", "U02", "U04"}
assert 0.1 < funnel.loc["a draw of its taught the model", "firms"] / len(firms) < 0.7
# Of some 300 firms on either side a difference of means has a standard error of 0.08.
assert apart["paid in 12 months, log"] > 0.15
assert apart["months since first contract"] > 0.3
