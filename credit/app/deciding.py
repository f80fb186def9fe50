"""Decide applications: gather what was known, call the domain, write the records.

One application and a queue of them are the same frame; a replay is the same call with everything pinned to what the
record says was in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.policies import pack_named
from credit.app.scoring import floor_of, reasons_said
from credit.domain.errors import (
    CreditError,
    EmptyLedger,
    PolicyBroken,
    ReplayDiffers,
    UnknownContract,
    UnknownSupplier,
)

if TYPE_CHECKING:
    import pandas as pd

    from credit.domain.decision import Decided
    from credit.domain.policy.terms import Pack
    from credit.domain.products import Product
    from credit.domain.record import Record
    from data.decisions import Offer
    from data.ledger import Known, Ledger
    from models.registry import Served


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a decision stands on: the ledger's version, the model, the policy, the dates. A replay pins the old ones."""

    as_of: date
    decided_at: datetime
    ledger_version: int
    served: Served
    pack: Pack

    @property
    def product(self) -> Product:
        """The product that the pack is about."""
        from credit.domain.products import product_named

        return product_named(self.pack.product)


def pin(home: Home, pack: Pack, *, as_of: date, decided_at: datetime) -> Pinned:
    """What is in force now: the ledger as it stands and the champion. Raises NoModel."""
    from models.registry import registered_name

    served = home.registry().champion(registered_name(pack.target, pack.tier))
    return Pinned(as_of, decided_at, home.ledger().version, served, pack)


def decide_and_store(home: Home, pinned: Pinned, applications: pd.DataFrame) -> list[Record]:
    """Decide applications under what is pinned and store the records; asked again, the stored answer stands.

    `applications` has a row each: `supplier_id`, `requested_fen` (missing where no amount was named) and, for a product
    that asks one, `contract_id`. All of them share what is left of the portfolio's budget. Raises UnknownSupplier, also
    for an id that its supplier no longer goes by: under two ids a firm would have two limits.
    """
    from credit.domain.record import is_whole

    store, terms = home.decisions(), pinned.pack.terms(pinned.as_of)
    # Who is lent to is a matter of the day it is done, whatever date the history is read on.
    gone_on_as = home.ledger().gone_on_as(day_of(pinned.decided_at), version=pinned.ledger_version)
    for supplier in applications["supplier_id"]:
        if supplier in gone_on_as:
            raise UnknownSupplier(
                f"{supplier!r} was found to be another id of a supplier", hint=f"it goes on as {gone_on_as[supplier]}"
            )
    with store.one_at_a_time():
        offers = store.standing(pinned.as_of, pinned.as_of + timedelta(days=int(terms["valid_days"])))
        taken = sum(offer.amount_fen for offer in offers if offer.pack == pinned.pack.name)
        budget = max(0, int(terms["portfolio_budget_fen"]) - taken)
        records = decide(home, pinned, _with_offers(pinned, applications, offers, gone_on_as), budget_fen=budget)
        rows = [row_of(record, pinned.pack.name) for record in records]
        known = store.add(rows)
    # What is answered is what is stored, the first time as every other.
    answered = [record_of(row["decision_id"], known.get(row["decision_id"], row["record"])) for row in rows]
    for record in answered:
        if record["decision_id"] in known and not is_whole(record):
            raise altered(record["decision_id"])
    return answered


def record_of(decision_id: str, text: str) -> Record:
    """A decision's record from its stored text. Raises StoreDamaged where that is no JSON."""
    from data.durable import json_of

    record: Record = json_of(text, f"the stored record of {decision_id}")
    return record


def altered(decision_id: str) -> CreditError:
    """The error for a stored record that no longer says what its id was made of."""
    return ReplayDiffers(
        f"the stored record of {decision_id} was altered", hint=f"`credit decision replay {decision_id}` says where"
    )


def _with_offers(
    pinned: Pinned, applications: pd.DataFrame, offers: list[Offer], gone_on_as: dict[str, str]
) -> pd.DataFrame:
    """The applications beside what stands offered: on their own question, and by others to supplier and contract.

    Until a book holds what was drawn and issued, an offer that has not lapsed counts as exposure; so does one that was
    made to another id of the supplier.
    """
    by_supplier: dict[str, list[Offer]] = {}
    for offer in offers:
        by_supplier.setdefault(gone_on_as.get(offer.supplier_id, offer.supplier_id), []).append(offer)
    rows = []
    for supplier, contract in zip(applications["supplier_id"], _contracts(applications), strict=True):
        question = (supplier, pinned.pack.name, contract)
        mine = [o for o in by_supplier.get(supplier, []) if (o.supplier_id, o.pack, o.contract_id) == question]
        others = [o for o in by_supplier.get(supplier, []) if (o.supplier_id, o.pack, o.contract_id) != question]
        on_contract = [o for o in others if contract is not None and o.contract_id == contract]
        rows.append([sum(o.amount_fen for o in found) for found in (mine, others, on_contract)])
    held, to_supplier, to_contract = zip(*rows, strict=True) if rows else ((), (), ())
    return applications.assign(
        held_fen=list(held), offered_fen=list(to_supplier), offered_on_contract_fen=list(to_contract)
    )


