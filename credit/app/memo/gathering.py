"""All that the memo says, as one document: the firm, its history, the answer, its score, and what would change it.

The history is what was known on the day of the answer; decisions, lines and exposure are what the book knew when the
day of the memo ended. Asked with a date on which a decision stood, nothing after it is in the document. Where none did,
the answer is made today on the history of that day, as everywhere: with the model, the disputes and what stands offered
of today, and so the book of today is beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app.clock import day_of, now, span_of
from credit.app.home import Home

if TYPE_CHECKING:
    import pandas as pd

    from credit.app.deciding import Gathered, Pinned
    from credit.domain.record import Record

PRODUCT = "turnover_line"
# So many decisions of before are listed.
PAST = 12


@dataclass(frozen=True, slots=True)
class _Answer:
    """One answer, whether it is stored, and what it was made of."""

    record: Record
    stored: bool
    pinned: Pinned
    known: Gathered
    case: pd.DataFrame

    @property
    def supplier(self) -> str:
        """Who it is about."""
        return str(self.record["application"]["supplier_id"])


def of_supplier(home: Home, supplier: str, as_of: date | None) -> dict[str, Any]:
    """The memo of a supplier: of the newest decision on its turnover line that stands, else of one made for it alone.

    The latter is stored nowhere and offered to nobody. Raises UnknownSupplier, NoModel or ModelMismatch.
    """
    from credit.app.deciding import supplier_tier

    tier, today = supplier_tier(home, supplier), day_of(now())
    supplier = home.ledger().gone_on_as(today).get(supplier, supplier)
    on = as_of or today
    if standing := _standing(home, supplier, on):
        return _memo(home, _answered(home, standing), on)
    return _memo(home, _asked(home, supplier, tier, as_of), today)


def of_decision(home: Home, decision_id: str) -> dict[str, Any]:
    """The memo of a stored decision, or of a night's. Raises UnknownDecision, NoModel or ModelMismatch."""
    from credit.app.replaying import stored_record

    return _memo(home, _answered(home, stored_record(home, decision_id)), day_of(now()))


def name_for(home: Home, supplier: str, as_of: date) -> str | None:
    """The firm's name on a day, for who may read it; a sole trader's only while it consents to anything.

    None too where nobody knows it, or where it was erased.
    """
    import pandas as pd

    from credit.app import identity
    from credit.app.roles import may
    from credit.domain.authority import Action
    from data.facts import withheld
    from data.names import name_of

    if not may(home, Action.NAMES, identity.who()):
        return None
    if withheld(home.ledger(), pd.Series([supplier]), on=day_of(now())):
        return None
    return name_of(home.ledger(), supplier, as_of)


def _ids(home: Home, supplier: str, on: date) -> list[str]:
    """The ids that a supplier goes by on a day, its own first."""
    import pandas as pd

    asked = pd.DataFrame({"case_id": [0], "supplier_id": [supplier], "as_of": [on]})
    found = home.ledger().case_suppliers(asked)["supplier_id"]
    return [supplier, *(each for each in found if each != supplier)]


def _standing(home: Home, supplier: str, on: date) -> Record | None:
    """The newest decision on a supplier's turnover line that was made by the end of a day and holds on it."""
    from credit.app.deciding import record_of

    store = home.decisions()
    rows = store.listed(supplier_id=supplier, before=_ends(on), limit=PAST)
    known = {row["supersedes"] for row in rows}
    for row in rows:
        holds = row["valid_until"] >= on and row["as_of"] <= on and row["decision_id"] not in known
        if row["product"] == PRODUCT and holds:
            whole = store.row(row["decision_id"])
            return record_of(row["decision_id"], whole["record"]) if whole else None
    return None


def _ends(day: date) -> str:
    """The moment at which a day is over, as the book writes it."""
    return span_of(day)[1].isoformat()


