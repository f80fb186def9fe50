"""What nobody on the platform knows: futures that follow the platform's own law, drawn and kept apart."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from data.formats import format_named
from data.importing import import_history
from data.ledger import Ledger
from data.simulator import Platform, Question, TruthSummary, simulate, truth
from data.simulator.arrays import NEVER
from data.simulator.blocks import blocks
from data.simulator.borrowing import reached
from data.simulator.clock import advance
from data.simulator.demand import Contracts
from data.simulator.futures import copies_of, cut
from data.simulator.settings import VERSION, Settings, national
from data.simulator.truth import firms_wanted
from data.simulator.world import World, build

PLATFORM = Platform(suppliers=300, start=date(2021, 1, 1), end=date(2024, 6, 30), seed=5, borrower_share=0.5)
DAYS = (date(2023, 6, 30), date(2024, 6, 30))
QUESTION = Question(DAYS, firms=81, futures=40)


def run_until(settings: Settings, day: int) -> World:
    world = build(settings)
    while world.day < settings.first_day + day:
        advance(world)
    return world


def awarded_after(contracts: Contracts, day: int, copy: int) -> set[tuple[int, ...]]:
    rows = (contracts.awarded_on > day) & (contracts.firm // 300 == copy)
    columns = (contracts.firm % 300, contracts.signed_on, contracts.buyer, contracts.amount)
    return set(zip(*(column[rows].tolist() for column in columns), strict=True))


def test_a_world_cut_out_whole_goes_on_as_the_one_it_was_cut_from() -> None:
    world = run_until(Settings(suppliers=300, seed=3), 1000)
    branch = cut(world, np.arange(300), 1, deepcopy(world.rng), awarded_by=NEVER)
    for _ in range(300):
        advance(world)
        advance(branch)
    assert (branch.accounts.cash == world.accounts.cash).all()
    assert (branch.lines.outstanding == world.lines.outstanding).all()
    assert (branch.condition.backlog == world.condition.backlog).all()


def test_no_firm_of_a_branch_knows_what_nobody_knew_that_evening() -> None:
    world = run_until(Settings(suppliers=300, seed=3), 1000)
    branch = copies_of(world, np.arange(300), 2, np.random.default_rng(1), last_day=world.day + 365)
    first, second = (awarded_after(branch.contracts, world.day, copy) for copy in (0, 1))
    assert len(first) > 200 and len(second) > 200
    assert not first & second
    assert not (first | second) & awarded_after(world.contracts, world.day, 0)


def test_as_many_draws_default_in_the_mean_of_all_futures_as_in_the_one_that_came() -> None:
    copies, z = 40, []
    for seed in (0, 3):
        settings = Settings(suppliers=800, seed=seed)
        world = run_until(settings, 1300)
        running = np.minimum(world.loans["repaid_on"], world.loans["written_off_on"]) == NEVER
        draws = np.flatnonzero(running & (world.loans["due_on"] > world.day))
        last_day = world.day + 455
        branch = copies_of(
            world, np.unique(world.loans["firm"][draws]), copies, np.random.default_rng(seed), last_day=last_day
        )
        each = branch.loans.rows.count // copies
        same = np.flatnonzero(branch.loans["due_on"][:each] > world.day)
        assert (branch.loans["principal"][same] == world.loans["principal"][draws]).all()
        while branch.day < last_day:
            advance(branch)
            advance(world)
        defaults = reached(branch, np.arange(each * copies), 90).reshape(copies, each)[:, same].sum(axis=1)
        came = int(reached(world, draws, 90).sum())
        assert came > 5
        z.append((came - defaults.mean()) / defaults.std(ddof=1))
    assert np.hypot(*z) < 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth") / "truth"


@pytest.fixture(scope="module")
def summary(folder: Path) -> TruthSummary:
    return truth(folder, PLATFORM, QUESTION)


@pytest.fixture(scope="module")
def found(folder: Path, summary: TruthSummary) -> pd.DataFrame:
    return pq.read_table(folder / "default_probabilities.parquet").to_pandas()


def test_the_same_seed_finds_the_same_truth(folder: Path, summary: TruthSummary, tmp_path: Path) -> None:
    assert truth(tmp_path / "again", PLATFORM, QUESTION) == summary
    assert all(file.read_bytes() == (tmp_path / "again" / file.name).read_bytes() for file in folder.iterdir())


def test_as_many_firms_as_asked_are_drawn_and_their_weights_speak_for_all(found: pd.DataFrame) -> None:
    assert len(found) == QUESTION.firms and set(found["as_of"]) == set(DAYS)
    assert not found.duplicated(["supplier_id", "as_of"]).any()
    drawn_from = found.groupby("as_of")["weight"].sum()
    assert ((drawn_from > 100) & (drawn_from <= PLATFORM.suppliers)).all()
    strata = found.groupby(["as_of", "standing", "size_class"])
    assert (strata["weight"].nunique() == 1).all()
    assert len(strata) > 20


def test_a_probability_is_the_share_of_futures_with_its_sampling_error(found: pd.DataFrame) -> None:
    assert (found["futures"] == QUESTION.futures).all()
    assert (found["pd"] == found["defaults"] / QUESTION.futures).all()
    binomial = np.sqrt(found["pd"] * (1 - found["pd"]) / QUESTION.futures)
    assert (found["standard_error"] > 0).all()
    assert (abs(found["standard_error"] - binomial) < 0.02).all()
    assert 0 < found["pd"].mean() < 0.5 and found["pd"].nunique() > 3


def test_the_truth_is_about_the_platform_of_that_seed(folder: Path, found: pd.DataFrame, tmp_path: Path) -> None:
    simulate(tmp_path / "platform", PLATFORM)
    suppliers = pq.read_table(tmp_path / "platform" / "suppliers.parquet").to_pandas()
    since = suppliers.groupby("supplier_id")["effective_on"].min()
    assert (since[found["supplier_id"]].to_numpy() <= found["as_of"].to_numpy()).all()
    firms = pq.read_table(folder / "firms.parquet").to_pandas()
    assert set(firms["supplier_id"]) >= set(suppliers["supplier_id"])
    ended = pq.read_table(tmp_path / "platform" / "acceptances.parquet").to_pandas()
    rating = ended.groupby("supplier_id")["rating"].mean()
    skill = firms.set_index("supplier_id")["skill"]
    assert np.corrcoef(skill[rating.index], rating)[0, 1] > 0.5
    about = json.loads((folder / "about.json").read_text())
    assert (about["seed"], about["suppliers"], about["simulator_version"]) == (5, 300, VERSION)


def test_nothing_of_it_is_written_with_the_platform_and_no_reader_of_the_ledger_sees_it(
    folder: Path, summary: TruthSummary, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    simulate(home / "platform", PLATFORM)
    hidden = {"skill", "appetite", "pays_after_days", "pd", "buffer_months", "gross_margin"}
    for file in (home / "platform").glob("*.parquet"):
        assert not hidden & set(pq.read_schema(file).names)
    folder.rename(home / "truth")
    ledger = Ledger(home / "ledger")
    import_history(ledger, format_named("platform"), home / "platform", loaded_at=datetime(2024, 7, 1))
    cases = pd.DataFrame({"case_id": [0], "supplier_id": ["S0000001"], "as_of": [DAYS[1]]})
    with ledger.known_on(cases) as known:
        for file in (home / "truth").glob("*.parquet"):
            with pytest.raises(duckdb.PermissionException):
                known.con.execute(f"SELECT * FROM read_parquet('{file}')")
    (home / "truth").rename(folder)


def test_the_blocks_and_evenings_together_give_as_many_firms_as_asked() -> None:
    parts = blocks(national(suppliers=47_000))
    wanted = [firms_wanted(part, Question(DAYS, firms=20_000, futures=1), day) for part in parts for day in DAYS]
    assert len(wanted) == 6 and sum(wanted) == 20_000
    assert all(4_254 <= each <= 4_256 for each in (wanted[0], wanted[1], wanted[2], wanted[3]))


@pytest.mark.parametrize("days", [(date(2020, 1, 1),), (DAYS[0], DAYS[0])])
def test_an_evening_that_is_not_the_platforms_or_is_named_twice_is_refused(
    tmp_path: Path, days: tuple[date, ...]
) -> None:
    with pytest.raises(ValueError, match="must differ and lie between"):
        truth(tmp_path / "x", PLATFORM, Question(days, 10, 10))
    assert not (tmp_path / "x").exists()