def _contracts(applications: pd.DataFrame) -> list[str | None]:
    return list(applications["contract_id"]) if "contract_id" in applications else [None] * len(applications)


def decide(home: Home, pinned: Pinned, applications: pd.DataFrame, *, budget_fen: int | None = None) -> list[Record]:
    """Decide applications and answer their records, storing nothing.

    With `budget_fen` they share that budget; without, each row brings its own `portfolio_headroom_fen`. Each brings
    what stands offered by other questions: `offered_fen` to its supplier, `offered_on_contract_fen` on its contract.
    """
    from credit.domain.decision import decide as decide_cases
    from credit.domain.decision import decide_within_budget
    from credit.domain.record import plain, records, said
    from features import engine
    from models.scoring import score

    ledger, version = home.ledger(), pinned.ledger_version
    cases = applications.reset_index(drop=True).assign(case_id=range(len(applications)), as_of=pinned.as_of)
    with engine.known_on(ledger, cases, version=version) as known:
        _refuse_unknown(ledger, known, pinned)
        frame = engine.build(known, tier=pinned.pack.tier)
        inputs = _inputs(ledger, known, frame, pinned)
    scores = score(frame, cases["supplier_id"], pinned.served, floor_of(home, pinned.as_of))
    whole = inputs.assign(pd=scores["pd"], requested_fen=cases["requested_fen"])
    if budget_fen is None:
        whole = whole.assign(portfolio_headroom_fen=cases["portfolio_headroom_fen"])
        decided = decide_cases(pinned.product, pinned.pack, whole, pinned.as_of)
    else:
        held = cases["held_fen"]
        decided = decide_within_budget(pinned.product, pinned.pack, whole, pinned.as_of, budget_fen, held)
    reasons = reasons_said(pinned.served, frame, scores["pd"])
    features = _known_features(frame)
    asked: dict[str, list[Any]] = {str(name): cases[name].tolist() for name in cases.columns}
    headroom = decided.cases["portfolio_headroom_fen"].tolist()
    contexts = {
        case: {
            "application": {
                "supplier_id": asked["supplier_id"][case],
                "contract_id": asked["contract_id"][case] if pinned.product.asks_contract else None,
                "requested_fen": plain(asked["requested_fen"][case]),
                "portfolio_headroom_fen": int(headroom[case]),
                "offered_fen": int(asked["offered_fen"][case]),
                "offered_on_contract_fen": int(asked["offered_on_contract_fen"][case]),
            },
            "decided_at": pinned.decided_at.isoformat(),
            "pd_horizon_months": _horizon(pinned, decided, case),
            "model": pinned.served.label,
            "ledger": {"version": version},
            "features": features[case],
            "unscorable": said(code) if isinstance(code := scores.at[case, "unscorable"], str) else None,
            "reasons": reasons[case],
        }
        for case in range(len(cases))
    }
    return records(decided, contexts)