def _answered(home: Home, record: Record) -> _Answer:
    """A stored answer with what it stood on, read again. Raises ModelMismatch where its model is another by now."""
    from credit.app.deciding import asked_again, cases_for, gather, pinned_unchanged

    pinned = pinned_unchanged(home, record)
    known = gather(home, pinned, asked_again(record))
    return _Answer(record, True, pinned, known, cases_for(pinned, known, known.cases))


def _asked(home: Home, supplier: str, tier: str, as_of: date | None) -> _Answer:
    """What would be answered now to who asks for as much as can be; nothing of it is stored."""
    import pandas as pd

    from credit.app.deciding import beside, cases_for, gather, of_applicants, pin, recorded, standing
    from credit.app.policies import pack_for

    day = as_of or home.ledger().last_day(tier)
    pinned = pin(home, pack_for(home, PRODUCT, tier), as_of=day, decided_at=now())
    asked = pd.DataFrame({"supplier_id": [supplier], "requested_fen": pd.array([None], dtype="Int64")})
    offers = standing(home, pinned, asked["supplier_id"])
    known = gather(home, pinned, of_applicants(home.decisions(), pinned, asked))
    stands = beside(home, pinned, known, offers)
    record = recorded(pinned, known, stands, together=True)[0]
    return _Answer(record, False, pinned, known, cases_for(pinned, known, stands))


def _memo(home: Home, answer: _Answer, on: date) -> dict[str, Any]:
    """The document; amounts are fen."""
    from credit.app import identity
    from credit.app.explaining import explained
    from credit.app.memo import changing, standing
    from data.history import history

    pinned, record, supplier = answer.pinned, answer.record, answer.supplier
    ids = _ids(home, supplier, on)
    told = history(home.ledger(), supplier, pinned.as_of, tier=pinned.pack.tier, version=pinned.ledger_version)
    code = answer.known.scores["unscorable"].iloc[0]
    score = explained(
        home, pinned.served, answer.known.features, code, supplier=supplier, day=pinned.as_of, what_if=None
    )
    return {
        "supplier_id": supplier,
        "name": name_for(home, supplier, pinned.as_of),
        "as_of": str(pinned.as_of),
        "book_on": str(on),
        "prepared": {"at": now().isoformat(), "by": identity.who()},
        "stored": answer.stored,
        "firm": _firm(home, answer, told.registration, on),
        "history": {name: value for name, value in asdict(told).items() if name != "registration"},
        "decision": record,
        "score": score,
        "exposure": standing.exposure(home, ids, record, on),
        "change": changing.changes(home, record, pinned, answer.case),
        "disputes": standing.disputes(home, ids, _ends(on)),
        "past": standing.past(home, ids, _ends(on), most=PAST),
    }


def _firm(home: Home, answer: _Answer, registration: dict[str, Any], on: date) -> dict[str, Any]:
    """Who the firm is: how it is registered, whom it is tied to, what it is a member of, and what it consents to."""
    import pandas as pd

    from data import facts

    pinned, known = answer.pinned, answer.known
    ledger, read = home.ledger(), known.facts.iloc[0]
    groups = facts.groups_on(ledger, pinned.as_of, version=pinned.ledger_version)
    group = str(read["group_id"])
    consents = facts.valid_consents(ledger, pd.Series([answer.supplier]), on=on)
    programmes = read["programmes"]
    return {
        "tier": pinned.pack.tier,
        **registration,
        "region": None if pd.isna(read["region"]) else str(read["region"]),
        "programmes": [] if pd.isna(programmes) else str(programmes).split(" + "),
        "group_id": group,
        "tied_to": sorted(str(each) for each in groups.index[groups == group] if each != answer.supplier),
        "consents": [
            {"bank_id": each["bank_id"], "purpose": each["purpose"], "valid_to": _day(each["valid_to"])}
            for each in consents.to_dict("records")
        ],
        "feed_age_days": int(read["feed_age_days"]),
    }


def _day(value: Any) -> str | None:
    import pandas as pd

    return None if pd.isna(value) else str(value)
