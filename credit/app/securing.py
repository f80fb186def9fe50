"""What a bank is told beside scores: contracts that could be lent on, and the guarantees that it has issued itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from credit.app.home import Home
from credit.app.policies import pack_for
from credit.domain.guarantee import Falls, Form, Guaranteed, GuaranteeEvent, as_of

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.policy.terms import Terms
    from data.exports.banks import Bank
    from data.exports.verify import Table

# Under which consents a bank is told of a firm's contracts, the widest first, and of guarantees.
CONTRACT_PURPOSES, GUARANTEE_PURPOSES = ("credit_line", "guarantee"), ("guarantee",)
TIER = "platform"
# The loan's limits that a contract and the product set, whoever the supplier is but for its grade.
_OF_A_CONTRACT = ("LIM-product", "LIM-grade", "LIM-receivable", "LIM-cost", "LIM-contract", "LIM-wrong-way")


@dataclass(kw_only=True)
class Beside:
    """What the tables beside the scores are made of, for all banks that are written for together.

    `consents` are those that hold, `pds` each firm's PD by supplier_id. What is read is known on a day, by a version of
    the ledger, and what was booked from the moment `known_before` (UTC) on is not in it.
    """

    home: Home
    as_of: date
    consents: pd.DataFrame
    pds: pd.Series[float]
    known_before: datetime
    version: int

    def rows(self, bank: Bank) -> dict[Table, pd.DataFrame]:
        """The rows of the tables that a bank agreed to, whole, whatever the export is."""
        from data.exports.verify import CONTRACTS, GUARANTEES

        made = {CONTRACTS: _contracts, GUARANTEES: _guarantees}
        return {table: made[table](self, bank) for table in bank.tables if table in made}

    @cached_property
    def contracts(self) -> pd.DataFrame:
        """The open contracts with a locked account of all firms that consent, without their consents; read once."""
        told = self.consents.loc[self.consents["purpose"].isin(CONTRACT_PURPOSES), "supplier_id"]
        return _read(self, told.drop_duplicates())


# -- contracts


def _contracts(beside: Beside, bank: Bank) -> pd.DataFrame:
    """The contracts of the firms that consent to a bank; what one could draw is for who consents to credit alone."""
    consents = bank.widest(beside.consents, CONTRACT_PURPOSES)
    told = consents[["supplier_id", "consent_id", "bank_id", "purpose"]].merge(beside.contracts, on="supplier_id")
    return told.assign(draw_max_fen=told["draw_max_fen"].where(told["purpose"] == CONTRACT_PURPOSES[0]))


def _read(beside: Beside, suppliers: pd.Series[str]) -> pd.DataFrame:
    """What is known of each contract; what others lend or guarantee on it is a flag, for how much is theirs to say."""
    import pandas as pd

    from credit.domain.products import contract_loan
    from credit.domain.scale import grades
    from data.facts import contract_facts, open_and_locked
    from features import engine

    home, as_of, version = beside.home, beside.as_of, beside.version
    found = open_and_locked(home.ledger(), suppliers, as_of, version=version)
    cases = found.assign(case_id=range(len(found)), as_of=as_of)

    def read(piece: pd.DataFrame, threads: int | None) -> pd.DataFrame:
        with home.ledger().known_on(piece, version=version, threads=threads) as known:
            return contract_facts(known, form="")

    facts = engine.in_pieces(cases, read).set_index(cases.index)
    terms = pack_for(home, contract_loan.CONTRACT_LOAN.name, TIER).terms(as_of)
    grade = grades(beside.pds.reindex(cases["supplier_id"]), terms).set_axis(cases.index)
    read_as = _inputs(beside, facts, terms).assign(grade=grade)
    derived = contract_loan.derived(read_as, terms)
    financed = (facts["guaranteed_fen"] > 0) | found["contract_id"].isin(_booked_on(beside))
    return pd.DataFrame(
        {
            **{name: found[name] for name in ("contract_id", "supplier_id")},
            "buyer_id": facts["buyer_id"],
            "stage": derived["stage"].str.upper(),
            "amount_fen": read_as["contract_fen"],
            **{name: read_as[name] for name in ("prepaid_fen", "paid_fen", "retention_fen")},
            "net_base_fen": derived["net_base_fen"],
            "confirmed_by_buyer": facts["contract_confirmed"],
            "account_locked": facts["account_locked"],
            "lock_ref": facts["lock_ref"],
            "other_financing_flag": financed,
            "expected_pay_date": derived["due_on"],
            "draw_max_fen": _draw_max(derived, terms).mask(financed),
        }
    )


def _inputs(beside: Beside, facts: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """What the loan on a contract reads of it, by the names that the pack gives its inputs."""
    from credit.domain.policy.inputs import as_read
    from data.facts import buyer_pay_days

    pays = facts["buyer_id"].map(buyer_pay_days(beside.home.ledger(), beside.as_of, version=beside.version))
    known = facts.assign(buyer_pay_days_p80=pays)
    inputs: dict[str, Any] = {name: known[source] for name, source in terms.pack.inputs.items() if source in known}
    inputs |= {name: each.value for name, each in terms.pack.assumed.items()}
    # What differs by region is a term of the supplier's own limit; here what holds everywhere.
    inputs["region"] = None
    return as_read(known[[]].assign(**inputs), inputs)


def _draw_max(cases: pd.DataFrame, terms: Terms) -> pd.Series[int]:
    """The smallest of the loan's own limits on one contract and of its product, where nothing stands on the contract.

    Nothing where that is less than the product lends at all. The limits of the supplier and of what is lent in all are
    not in it, nor are the rules; missing without a grade. What the contract costs is taken at its least share that is
    believed, which no supplier's own share is below.
    """
    from credit.domain.limits import smallest
    from credit.domain.products.contract_loan import CONTRACT_LOAN

    alone = cases.assign(
        **dict.fromkeys(("guaranteed_fen", "advance_guaranteed_fen", "loans_on_contract_fen"), 0), cost_share=None
    )
    own = tuple(each for each in CONTRACT_LOAN.limits if each.code in _OF_A_CONTRACT)
    most: pd.Series[int] = smallest(own, alone, terms, step_fen=int(terms["rounding_step_fen"]))["limit_fen"]
    return most.mask((most < int(terms["product_minimum_fen"])).fillna(False), 0)


def _booked_on(beside: Beside) -> set[str]:
    """The contracts on which something stood in the book on the day."""
    from data.book.exposure import contracts_taken

    return contracts_taken(beside.home.store(), beside.known_before.isoformat(), beside.as_of)


# -- guarantees


def _guarantees(beside: Beside, bank: Bank) -> pd.DataFrame:
    """Every guarantee that the bank has issued on behalf of a firm that still consents, as it was on the day.

    What the book does not know the issuer of is nobody's, and goes to no bank.
    """
    import pandas as pd

    from data.exports.schema import SAID_HERE
    from data.exports.verify import GUARANTEES

    consents = bank.widest(beside.consents, GUARANTEE_PURPOSES).set_index("supplier_id")
    gone_on_as = beside.home.ledger().gone_on_as(beside.as_of, version=beside.version)
    rows = []
    for buyer, events in beside.home.guarantees().issued_through(bank.bank_id, beside.known_before.isoformat()):
        until = [event for event in events if event.on <= beside.as_of]
        supplier = gone_on_as.get(events[0].supplier_id, events[0].supplier_id)
        if until and supplier in consents.index:
            consent = {name: consents.at[supplier, name] for name in ("consent_id", "bank_id", "purpose")}
            rows.append({"supplier_id": supplier, **consent, "beneficiary": buyer, **_said(until, beside.as_of)})
    columns = [each.name for each in bank.tables[GUARANTEES] if each.name not in SAID_HERE]
    found = pd.DataFrame(rows).reindex(columns=["bank_id", *columns])
    # Where none of them falls by its text, a column of nothing is one of amounts all the same.
    return found.astype({name: "Int64" for name in columns if name.endswith("_fen")})


def _said(events: list[GuaranteeEvent], day: date) -> dict[str, Any]:
    """What a guarantee is on a day, by the names of the record."""
    here: Guaranteed = as_of(events, day)
    wording, last = here.wording, events[-1]
    of_an_advance, falls = wording.form is Form.ADVANCE_PAYMENT, wording.schedule.falls is not Falls.NEVER
    return {
        "guarantee_id": wording.guarantee_id,
        "type": wording.form.value,
        "contract_id": wording.contract_id,
        "amount_fen": here.amount_fen,
        "outstanding_fen": here.callable_fen,
        "demanded_fen": here.demanded_fen,
        "paid_fen": here.paid_fen,
        "effective_trigger": "ADVANCE_CREDITED" if of_an_advance else "CONTRACT_SIGNED",
        "effective_date": here.effective_on,
        "reduction_schedule": wording.schedule.falls.value,
        "reduction_accepted_fen": wording.schedule.whole_fen if falls else None,
        "reduction_left_fen": wording.schedule.last_fen if falls else None,
        "expiry": here.expires_on,
        "status": here.state.value,
        "last_event": last.kind.value,
        "last_event_on": last.on,
        "event_seq": len(events),
    }
