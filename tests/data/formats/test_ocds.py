"""OCDS: what a release says becomes rows, what it does not say is set aside, and order changes nothing."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.domain.errors import AllRejected, BrokenFile, CreditError, WrongFormat
from data.formats import format_named
from data.formats import ocds as module
from data.importing import ImportSummary, import_history
from data.ledger import Ledger

OCDS = format_named("ocds")
LOADED_AT = datetime(2026, 11, 1)
USCC = "91330100799655058B"
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "ocds"


def release(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "ocid": "ocds-x-1",
        "id": "r1",
        "date": "2024-03-02T09:00:00Z",
        "tag": ["contract"],
        "buyer": {"id": "B1", "name": "县教育局"},
        "parties": [
            {"id": "p1", "name": "张三建材", "roles": ["supplier"], "identifier": {"scheme": "CN-USCC", "id": USCC}}
        ],
        "awards": [
            {
                "id": "a",
                "date": "2024-02-20T00:00:00+08:00",
                "status": "active",
                "suppliers": [{"id": "p1", "name": "张三建材"}],
                "value": {"amount": 120000.5, "currency": "CNY"},
            }
        ],
        "contracts": [
            {
                "id": "c",
                "awardID": "a",
                "dateSigned": "2024-03-01T00:00:00+08:00",
                "status": "active",
                "value": {"amount": 120000.5, "currency": "CNY"},
            }
        ],
    }
    return base | changes


def contract(**changes: Any) -> dict[str, Any]:
    return release()["contracts"][0] | changes


def award(**changes: Any) -> dict[str, Any]:
    return release()["awards"][0] | changes


def put(ledger: Ledger, folder: Path, *documents: Any, name: str = "in.jsonl") -> ImportSummary:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("\n".join(json.dumps(document, ensure_ascii=False) for document in documents))
    return import_history(ledger, OCDS, file, loaded_at=LOADED_AT)


def rows(ledger: Ledger, table: str, columns: str) -> list[tuple[Any, ...]]:
    from data.schema import table as table_named

    with ledger.connection() as con:
        said = ledger.rows(table_named(table), ledger.batches())
        return con.execute(f"SELECT {columns} FROM ({said}) ORDER BY ALL").fetchall()


def known(ledger: Ledger, table: str, columns: str, as_of: str, currency: str = "CNY") -> list[tuple[Any, ...]]:
    cases = pd.DataFrame({"case_id": [0], "supplier_id": [f"CN-USCC-{USCC}"], "as_of": [date.fromisoformat(as_of)]})
    with ledger.known_on(cases, currency=currency) as door:
        return door.con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


def problems(ledger: Ledger) -> list[tuple[str, str, str]]:
    aside = ledger.quarantine()
    return [] if aside.empty else sorted(zip(aside["table"], aside["column"], aside["problem"], strict=True))


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_release_becomes_a_supplier_by_scheme_and_id_with_its_award_and_contract(
    ledger: Ledger, tmp_path: Path
) -> None:
    put(ledger, tmp_path / "in", release())
    supplier = f"CN-USCC-{USCC}"
    assert rows(ledger, "suppliers", "supplier_id, effective_on, uscc") == [(supplier, date(2024, 3, 2), USCC)]
    assert rows(ledger, "names", "supplier_id, name") == [(supplier, "张三建材")]
    assert rows(ledger, "awards", "award_id, supplier_id, awarded_on, buyer_id, amount_fen") == [
        ("ocds-x-1/a", supplier, date(2024, 2, 20), "B1", 12000050)
    ]
    assert rows(ledger, "contracts", "contract_id, supplier_id, signed_on, awarded_on, amount_fen, currency") == [
        ("ocds-x-1/c", supplier, date(2024, 3, 1), date(2024, 2, 20), 12000050, "CNY")
    ]


def test_the_rows_of_a_release_are_known_from_its_date_on(ledger: Ledger, tmp_path: Path) -> None:
    put(ledger, tmp_path / "in", release())
    assert known(ledger, "contracts", "contract_id", "2024-03-01") == []
    assert known(ledger, "contracts", "contract_id", "2024-03-02") == [("ocds-x-1/c",)]


@pytest.mark.parametrize("name", ["in.json", "in.jsonl", "in.json.gz"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda r: r,
        lambda r: [r],
        lambda r: {"version": "1.1", "releases": [r]},
        lambda r: [{"releases": [r]}],
        lambda r: {"records": [{"ocid": r["ocid"], "compiledRelease": r}]},
        lambda r: {"records": [{"ocid": r["ocid"], "releases": [r], "compiledRelease": {}}]},
    ],
    ids=["release", "array", "package", "packages", "compiled", "record"],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_any_wrapping_is_read(ledger: Ledger, tmp_path: Path, wrap: Any, name: str, indent: int | None) -> None:
    text = json.dumps(wrap(release()), indent=indent).encode()
    file = tmp_path / name
    file.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    import_history(ledger, OCDS, file, loaded_at=LOADED_AT)
    assert rows(ledger, "contracts", "contract_id") == [("ocds-x-1/c",)]


def test_a_byte_order_mark_is_no_part_of_it(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "in.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(release()).encode())
    import_history(ledger, format_named("ocds"), folder, loaded_at=datetime(2026, 1, 1))
    assert len(rows(ledger, "contracts", "contract_id")) == 1


def test_terminated_means_ended_and_no_failure_is_read_from_it(ledger: Ledger, tmp_path: Path) -> None:
    put(ledger, tmp_path / "in", release(contracts=[contract(status="terminated")]))
    assert rows(ledger, "amendments", "kind, fault, amended_on") == [("ENDED", "NONE", date(2024, 3, 2))]


def test_a_milestone_that_is_met_is_a_delivery_and_a_plan_is_counted(ledger: Ledger, tmp_path: Path) -> None:
    met = {"id": "m", "status": "met", "dueDate": "2024-03-01T00:00:00Z", "dateMet": "2024-03-02T00:00:00Z"}
    plan = {"id": "n", "status": "scheduled", "dueDate": "2025-03-01T00:00:00Z"}
    summary = put(ledger, tmp_path / "in", release(contracts=[contract(implementation={"milestones": [met, plan]})]))
    assert rows(ledger, "deliveries", "delivery_id, due_on, delivered_on") == [
        ("ocds-x-1/c/m", date(2024, 3, 1), date(2024, 3, 2))
    ]
    assert summary.passed_over == {"milestones scheduled": 1}


@pytest.mark.parametrize(
    "transaction",
    [
        {"value": {"amount": -3, "currency": "CNY"}, "payee": {"id": "p1"}, "payer": {"id": "B2"}},
        {"amount": {"amount": -3, "currency": "CNY"}, "receiverOrganization": {"id": USCC, "legalName": "x"}},
        {"value": {"amount": -3, "currency": "CNY"}},
    ],
    ids=["1.1", "1.0", "no payee"],
)
def test_a_transaction_is_a_payment_to_the_payee_and_a_negative_one_went_back(
    ledger: Ledger, tmp_path: Path, transaction: dict[str, Any]
) -> None:
    paid = {"id": "t", "date": "2024-03-02T00:00:00Z", **transaction}
    put(ledger, tmp_path / "in", release(contracts=[contract(implementation={"transactions": [paid]})]))
    assert rows(ledger, "payments", "payment_id, supplier_id, amount_fen") == [
        ("ocds-x-1/c/t", f"CN-USCC-{USCC}", -300)
    ]


def test_an_amendment_changes_the_value_by_what_it_lists(ledger: Ledger, tmp_path: Path) -> None:
    said = [
        {
            "id": "m1",
            "date": "2024-03-02T00:00:00Z",
            "changes": [{"property": "contracts/0/value/amount", "former_value": 100000}],
        },
        {"id": "m2", "date": "2024-03-02T00:00:00Z", "description": "scope"},
    ]
    put(ledger, tmp_path / "in", release(contracts=[contract(amendments=said)]))
    assert rows(ledger, "amendments", "amendment_id, kind, change_fen") == [
        ("ocds-x-1/c/m1", "VALUE", 2000050),
        ("ocds-x-1/c/m2", "OTHER", 0),
    ]


# -- what is not said --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parties": [], "awards": [award(suppliers=[{"name": "张三建材"}])]}, "no-party-id"),
        ({"awards": [award(suppliers=[])]}, "no-party-id"),
        ({"awards": [award(suppliers=[{"id": "p1"}, {"id": "p2"}])]}, "several-suppliers"),
        ({"contracts": [contract(value={"amount": -1, "currency": "CNY"})]}, "too-small"),
        ({"contracts": [contract(value={"amount": 1, "currency": "yuan"})]}, "not-a-currency"),
        ({"contracts": [contract(value={"amount": "1,000", "currency": "CNY"})]}, "bad-number"),
        ({"contracts": [contract(value={"amount": {"x": 1}, "currency": "CNY"})]}, "bad-number"),
        ({"contracts": [contract(value={"amount": 1e300, "currency": "CNY"})]}, "too-large"),
        ({"contracts": [contract(period={"endDate": "9008-05-01T00:00:00Z"})]}, "unlikely-date"),
        ({"contracts": [contract(dateSigned="soon")]}, "bad-date"),
        ({"contracts": [contract(id=None)]}, "missing-value"),
        ({"contracts": [contract(id={"$oid": "1"})]}, "missing-value"),
        ({"contracts": "none"}, "not-a-list"),
        ({"contracts": [contract(), 7]}, "not-a-list"),
        ({"date": "yesterday"}, "bad-moment"),
        ({"ocid": None}, "not-a-release"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_a_release_does_not_say_is_set_aside_and_named(
    ledger: Ledger, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    other = release(ocid="ocds-x-2", parties=[{"id": "p1"}])
    put(ledger, tmp_path / "in", other, release(**changes))
    found = problems(ledger)
    assert expected in {problem for _, _, problem in found}
    assert "张三" not in ledger.quarantine().drop(columns="hint").to_string()


def test_a_missing_currency_is_kept_as_none_and_no_question_in_yuan_reads_it(ledger: Ledger, tmp_path: Path) -> None:
    put(ledger, tmp_path / "in", release(contracts=[contract(value={"amount": 5})]))
    assert rows(ledger, "contracts", "amount_fen, currency") == [(500, "XXX")]
    assert known(ledger, "contracts", "contract_id", "2024-12-31") == []
    assert known(ledger, "contracts", "contract_id", "2024-12-31", currency="XXX") == [("ocds-x-1/c",)]


def test_amounts_are_minor_units_of_their_own_currency(ledger: Ledger, tmp_path: Path) -> None:
    money = {"PYG": 1, "KWD": 1000, "MXN": 100}
    said = [contract(id=code, value={"amount": 7, "currency": code}) for code in money]
    put(ledger, tmp_path / "in", release(contracts=said))
    assert dict(rows(ledger, "contracts", "currency, amount_fen")) == {code: 7 * units for code, units in money.items()}


def test_a_line_that_is_no_json_is_set_aside_and_the_others_are_read(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text("{broken\n" + json.dumps(release()) + "\n\n[" + "[" * 5000 + "\n42\n")
    summary = import_history(ledger, OCDS, file, loaded_at=LOADED_AT)
    assert rows(ledger, "contracts", "contract_id") == [("ocds-x-1/c",)]
    aside = ledger.quarantine()
    assert sorted(zip(aside["line"], aside["problem"], strict=True)) == [
        (1, "not-json"),
        (4, "not-json"),
        (5, "not-a-release"),
    ]
    assert next(t for t in summary.tables if t.table == "releases").read == 3


def test_a_file_that_is_no_json_at_all_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("<html>")
    with pytest.raises(BrokenFile, match="not JSON"):
        import_history(ledger, OCDS, tmp_path / "in.json", loaded_at=LOADED_AT)


def test_a_gzip_file_that_was_cut_short_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "in.json.gz").write_bytes(gzip.compress(json.dumps(release()).encode())[:-20])
    with pytest.raises(BrokenFile, match="not a whole gzip file"):
        import_history(ledger, OCDS, tmp_path / "in.json.gz", loaded_at=LOADED_AT)
    assert ledger.version == 0


def test_a_document_too_large_to_read_whole_is_refused_with_what_to_do(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_DOCUMENT", 500)
    (tmp_path / "in.json").write_text(json.dumps(release(), indent=1))
    with pytest.raises(WrongFormat) as caught:
        import_history(ledger, OCDS, tmp_path / "in.json", loaded_at=LOADED_AT)
    assert "jq -c" in caught.value.hint


# -- releases that follow each other -----------------------------------------------------------------------------------


def statement(day: int, amount: int) -> dict[str, Any]:
    value = {"amount": amount, "currency": "CNY"}
    return release(id=f"r{day}", date=f"2024-03-{day:02}T09:00:00Z", contracts=[contract(value=value)])


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
@pytest.mark.parametrize("amounts", [(1, 2, 3, 4), (1, 1, 2, 1)])
def test_the_order_in_which_releases_arrive_changes_no_answer(
    tmp_path: Path, order: tuple[int, ...], amounts: tuple[int, ...]
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    days = (2, 5, 8, 11)
    for n in order:
        put(ledger, tmp_path / "in", statement(days[n], amounts[n]), name=f"{n}.json")
    for n, day in enumerate(days):
        for asked in (day, day + 2):
            assert known(ledger, "contracts", "amount_fen", f"2024-03-{asked:02}") == [(amounts[n] * 100,)]


def test_the_same_releases_at_once_or_twice_change_nothing(ledger: Ledger, tmp_path: Path) -> None:
    said = [statement(8, 3), statement(2, 1), statement(5, 2)]
    put(ledger, tmp_path / "in", *said)
    before = rows(ledger, "contracts", "record_id, replaces, superseded_at")
    summary = put(ledger, tmp_path / "in", *reversed(said), name="again.jsonl")
    assert summary.batch is None
    assert rows(ledger, "contracts", "record_id, replaces, superseded_at") == before
    assert [known(ledger, "contracts", "amount_fen", f"2024-03-0{day}") for day in (2, 5, 8)] == [
        [(100,)],
        [(200,)],
        [(300,)],
    ]


def test_two_statements_of_one_moment_that_differ_are_a_contradiction(ledger: Ledger, tmp_path: Path) -> None:
    put(ledger, tmp_path / "in", statement(2, 1), statement(2, 9))
    assert rows(ledger, "contracts", "amount_fen") == [(100,)]
    assert ("contracts", "contracts/id", "duplicate-key") in problems(ledger)


# -- anything at all ---------------------------------------------------------------------------------------------------

WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["=1+1", "../../etc/passwd", "\u0000", "9008-01-01T00:00:00Z", "-5", 10**30, 1e308, "\u202e"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [at, *(path for key, value in inner for path in paths(value, (*at, key)))]


FULL = release(
    contracts=[
        contract(
            amendments=[{"id": "m", "date": "2024-03-02T00:00:00Z", "changes": [{"property": "x", "former_value": 1}]}],
            implementation={
                "milestones": [{"id": "m", "status": "met", "dateMet": "2024-03-02T00:00:00Z"}],
                "transactions": [
                    {"id": "t", "date": "2024-03-02T00:00:00Z", "value": {"amount": 1, "currency": "CNY"}}
                ],
            },
        )
    ]
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(paths(FULL)), WILD), min_size=1, max_size=3))
def test_whatever_stands_in_a_release_is_read_or_set_aside_and_the_counts_add_up(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    folder = tmp_path_factory.mktemp("wild")
    document = json.loads(json.dumps(FULL))
    for path, value in changes:
        if not path:
            document = value
            continue
        try:
            parent = document
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    file = folder / "in.jsonl"
    file.write_text(json.dumps(document) + "\n" + json.dumps(release(ocid="ocds-x-9")) + "\n")
    ledger = Ledger(folder / "ledger")
    try:
        summary = import_history(ledger, OCDS, file, loaded_at=LOADED_AT)
    except (AllRejected, WrongFormat, BrokenFile) as said:
        assert isinstance(said, CreditError)
        return
    assert all(t.read == t.imported + t.duplicate + t.quarantined for t in summary.tables)


# -- real packages -----------------------------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real data is not here")
@pytest.mark.parametrize(
    "name", ["armenia_releases", "mexico_cdmx", "nigeria", "paraguay_records", "uk_contracts_finder"]
)
def test_real_packages_import_and_agree_with_a_plain_count(ledger: Ledger, name: str) -> None:
    count: Counter[str] = Counter()
    for line in (REAL / f"{name}.jsonl").read_text().splitlines():
        package = json.loads(line)
        releases = package.get("releases", []) + [
            r["compiledRelease"] for r in package.get("records", []) if "compiledRelease" in r
        ]
        for each in releases:
            count["awards"] += len(each.get("awards", []))
            count["contracts"] += len(each.get("contracts", []))
            for signed in each.get("contracts", []):
                work = signed.get("implementation") or {}
                count["payments"] += len(work.get("transactions", []))
                count["milestones"] += len(work.get("milestones", []))
    summary = import_history(ledger, OCDS, REAL / f"{name}.jsonl", loaded_at=LOADED_AT)
    read = {t.table: t.read for t in summary.tables}
    passed = summary.passed_over
    for table in ("awards", "contracts"):
        over = sum(n for what, n in passed.items() if what.startswith(f"{table} that are"))
        assert read.get(table, 0) + over == count[table]
    over = sum(n for what, n in passed.items() if what.startswith("milestones"))
    assert read.get("deliveries", 0) + over == count["milestones"]
    assert read.get("payments", 0) == count["payments"]
    assert all(t.read == t.imported + t.duplicate + t.quarantined for t in summary.tables)
