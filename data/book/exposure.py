"""What lines and guarantees take, as the book knew it at a moment: the sums of the entries of the log until then."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pandas as pd
from sqlalchemy import and_, func, or_, select

from data.book import accounts
from data.book.opening import Store
from data.book.tables import ENTRIES, LOG, SUBJECTS

COLUMNS = ("subject_id", "kind", "supplier_id", "contract_id", "buyer_id", "district", "category", "product")
COMMITTED, OUTSTANDING, GUARANTEED = "committed_fen", "outstanding_fen", "guaranteed_fen"
CLAIMED = "claimed_fen"


def contracts_taken(store: Store, before: str, on: date) -> set[str]:
    """The contracts on which anything stood on a day, as far as it was booked before a moment (ISO, UTC).

    By a line or a guarantee on the contract, or by a draw for it on a line of the supplier.
    """
    subject = SUBJECTS.c.subject_id
    named = (accounts.committed_of, accounts.guaranteed_of, accounts.claimed_of, accounts.pending_of)
    held = or_(*(ENTRIES.c.account == of(subject) for of in (*named, accounts.principal_of)))
    booked = and_(
        LOG.c.partition == ENTRIES.c.partition, LOG.c.sequence == ENTRIES.c.sequence, LOG.c.at < before,
        LOG.c.on_day <= on,
    )  # fmt: skip
    query = (
        select(SUBJECTS.c.contract_id)
        .select_from(SUBJECTS.join(ENTRIES, held).join(LOG, booked))
        .where(SUBJECTS.c.contract_id.is_not(None))
        .group_by(SUBJECTS.c.contract_id, ENTRIES.c.account)
        .having(func.sum(ENTRIES.c.delta_fen) != 0)
    )
    with store.reading() as con:
        return set(con.execute(query).scalars())


def exposure(store: Store, before: str, *, suppliers: Collection[str] | None = None) -> pd.DataFrame:
    """A row a line or guarantee that took anything, by what was booked before a moment (ISO, UTC).

    Of all suppliers, or of some. Whose it is and what it stands on; in fen what it had committed, what of that was
    reserved or owed, what could be called, and what had been paid under it and was owed since.
    """
    subject = SUBJECTS.c.subject_id
    names = {
        COMMITTED: accounts.committed_of(subject),
        OUTSTANDING: accounts.outstanding_of(subject),
        GUARANTEED: accounts.guaranteed_of(subject),
        CLAIMED: accounts.claimed_of(subject),
    }
    sums = [
        func.coalesce(func.sum(ENTRIES.c.delta_fen).filter(ENTRIES.c.account == account), 0).label(name)
        for name, account in names.items()
    ]
    held = or_(*(ENTRIES.c.account == account for account in names.values()))
    booked = and_(LOG.c.partition == ENTRIES.c.partition, LOG.c.sequence == ENTRIES.c.sequence, LOG.c.at < before)
    columns = [SUBJECTS.c[name] for name in COLUMNS]
    query = (
        select(*columns, *sums)
        .select_from(SUBJECTS.join(ENTRIES, held).join(LOG, booked))
        .where(SUBJECTS.c.parent_id.is_(None))
        .group_by(*columns)
        .order_by(subject)
    )
    if suppliers is not None:
        query = query.where(SUBJECTS.c.supplier_id.in_(suppliers))
    with store.reading() as con:
        rows = [tuple(row) for row in con.execute(query)]
    found = pd.DataFrame(rows, columns=[*COLUMNS, *names]).astype(
        # A column of which nothing is known is one of text all the same.
        {**dict.fromkeys(COLUMNS, "str"), **dict.fromkeys(names, "int64")}
    )
    return found[(found[list(names)] != 0).any(axis=1)].reset_index(drop=True)
