"""A night that fails at any write, or is killed at any moment, ends in the same plaintext; and so does one on Spark."""

from __future__ import annotations

import importlib.util
import random
import shutil
import time
from pathlib import Path

import pytest

from tests import nightly
from tests.credit.app.conftest import run_credit
from tests.nightly import DAY, NOW

KILLS = 20
pytestmark = pytest.mark.soak


def night(home: Path, *words: object) -> int:
    return run_credit(home, "nightly", "run", "--as-of", DAY, *words, CREDIT_NOW=NOW).code


@pytest.fixture(scope="module")
def before(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose night has not begun, with something in its inbox."""
    home = nightly.copied(demonstration / "var", tmp_path_factory.mktemp("before") / "var")
    nightly.arrive(home, "one", ["NEW-1,S0000001,,,2026-10-31,500,CNY,PROGRESS,,2026-10-31T12:00:00"])
    return home


@pytest.fixture(scope="module")
def undisturbed(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = nightly.copied(before, tmp_path_factory.mktemp("undisturbed") / "var")
    assert night(home) == 0
    return nightly.plaintext(home)


def test_a_fault_at_every_write_and_rename_changes_nothing(before, undisturbed, tmp_path):
    with nightly.fault_at(0) as counted:
        assert night(nightly.copied(before, tmp_path / "counted")) == 0
    for number in range(1, counted["calls"] + 1):
        home = nightly.copied(before, tmp_path / "disturbed")
        with nightly.fault_at(number):
            # What is written after the seal, such as a note that tracking was told, may fail without being missed.
            assert night(home) in (0, 1), number
        assert night(home) == 0, number
        assert nightly.plaintext(home) == undisturbed, number
        shutil.rmtree(home)


def test_real_kills_change_nothing(before, undisturbed, tmp_path):
    dice, killed = random.Random(8), 0
    home = nightly.copied(before, tmp_path / "killed")
    while killed < KILLS:
        process = nightly.night_process(home)
        time.sleep(dice.uniform(0.5, 9))
        if process.poll() is None:
            process.kill()
            killed += 1
        process.wait()
        if (home / "nights" / f"as_of={DAY}" / "manifest.json").exists():
            assert nightly.plaintext(home) == undisturbed
            shutil.rmtree(home)
            home = nightly.copied(before, tmp_path / f"killed-{killed}")
    assert night(home) == 0
    assert nightly.plaintext(home) == undisturbed


def test_a_night_on_spark_is_the_same(before, undisturbed, tmp_path):
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark is not installed: pip install -e '.[spark]', and Java")
    home = nightly.copied(before, tmp_path / "spark")
    assert night(home, "--engine", "spark", "--master", "local[2]") == 0
    found = nightly.plaintext(home)
    # The settings say which engine it was, and the manifest has their hash.
    differs = [name for name in found if found[name] != undisturbed[name]]
    assert sorted(Path(name).name for name in differs) == ["manifest.json", "settings.json"]
