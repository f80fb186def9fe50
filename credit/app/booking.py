"""What every request of the book says, and what a decision says of the line or guarantee that it becomes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from credit.app.clock import now
from credit.app.home import Home

if TYPE_CHECKING:
    from credit.domain.record import Record
    from data.book.turns import Request

REVOLVING = ("turnover_line",)


def request(command: str, arguments: dict[str, Any], *, who: str, key: str | None) -> Request:
    """What is asked of the book, under the caller's key or a new one. Raises IdRefused for a blank or a long one."""
    from data.book.turns import Request

    # A blank key is no wish for a new one: whoever sends it believes that the request is done once.
    named = uuid4().hex if key is None else key
    return Request(key=named, command=command, arguments=arguments, who=who, at=now().isoformat())


def about(record: Record) -> dict[str, Any]:
    """What the book keeps of a decision beside its amount."""
    inputs = record["inputs"]
    kept = {name: inputs.get(name) for name in ("buyer_id", "district", "category")}
    return kept | {"revolves": record["product"]["name"] in REVOLVING}


def pools(home: Home, record: Record) -> dict[str, int]:
    """The accounts of the pools that a decision draws on, each with what may be committed of it, in fen.

    That is what policy leaves to it, and what stands offered or committed to others already: policy counts both, so
    that the book, which holds what is committed, is within it.
    """
    import pandas as pd

    from credit.app.policies import pack_named
    from credit.domain.products import product_named
    from data.book import accounts

    pack = pack_named(home, record["policy"]["pack"])
    terms, product = pack.terms(date.fromisoformat(record["as_of"])), product_named(record["product"]["name"])
    case = pd.DataFrame([{**record["inputs"], "pd": record["pd"]}])
    beside, left = record["application"]["beside"], record["limits_fen"]
    found = {}
    for pool in product.applying(pack.not_applicable)[1]:
        key, room = pool.key(case, terms).iloc[0], left.get(pool.term.code)
        if key is not None and not pd.isna(key) and room is not None:
            name = key if pool.across_packs else f"{pack.name}/{key}"
            found[accounts.pool(pool.name, name)] = max(room + beside[pool.exposure], 0)
    contract, room = record["application"]["contract_id"], left.get("LIM-contract")
    if contract is not None and room is not None:
        taken = beside["loans_on_contract_fen"] + beside["guarantees_on_contract_fen"]
        found[accounts.pool("contract", contract)] = max(room + taken, 0)
    return found
