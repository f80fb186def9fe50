"""Decide applications: gather what was known, call the domain, write the records.

One application and a queue of them are the same frame; a replay is the same call with everything pinned to what the
record says was in force.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from credit.app import exposures, identity
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.policies import pack_named
from credit.app.roles import refuse
from credit.app.scoring import floor_of, reasons_said
from credit.domain.authority import Action
from credit.domain.errors import (
    CreditError,
    EmptyLedger,
    ModelMismatch,
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
    from data.decisions import DecisionStore
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


def decide_and_store(home: Home, pinned: Pinned, applications: pd.DataFrame, *, applied: bool = True) -> list[Record]:
    """Decide applications under what is pinned and store the records; asked again, the stored answer stands.

    `applications` has a row each: `supplier_id`, `requested_fen` (missing where no amount was named) and what else the
    product asks about (`ASKED`). All of them draw on the same pools. They are `applied` for, or asked by the engine
    itself, as at night: who applies has to wait after a decline, and may ask for a person. Raises UnknownSupplier, also
    for an id that its supplier no longer goes by: under two ids a firm would have two limits.
    """
    from credit.domain.record import is_whole

    refuse(home, Action.DECIDE, identity.who())
    store = home.decisions()
    with store.one_at_a_time():
        offers = standing(home, pinned, applications["supplier_id"])
        cases = of_applicants(store, pinned, applications) if applied else applications
        records = decide(home, pinned, cases, offers=offers)
        maker = identity.who()
        rows = [row_of(record, pinned.pack.name, applied=applied, maker=maker) for record in records]
        known = store.add(rows)
        judged = store.superseding(list(known))
    # What is answered is what is stored, the first time as every other, and what a person made of it since.
    answered = [(row["decision_id"], known.get(row["decision_id"], row["record"])) for row in rows]
    stands = [record_of(*judged.get(decision_id, (decision_id, text))) for decision_id, text in answered]
    for record, (decision_id, _) in zip(stands, answered, strict=True):
        if decision_id in known and not is_whole(record):
            raise altered(record["decision_id"])
    return stands


def standing(home: Home, pinned: Pinned, suppliers: Iterable[str]) -> pd.DataFrame:
    """What stands offered while answers to these suppliers would. Raises UnknownSupplier for an id that is no more."""
    # Who is lent to is a matter of the day it is done, whatever date the history is read on.
    gone_on_as = home.ledger().gone_on_as(day_of(pinned.decided_at), version=pinned.ledger_version)
    for supplier in suppliers:
        if supplier in gone_on_as:
            raise UnknownSupplier(
                f"{supplier!r} was found to be another id of a supplier", hint=f"it goes on as {gone_on_as[supplier]}"
            )
    until = pinned.as_of + timedelta(days=int(pinned.pack.terms(pinned.as_of)["valid_days"]))
    return exposures.standing(home.decisions().standing(pinned.as_of, until), gone_on_as)


def applied_for(home: Home, pinned: Pinned, applications: pd.DataFrame) -> pd.DataFrame:
    """The cases of applications as the domain would decide them now, of which nothing is stored."""
    offers = standing(home, pinned, applications["supplier_id"])
    known = gather(home, pinned, of_applicants(home.decisions(), pinned, applications))
    return cases_for(pinned, known, beside(home, pinned, known, offers))


def of_applicants(store: DecisionStore, pinned: Pinned, applications: pd.DataFrame) -> pd.DataFrame:
    """The applications with the days until a cooling-off is over, and the data that their suppliers dispute."""
    disputed = Counter(each["supplier_id"] for each in store.disputes())
    waits = store.cooling(pinned.as_of)
    left = [
        (waits.get((supplier, pinned.pack.name), pinned.as_of) - pinned.as_of).days
        for supplier in applications["supplier_id"]
    ]
    return applications.assign(
        cooling_days_left=left, data_disputes_open=[disputed[each] for each in applications["supplier_id"]]
    )


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


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of cases before a policy is asked, each indexed as the cases: features, facts and scores."""

    cases: pd.DataFrame
    features: pd.DataFrame
    facts: pd.DataFrame
    scores: pd.DataFrame


