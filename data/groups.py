"""Groups of connected firms: who belongs together through any chain of ties."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def group_of(suppliers: pd.Series[str], groups: Mapping[str, str] | pd.Series[str]) -> pd.Series[str]:
    """The group of each supplier; itself where it is connected with nobody.

    >>> group_of(pd.Series(["S1", "S2"]), {"S2": "G"}).tolist(), group_of(pd.Series(["S1"]), {}).tolist()
    (['S1', 'G'], ['S1'])
    """
    # Where nobody is connected, pandas takes a column of nothing but what is missing for numbers.
    return suppliers.map(groups).astype("str").fillna(suppliers)


def connected(one: pd.Series[str], other: pd.Series[str]) -> pd.Series[int]:
    """The number of the group of each end of these ties, by its id, in order of the ids.

    >>> connected(pd.Series(["S2", "S3", "S9"]), pd.Series(["P1", "P1", "S8"])).to_dict()
    {'P1': 0, 'S2': 0, 'S3': 0, 'S8': 1, 'S9': 1}
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, places = np.unique(np.concatenate([one.to_numpy(str), other.to_numpy(str)]), return_inverse=True)
    left, right = np.split(places, 2)
    ties = coo_array((np.ones(left.size, dtype=bool), (left, right)), shape=(names.size, names.size))
    _, group = connected_components(ties, directed=False)
    return pd.Series(group, index=pd.Index(names, name="supplier_id"), name="group", dtype="int64")


def gone_on_as(stays: pd.Series[str], goes: pd.Series[str]) -> dict[str, str]:
    """Of ids that are one supplier by these merges, each that the supplier no longer goes by, with the one it does.

    That one is the least id that was merged into no other, or simply the least where each was.

    >>> gone_on_as(pd.Series(["S2", "S3"]), pd.Series(["S1", "S1"]))
    {'S1': 'S2', 'S3': 'S2'}
    """
    ids = connected(stays, goes).rename_axis("id").reset_index()
    ids = ids.assign(away=ids["id"].isin(goes)).sort_values(["group", "away", "id"], kind="stable")
    ids["last"] = ids.groupby("group")["id"].transform("first")
    gone = ids[ids["id"] != ids["last"]].sort_values("id")
    return dict(zip(gone["id"], gone["last"], strict=True))
