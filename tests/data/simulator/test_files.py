"""What the simulator writes: the ledger's own import format, complete, consistent and known in time."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data import schema
from data.simulator import Platform, Summary, simulate

END = date(2024, 6, 30)
SMALL = {"suppliers": 300, "borrower_share": 0.5, "start": date(2021, 1, 1), "end": END}
ARROW_TYPES = {
    schema.Kind.TEXT: pa.string(),
    schema.Kind.DATE: pa.date32(),
    schema.Kind.MOMENT: pa.timestamp("us"),
    schema.Kind.FEN: pa.int64(),
    schema.Kind.WHOLE: pa.int32(),
    schema.Kind.FLAG: pa.bool_(),
}
TINY = {**SMALL, "suppliers": 20, "end": date(2021, 12, 31)}
each_table = pytest.mark.parametrize("table", schema.TABLES, ids=lambda table: table.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("simulated") / "platform"


@pytest.fixture(scope="module")
def summary(folder) -> Summary:
    return simulate(folder, Platform(**SMALL, seed=5))


@pytest.fixture(scope="module")
def tables(folder, summary) -> dict[str, pa.Table]:
    return {name: pq.read_table(folder / f"{name}.parquet") for name in summary.rows}


def ids(table: pa.Table, column: str) -> set[str]:
    return set(table[column].to_pylist()) - {None}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(folder, summary, tmp_path):
    simulate(tmp_path / "again", Platform(**SMALL, seed=5))
    assert bytes_of(folder) == bytes_of(tmp_path / "again")


def test_another_seed_gives_other_bytes(folder, summary, tmp_path):
    simulate(tmp_path / "other", Platform(**SMALL, seed=6))
    other = bytes_of(tmp_path / "other")
    assert all(content != other[name] for name, content in bytes_of(folder).items())


def test_every_table_of_the_schema_is_written_and_nothing_else(folder, summary):
    assert {path.stem for path in folder.iterdir()} == {table.name for table in schema.TABLES}
    assert set(summary.rows) == {table.name for table in schema.TABLES}


@each_table
def test_columns_are_those_of_the_schema_and_when_the_row_was_recorded(tables, table):
    written = tables[table.name].schema
    # Invoices have no key of their own, so the platform gives each row an id.
    own = [] if table.key or table.standing else ["record_id"]
    assert written.names == [*table.names, *own, "recorded_at"]
    kinds = [ARROW_TYPES[column.kind] for column in table.columns]
    assert written.types == [*kinds, *(pa.string() for _ in own), pa.timestamp("us")]


@each_table
def test_no_table_is_empty_and_the_summary_counts_its_rows(tables, summary, table):
    assert 0 < tables[table.name].num_rows == summary.rows[table.name]


@each_table
def test_choices_are_respected_and_required_columns_never_empty(tables, table):
    for column in table.columns:
        values = tables[table.name][column.name]
        if column.required:
            assert values.null_count == 0, column.name
        if column.choices:
            assert ids(tables[table.name], column.name) <= set(column.choices)


@each_table
def test_amounts_and_counts_are_never_below_what_the_schema_allows(tables, table):
    for column in table.columns:
        if column.at_least is not None:
            least = pc.min(tables[table.name][column.name]).as_py()
            # A column that the simulated platform never fills has no least value.
            assert (not column.required and least is None) or least >= column.at_least, column.name


@each_table
def test_keys_name_one_row_each(tables, table):
    if table.key is not None:
        keys = tables[table.name][table.key]
        assert pc.count_distinct(keys).as_py() == len(keys)


@each_table
def test_nothing_is_recorded_before_it_happened_or_after_the_end(tables, table):
    rows = tables[table.name]
    happened = rows[table.on].cast(pa.timestamp("us"))
    assert pc.all(pc.greater_equal(rows["recorded_at"], happened)).as_py()
    assert pc.max(rows["recorded_at"]).as_py() <= datetime(END.year, END.month, END.day, 23, 59, 59)


@each_table
def test_every_supplier_buyer_and_contract_named_is_known(tables, table):
    for column, home in (
        ("supplier_id", "suppliers"),
        ("buyer_id", "buyers"),
        ("contract_id", "contracts"),
        ("delivery_id", "deliveries"),
    ):
        if column in table.names:
            assert ids(tables[table.name], column) <= ids(tables[home], column)


@each_table
def test_no_event_of_a_contract_is_before_its_signature(tables, table):
    if "contract_id" not in table.names or table is schema.CONTRACTS:
        return
    signed = tables["contracts"].select(["contract_id", "signed_on"])
    events = tables[table.name].select(["contract_id", table.on]).drop_null().join(signed, "contract_id")
    assert pc.all(pc.greater_equal(events[table.on], events["signed_on"])).as_py()


def test_net_and_tax_add_up_to_the_total_of_every_invoice(tables):
    invoices = tables["invoices"]
    assert pc.add(invoices["net_fen"], invoices["tax_fen"]).equals(invoices["total_fen"])


def test_draws_lie_between_ten_thousand_and_half_a_million_yuan(tables):
    drawn = tables["credit_events"].filter(pc.field("kind") == "DRAWN")
    assert pc.min(drawn["amount_fen"]).as_py() >= 10_000_00
    assert pc.max(drawn["amount_fen"]).as_py() <= 500_000_00


def test_a_draw_defaults_exactly_when_it_reached_ninety_days_past_due(tables):
    events = tables["credit_events"]
    reached = ids(events.filter((pc.field("kind") == "PAST_DUE") & (pc.field("days_past_due") == 90)), "loan_id")
    outcomes = tables["outcomes"].filter(pc.field("target") == "loan_default")
    happened = ids(outcomes.filter(pc.field("happened")), "loan_id")
    spared = ids(outcomes.filter(~pc.field("happened")), "loan_id")
    assert happened
    assert not spared & reached
    # A mark may still be unrecorded on the last days, when the outcome is known already.
    assert len(happened - reached) <= 0.1 * len(happened)


def test_no_outcome_is_told_before_its_window_is_over(tables):
    assert pc.max(tables["outcomes"]["matured_on"]).as_py() <= END


def test_a_refused_applicant_without_a_line_has_no_outcome(tables):
    applications = tables["applications"]
    refused = ids(applications.filter(pc.field("answer") == "REFUSED"), "supplier_id")
    granted = ids(applications.filter(pc.field("answer") == "GRANTED"), "supplier_id")
    draws = tables["outcomes"].filter(pc.field("target") == "loan_default")
    assert refused - granted
    assert not (refused - granted) & ids(draws, "supplier_id")


def test_open_contracts_wait_for_an_advance_guarantee_with_a_locked_and_confirmed_account(tables):
    ended = tables["amendments"].filter(pc.field("kind").isin(["COMPLETED", "TERMINATED"]))
    issued = tables["guarantee_events"].filter(pc.field("form") == "ADVANCE_PAYMENT")
    accounts = tables["accounts"]
    confirmed = ids(accounts.filter(pc.field("kind") == "CONFIRMED"), "contract_id")
    locked = ids(accounts.filter(pc.field("kind") == "LOCKED"), "contract_id")
    advanced = ids(tables["contracts"].filter(pc.field("advance_fen") > 0), "contract_id")
    waiting = advanced & confirmed & locked - ids(ended, "contract_id") - ids(issued, "contract_id")
    assert waiting


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        simulate(tmp_path, Platform(**SMALL, seed=5))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_simulation_that_is_stopped_leaves_nothing_behind(tmp_path):
    def stop(stage: str, done: float = 0, total: float = 0) -> None:
        if stage == "writing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "platform", Platform(**TINY, seed=5), stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_runs_from_trading_to_writing_and_ends_at_one(tmp_path):
    seen: list[tuple[str, float]] = []
    simulate(
        tmp_path / "platform",
        Platform(**TINY, seed=5),
        lambda stage, done, total: seen.append((stage, done / total)),
    )
    assert [stage for stage, _ in seen] == sorted(stage for stage, _ in seen)
    assert seen[-1] == ("writing", 1.0)