def gather(
    home: Home, pinned: Pinned, applications: pd.DataFrame, *, scored: tuple[pd.DataFrame, pd.DataFrame] | None = None
) -> Gathered:
    """Read what is known of applications on the pinned date. Raises UnknownSupplier or UnknownContract.

    Features and scores that were computed before, as at night, are `scored`: each has a row for each application. Then
    only facts are read, some cases at a time.
    """
    from data.facts import withheld
    from features import engine
    from models.scoring import score

    ledger, version = home.ledger(), pinned.ledger_version
    cases = _completed(applications, pinned)
    if scored is not None:
        frame, scores = (each.set_axis(cases.index, axis=0) for each in scored)
        return Gathered(cases, frame, _facts_in_pieces(ledger, cases, frame, pinned), scores)
    with engine.known_on(ledger, cases, version=version) as known:
        _refuse_unknown(ledger, known, pinned)
        frame = engine.build(known, tier=pinned.pack.tier)
        read = _facts(ledger, known, frame, pinned)
    silent = withheld(ledger, cases["supplier_id"], on=day_of(pinned.decided_at), version=version)
    scores = score(frame, cases["supplier_id"], pinned.served, floor_of(home, pinned.as_of), withheld=silent)
    return Gathered(cases, frame, read, scores)


def _facts_in_pieces(ledger: Ledger, cases: pd.DataFrame, frame: pd.DataFrame, pinned: Pinned) -> pd.DataFrame:
    """What is known of very many cases beside their features, of so many at a time as features are computed."""
    from data.facts import SUPPLIER_TABLES, group_facts
    from data.schema import TABLES
    from features import engine

    version, tables = pinned.ledger_version, TABLES if pinned.product.asks_contract else SUPPLIER_TABLES
    group = group_facts(ledger, cases["supplier_id"], pinned.as_of, version=version)

    def read(piece: pd.DataFrame, threads: int | None) -> pd.DataFrame:
        with ledger.known_on(piece, version=version, tables=tables, threads=threads) as known:
            _refuse_unknown(ledger, known, pinned)
            return _facts(ledger, known, frame.loc[piece.index], pinned, group)

    return engine.in_pieces(cases, read)


def beside(home: Home, pinned: Pinned, known: Gathered, offers: pd.DataFrame) -> pd.DataFrame:
    """What stands offered beside each case, by others and on its own question."""
    from data import facts

    groups = facts.groups_on(home.ledger(), pinned.as_of, version=pinned.ledger_version)
    keyed = known.facts.assign(
        **{name: known.cases[name].to_numpy() for name in ("supplier_id", "contract_id")},
        district=known.facts["region"],
        pd=known.scores["pd"].to_numpy(),
    )
    return exposures.beside(offers, keyed, pinned.product.pools, pinned.pack.terms(pinned.as_of), groups)


def of_the_ledger(pinned: Pinned, known: Gathered) -> dict[str, Any]:
    """What the ledger knows of each pool; of the others nothing but what stands offered is known."""
    return {pool.exposure: known.facts.get(pool.exposure, 0) for pool in pinned.product.pools}


def stood_beside(pinned: Pinned, known: Gathered, stands: pd.DataFrame, decided: Decided) -> pd.DataFrame:
    """What stood offered beside each decided case, what the ones before it took included, in fen, indexed as the cases.

    A case that is decided again with it, by itself, has the same answer.
    """
    import pandas as pd

    columns = {name: stands[name].to_numpy() for name in exposures.OFFERED}
    for name, fen in of_the_ledger(pinned, known).items():
        columns[name] = (decided.cases[name] - fen).to_numpy()
    return pd.DataFrame(columns, index=decided.cases.index)


def cases_for(pinned: Pinned, known: Gathered, stands: pd.DataFrame) -> pd.DataFrame:
    """The cases as the domain decides them under the pinned pack, beside what stands offered."""
    drawn = {name: fen + stands[name].to_numpy() for name, fen in of_the_ledger(pinned, known).items()}
    return _inputs(known, stands, pinned).assign(
        pd=known.scores["pd"],
        requested_fen=known.cases["requested_fen"],
        # What one question holds already changes what many leave each other, and no answer by itself.
        held_fen=stands[exposures.HELD].to_numpy() if exposures.HELD in stands else 0,
        **drawn,
    )


def decide(
    home: Home, pinned: Pinned, applications: pd.DataFrame, *, offers: pd.DataFrame | None = None
) -> list[Record]:
    """Decide applications and answer their records, storing nothing.

    With `offers`, what stands offered, they are decided together: none exceeds what the others leave. Without, each row
    brings what stood offered beside it (`exposures.beside`), as its record has it.
    """
    known = gather(home, pinned, applications)
    stands = known.cases if offers is None else beside(home, pinned, known, offers)
    return recorded(pinned, known, stands, together=offers is not None)


