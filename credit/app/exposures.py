"""What stands beside a case, offered or taken up, and in which pools it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.policy.terms import Terms
    from credit.domain.pools import Pool
    from data.decisions import Offer

# What stands offered on the case's own question, to its supplier by others, and on its contract by others.
HELD, TO_SUPPLIER = "held_fen", "offered_fen"
LOANS, GUARANTEES, ADVANCES = "loans_on_contract_fen", "guarantees_on_contract_fen", "advances_on_contract_fen"
OFFERED = (TO_SUPPLIER, LOANS, GUARANTEES, ADVANCES)
LOAN, ADVANCE = "contract_loan", "advance_payment_guarantee"


def standing(offers: list[Offer], gone_on_as: dict[str, str]) -> pd.DataFrame:
    """The offers as a frame, each to the id that its supplier goes on as; `asked_id` is the one it was made to."""
    from dataclasses import asdict, fields

    import pandas as pd

    from data.decisions import Offer

    frame = pd.DataFrame([asdict(offer) for offer in offers], columns=[field.name for field in fields(Offer)])
    frame = frame.astype({"amount_fen": "int64", "pd": "float64"})
    return frame.assign(asked_id=frame["supplier_id"], supplier_id=frame["supplier_id"].replace(gone_on_as))


def beside(
    offers: pd.DataFrame, cases: pd.DataFrame, pools: tuple[Pool, ...], terms: Terms, groups: pd.Series
) -> pd.DataFrame:
    """What stands offered beside each case, in fen and indexed as the cases: by others, and on its own question.

    `cases` has the supplier, the contract (None where there is none) and what the pools' keys are made of; `groups` is
    the group of each connected firm.
    """
    import pandas as pd

    from data.groups import group_of

    pack = terms.pack.name
    offers = offers.assign(group_id=group_of(offers["supplier_id"], groups))
    own = offers[(offers["pack"] == pack) & (offers["asked_id"] == offers["supplier_id"])]
    contract = cases["contract_id"]
    asked = pd.MultiIndex.from_arrays([cases["supplier_id"], contract.fillna("")])
    # Where among the offers the one on each case's own question is, if there is one.
    place = pd.Series(own.index, index=[own["supplier_id"], own["contract_id"].fillna("")]).reindex(asked).to_numpy()
    held = offers["amount_fen"].reindex(place).fillna(0).astype("int64").set_axis(cases.index)

    def others(among: pd.DataFrame, key: pd.Series, of_cases: pd.Series) -> pd.Series[int]:
        """What stands under each case's key, less what stands on its own question where that counts in it too."""
        found = of_cases.map(among.groupby(key.reindex(among.index))["amount_fen"].sum())
        counted = key.where(key.index.isin(among.index)).reindex(place).to_numpy() == of_cases.to_numpy()
        # To draw on nothing of the kind is no key that two have in common.
        return found.fillna(0).astype("int64") - held.where(counted & of_cases.notna(), 0)

    columns = {
        HELD: held,
        TO_SUPPLIER: others(offers, offers["supplier_id"], cases["supplier_id"]),
        LOANS: others(offers[offers["product"] == LOAN], offers["contract_id"], contract),
        GUARANTEES: others(offers[offers["product"] != LOAN], offers["contract_id"], contract),
        ADVANCES: others(offers[offers["product"] == ADVANCE], offers["contract_id"], contract),
    }
    for pool in pools:
        among = offers if pool.across_packs else offers[offers["pack"] == pack]
        columns[pool.exposure] = others(among, pool.key(offers, terms), pool.key(cases, terms))
    return pd.DataFrame(columns)
