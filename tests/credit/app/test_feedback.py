"""Feedback through the command: exit codes, who may, and that it teaches."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from credit.app import identity
from credit.app.home import Home
from credit.app.policies import training_terms
from credit.domain.errors import TooFewOutcomes
from models.targets import LOAN_DEFAULT, lessons

FIRMS = [f"S{number}" for number in range(12)]
AS_OF = date(2026, 11, 2)


@pytest.fixture
def home(tmp_path, import_rows) -> Path:
    """Twelve firms that consented to the demonstration bank, and one that did not."""
    consents = [
        {"consent_event_id": f"G{firm}", "consent_id": f"G{firm}", "supplier_id": firm, "bank_id": "demo-bank"}
        for firm in FIRMS
    ]
    suppliers = [{"supplier_id": firm, "uscc": ""} for firm in (*FIRMS, "STRANGER")]
    import_rows(Home(tmp_path / "var").ledger(), suppliers=suppliers, consents=consents)
    return tmp_path / "var"


@pytest.fixture
def file(tmp_path, csv_file):
    """A feedback file with a draw of January 2025 for each firm, every other written off; `more` rows follow."""

    def written(*more, **common) -> Path:
        rows = []
        for number, firm in enumerate(FIRMS):
            opened, due = date(2025, 1, 1 + number), date(2025, 7, 1 + number)
            own = {"supplier_id": firm, "loan_id": f"L{number}", "due_on": due, "reported_on": "2026-01-10"}
            own |= {"amount_fen": 2_000_000, "currency": "CNY", "days_past_due": 120} | common
            end = ("WRITTEN_OFF", due + timedelta(days=120)) if number % 2 else ("REPAID", due)
            rows += [own | {"event_id": f"{number}-1", "event": "DRAWN", "happened_on": opened}]
            rows += [own | {"event_id": f"{number}-2", "event": end[0], "happened_on": end[1]}]
        return csv_file(tmp_path / "back.csv", [*rows, *(rows[0] | each for each in more)])

    return written


def taught(home: Path) -> tuple[int, int]:
    found = lessons(
        Home(home).ledger(), LOAN_DEFAULT, tier="platform", as_of=AS_OF, terms=training_terms(Home(home), AS_OF)
    )
    return len(found.cases), int(found.happened.sum())


def test_a_feedback_file_makes_lessons_where_there_were_none(home, file, empty):
    with pytest.raises(TooFewOutcomes):
        taught(home)
    said = empty("feedback", "import", file(), "--bank", "demo-bank", "--json")
    assert said.code == 0, said.err
    assert said.json["tables"][0]["imported"] == 24
    assert taught(home) == (12, 6)


def test_the_same_file_twice_changes_nothing(home, file, empty):
    first = empty("feedback", "import", file(), "--bank", "demo-bank")
    again = empty("feedback", "import", file(), "--bank", "demo-bank", "--json")
    assert (first.code, again.code, again.json["batch"]) == (0, 0, None)


def test_rows_that_are_set_aside_are_said_and_the_rest_goes_in(home, file, empty):
    said = empty("feedback", "import", file({"event_id": "X", "supplier_id": "STRANGER"}), "--bank", "demo-bank")
    assert said.code == 4 and 'back.csv line 26, column "supplier_id": "STRANGER" (not-of-the-bank)' in said.out


def test_a_file_of_which_nothing_can_be_taken_is_rejected_whole(home, file, empty):
    said = empty("feedback", "import", file(), "--bank", "second-bank")
    assert said.code == 3 and "not-of-the-bank" in said.err


def test_a_bank_without_an_agreement_sends_nothing(home, file, empty):
    said = empty("feedback", "import", file(), "--bank", "no-bank")
    assert said.code == 1 and "demo-bank" in said.err


def test_the_bank_may_be_named_by_the_file_alone(home, file, empty):
    assert empty("feedback", "import", file()).code == 1
    assert empty("feedback", "import", file(bank_id="demo-bank")).code == 0


def test_an_operator_takes_it_in_and_an_analyst_does_not(home, file, empty, monkeypatch):
    (home / "roles.toml").write_text('[roles]\nli = "analyst"\nnight = "operator"\n', encoding="utf-8")
    monkeypatch.setattr(identity, "who", lambda: "li")
    assert empty("feedback", "import", file(), "--bank", "demo-bank").code == 6
    monkeypatch.setattr(identity, "who", lambda: "night")
    assert empty("feedback", "import", file(), "--bank", "demo-bank").code == 0