def recorded(pinned: Pinned, known: Gathered, stands: pd.DataFrame, *, together: bool) -> list[Record]:
    """The records of what is known, beside what stands offered: of the cases each by itself, or `together`."""
    from credit.domain.decision import decide as decide_cases
    from credit.domain.decision import decide_together
    from credit.domain.record import plain, records, said

    domain = decide_together if together else decide_cases
    decided = domain(pinned.product, pinned.pack, cases_for(pinned, known, stands), pinned.as_of)
    reasons = reasons_said(pinned.served, known.features, known.scores["pd"])
    features = _known_features(known.features)
    asked: dict[str, list[Any]] = {name: known.cases[name].tolist() for name in ASKED}
    stood = {str(name): column.tolist() for name, column in stood_beside(pinned, known, stands, decided).items()}
    unscorable = known.scores["unscorable"].tolist()
    contexts = {
        case: {
            "application": {
                **{name: plain(values[case]) for name, values in asked.items()},
                "beside": {name: int(values[case]) for name, values in stood.items()},
            },
            "decided_at": pinned.decided_at.isoformat(),
            "pd_horizon_months": _horizon(pinned, decided, case),
            "model": pinned.served.label,
            "ledger": {"version": pinned.ledger_version},
            "features": features[case],
            "unscorable": said(code) if isinstance(code := unscorable[case], str) else None,
            "reasons": reasons[case],
        }
        for case in range(len(known.cases))
    }
    return records(decided, contexts)


# What an application may say beside who asks, and what it is where it does not.
ASKED: dict[str, Any] = {
    "supplier_id": None,
    "contract_id": None,
    "requested_fen": None,
    "review_requested": False,
    "cooling_days_left": 0,
    "data_disputes_open": 0,
    "tender_region": None,
    "tender_budget_fen": None,
}


def _completed(applications: pd.DataFrame, pinned: Pinned) -> pd.DataFrame:
    """A case for each application, with all that one may say."""
    from credit.domain.money import fen

    absent = {name: default for name, default in ASKED.items() if name not in applications}
    cases = applications.reset_index(drop=True).assign(**absent)
    texts = {
        name: cases[name].astype(object).where(cases[name].notna(), None) for name in ("contract_id", "tender_region")
    }
    money = {name: fen(cases[name]) for name in ("requested_fen", "tender_budget_fen")}
    return cases.assign(**texts, **money, case_id=range(len(cases)), as_of=pinned.as_of)