def _known_features(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The features of each row that are not missing, as the record keeps them."""
    from credit.domain.record import plain

    names = list(frame.columns)
    return [
        {name: plain(value) for name, value in zip(names, row, strict=True) if value == value}  # noqa: PLR0124 - NaN
        for row in frame.to_numpy().tolist()
    ]


def replay(home: Home, stored: Record) -> Record:
    """Decide a stored case again from ledger, model and policy as they were, and answer the record that comes out.

    Raises NoModel, UnknownName or UnknownSupplier where what the record stands on is gone.
    """
    import pandas as pd

    asked = stored["application"]
    pinned = Pinned(
        as_of=date.fromisoformat(stored["as_of"]),
        decided_at=datetime.fromisoformat(stored["decided_at"]),
        ledger_version=stored["ledger"]["version"],
        served=home.registry().load(stored["model"]["name"], stored["model"]["version"]),
        pack=pack_named(home, stored["policy"]["pack"]),
    )
    applications = pd.DataFrame([asked]).astype({"requested_fen": "Int64"})
    return decide(home, pinned, applications)[0]


def ledger_with_history(home: Home) -> Ledger:
    """The ledger, once something has been imported. Raises EmptyLedger."""
    ledger = home.ledger()
    if ledger.version == 0:
        raise EmptyLedger("the ledger holds no history", hint="`credit ledger import` or `credit simulate platform`")
    return ledger


def supplier_tier(home: Home, supplier_id: str) -> str:
    """The kind of data a supplier is known by. Raises EmptyLedger, UnknownSupplier with the nearest ids."""
    ledger = ledger_with_history(home)
    tier = ledger.tiers_of([supplier_id]).get(supplier_id)
    if tier is None:
        raise unknown_supplier(ledger, supplier_id)
    return tier


def unknown_supplier(ledger: Ledger, supplier_id: str) -> UnknownSupplier:
    """What to say of an id that nobody knows, with the nearest ids."""
    near = ", ".join(ledger.nearest("suppliers", "supplier_id", supplier_id))
    return UnknownSupplier(f"no supplier {supplier_id!r} is known", hint=f"the nearest ids are {near}")


def contract_supplier(home: Home, contract_id: str) -> str:
    """The supplier of a contract, by the id that it goes on as. Raises UnknownContract with the nearest ids."""
    ledger = home.ledger()
    supplier = ledger.lookup("contracts", "supplier_id", "contract_id", contract_id)
    if supplier is None:
        near = ", ".join(ledger.nearest("contracts", "contract_id", contract_id)) or "none: the ledger has no contracts"
        raise UnknownContract(f"no contract {contract_id!r} is known", hint=f"the nearest ids are {near}")
    return ledger.gone_on_as(day_of(now())).get(supplier, supplier)


def _refuse_unknown(ledger: Ledger, known: Known, pinned: Pinned) -> None:
    from data.facts import registered

    unknown = known.cases.loc[~registered(known, tier=pinned.pack.tier), "supplier_id"]
    if len(unknown):
        near = ", ".join(ledger.nearest("suppliers", "supplier_id", unknown.iloc[0]))
        raise UnknownSupplier(
            f"no {pinned.pack.tier} supplier {unknown.iloc[0]!r} is known on {pinned.as_of}",
            hint=f"the nearest ids are {near}",
        )


def _inputs(ledger: Ledger, known: Known, frame: pd.DataFrame, pinned: Pinned) -> pd.DataFrame:
    """The product's inputs by the names the domain knows, from features and facts as the pack says."""
    import pandas as pd

    from data import facts

    cases, today = known.cases, day_of(pinned.decided_at)
    supplier = facts.supplier_facts(known)
    consents = facts.valid_consents(ledger, cases["supplier_id"], on=today, version=pinned.ledger_version)
    for_purpose = consents.loc[consents["purpose"] == pinned.product.purpose, "supplier_id"].value_counts()
    pool = {
        **{name: frame[name] for name in frame.columns},
        **{name: supplier[name] for name in supplier.columns},
        "exposure_fen": supplier["exposure_fen"] + cases["offered_fen"].to_numpy(),
        "consents_valid": cases["supplier_id"].map(for_purpose).fillna(0).astype("int64"),
    }
    if pinned.product.asks_contract:
        contract = facts.contract_facts(known, form=pinned.product.guarantee_form)
        if len(contract) < len(cases):
            raise UnknownContract(
                f"a contract asked about is not known on {pinned.as_of}",
                hint="check `--as-of` and the supplier of each",
            )
        pool |= {name: contract[name] for name in contract.columns}
        pool["guaranteed_fen"] = contract["guaranteed_fen"] + cases["offered_on_contract_fen"].to_numpy()
    missing = sorted(source for source in pinned.pack.inputs.values() if source not in pool)
    if missing:
        raise PolicyBroken(
            f"policy pack {pinned.pack.name!r} reads {missing[0]!r}, which is neither a feature nor a fact",
            hint="`credit features list` shows the features",
        )
    chosen = {name: pool[source] for name, source in pinned.pack.inputs.items()}
    return pd.DataFrame(chosen, index=cases["case_id"])


def _horizon(pinned: Pinned, decided: Decided, case: int) -> int | None:
    """Months that the PD looks ahead: the target's own, or until the guarantee would end, where that is known."""
    import pandas as pd

    from credit.domain.windows import months_before

    if pinned.served.card["horizon_months"] is not None:
        return int(pinned.served.card["horizon_months"])
    end: Any = decided.cases["planned_acceptance_on"].tolist()[case]
    if end is None or pd.isna(end):
        return None
    last = end + timedelta(days=int(decided.terms["expiry_days"]))
    months = 1
    while months_before(last, months) > pinned.as_of:
        months += 1
    return months


def row_of(record: Record, pack: str) -> dict[str, Any]:
    """The row that a record is stored as: what queries read beside the record's own text."""
    return {
        "decision_id": record["decision_id"],
        "decided_at": record["decided_at"],
        "supplier_id": record["application"]["supplier_id"],
        "contract_id": record["application"]["contract_id"],
        "pack": pack,
        "as_of": date.fromisoformat(record["as_of"]),
        "outcome": record["outcome"],
        "amount_fen": record["amount_fen"],
        "valid_until": date.fromisoformat(record["valid_until"]),
        "record": _text(record),
    }


def _text(record: Record) -> str:
    from credit.domain.record import canonical

    return canonical(record).decode()