def _known_features(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The features of each row that are not missing, as the record keeps them."""
    from credit.domain.record import plain

    names = list(frame.columns)
    return [
        {name: plain(value) for name, value in zip(names, row, strict=True) if value == value}  # noqa: PLR0124 - NaN
        for row in frame.to_numpy().tolist()
    ]


def pinned_as(home: Home, stored: Record) -> Pinned:
    """What a stored record stands on. Raises NoModel or UnknownName where that is gone."""
    return Pinned(
        as_of=date.fromisoformat(stored["as_of"]),
        decided_at=datetime.fromisoformat(stored["decided_at"]),
        ledger_version=stored["ledger"]["version"],
        served=home.registry().load(stored["model"]["name"], stored["model"]["version"]),
        pack=pack_named(home, stored["policy"]["pack"]),
    )


def pinned_unchanged(home: Home, stored: Record) -> Pinned:
    """What a stored record stands on, its model as it was. Raises ModelMismatch where its files are others by now."""
    pinned = pinned_as(home, stored)
    if pinned.served.label != stored["model"]:
        raise ModelMismatch(
            f"{stored['decision_id']} was decided by {stored['model']['name']} version {stored['model']['version']}, "
            "whose files are others now",
            hint="restore the model's files, or ask again",
        )
    return pinned


def replay(home: Home, stored: Record, *, pack: Pack | None = None, model: int | None = None) -> Record:
    """Decide a stored case again from ledger, model and policy as they were, and answer the record that comes out.

    With another `pack` or version of the `model`, what would come out by those. Raises NoModel, UnknownName or
    UnknownSupplier where what the record stands on is gone.
    """
    pinned = pinned_as(home, stored)
    if model is not None:
        pinned = replace(pinned, served=home.registry().load(pinned.served.name, model))
    if pack is not None:
        pinned = replace(pinned, pack=pack)
    return decide(home, pinned, asked_again(stored))[0]


def asked_again(stored: Record) -> pd.DataFrame:
    """What a stored record was asked, and what stood offered beside it, as a frame of one row."""
    import pandas as pd

    asked = dict(stored["application"])
    stood = asked.pop("beside")
    return pd.DataFrame([{**asked, **stood}])


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
        asked, tier = unknown.iloc[0], pinned.pack.tier
        is_later = ledger.tiers_of([asked]).get(asked) == tier
        near = ", ".join(ledger.nearest("suppliers", "supplier_id", asked))
        raise UnknownSupplier(
            f"no {tier} supplier {asked!r} is known on {pinned.as_of}",
            hint="it registered later: name a later day" if is_later else f"the nearest ids are {near}",
        )


def _facts(
    ledger: Ledger, known: Known, frame: pd.DataFrame, pinned: Pinned, group: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What is known of each case beside its features, indexed as the cases; and of its group, unless that is given."""
    from data import facts

    cases, today, version = known.cases, day_of(pinned.decided_at), pinned.ledger_version
    supplier = facts.supplier_facts(known)
    consents = facts.valid_consents(ledger, cases["supplier_id"], on=today, version=version)
    for_purpose = consents.loc[consents["purpose"] == pinned.product.purpose, "supplier_id"].value_counts()
    if group is None:
        group = facts.group_facts(ledger, cases["supplier_id"], pinned.as_of, version=version)
    of_group = group.reindex(cases["supplier_id"]).set_index(supplier.index)
    age = max((pinned.as_of - ledger.last_day(pinned.pack.tier, version=version)).days, 0)
    read = supplier.assign(
        group_id=of_group["group_id"],
        group_exposure_fen=of_group["group_exposure_fen"] + supplier["exposure_fen"],
        connected_listings=of_group["connected_listings"],
        consents_valid=cases["supplier_id"].map(for_purpose).fillna(0).astype("int64").to_numpy(),
        feed_age_days=age,
    )
    if not pinned.product.asks_contract:
        return read
    contract = facts.contract_facts(known, form=pinned.product.guarantee_form)
    if len(contract) < len(cases):
        raise UnknownContract(
            f"a contract asked about is not known on {pinned.as_of}",
            hint="check `--as-of` and the supplier of each",
        )
    left = contract["contract_fen"] - contract["accepted_fen"]
    left = left.where(contract["contract_open"], 0).clip(lower=0)
    beside = (frame["backlog_amount"].fillna(0) - left).clip(lower=0).round()
    completed = frame["contract_completed_sum_12m"]
    pays = contract["buyer_id"].map(facts.buyer_pay_days(ledger, pinned.as_of, version=version))
    return read.join(contract).assign(
        buyer_pay_days_p80=pays,
        backlog_beside_fen=beside,
        # With the contract asked about, which may be open already or only just awarded.
        backlog_ratio=(beside + left) / completed.where(completed > 0),
    )


def _inputs(known: Gathered, stands: pd.DataFrame, pinned: Pinned) -> pd.DataFrame:
    """The product's inputs by the names the domain knows, from features and facts as the pack says.

    What others offered on the supplier and the contract counts as if it were drawn and issued.
    """
    import pandas as pd

    read = known.facts
    offered = {name: stands[name].to_numpy() for name in exposures.OFFERED}
    pool: dict[str, Any] = {
        **{name: known.features[name] for name in known.features.columns},
        **{name: read[name] for name in read.columns},
        **{name: known.cases[name].to_numpy() for name in ASKED},
        "exposure_fen": read["exposure_fen"] + offered[exposures.TO_SUPPLIER],
    }
    if pinned.product.asks_contract:
        pool["guaranteed_fen"] = read["guaranteed_fen"] + offered[exposures.GUARANTEES]
        pool["advance_guaranteed_fen"] = read["advance_guaranteed_fen"] + offered[exposures.ADVANCES]
        pool["loans_on_contract_fen"] = offered[exposures.LOANS]
    missing = sorted(source for source in pinned.pack.inputs.values() if source not in pool)
    if missing:
        raise PolicyBroken(
            f"policy pack {pinned.pack.name!r} reads {missing[0]!r}, which is neither a feature nor a fact",
            hint="`credit features list` shows the features",
        )
    chosen = {name: pool[source] for name, source in pinned.pack.inputs.items()}
    return pd.DataFrame(chosen, index=read.index)


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


def row_of(record: Record, pack: str, *, applied: bool, maker: str) -> dict[str, Any]:
    """The row that a record is stored as: what queries read beside the record's own text."""
    inputs, cooling = record["inputs"], record["cooling_until"]
    return {
        "decision_id": record["decision_id"],
        "decided_at": record["decided_at"],
        "supplier_id": record["application"]["supplier_id"],
        "contract_id": record["application"]["contract_id"],
        "pack": pack,
        "product": record["product"]["name"],
        "as_of": date.fromisoformat(record["as_of"]),
        "outcome": record["outcome"],
        "amount_fen": record["amount_fen"],
        "valid_until": date.fromisoformat(record["valid_until"]),
        "pd": record["pd"],
        **{name: inputs.get(name) for name in ("district", "buyer_id", "category")},
        "applied": applied,
        "cooling_until": date.fromisoformat(cooling) if cooling else None,
        "maker": maker,
        "supersedes": record.get("supersedes"),
        "record": _text(record),
    }


def _text(record: Record) -> str:
    from credit.domain.record import canonical

    return canonical(record).decode()
