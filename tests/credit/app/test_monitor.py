"""`credit monitor alerts`: what happened on a line since it was accepted, found twice and the same both times."""

from __future__ import annotations

from credit.app import identity
from data.ledger import Ledger

LATER = "2026-11-10T01:00:00"


def test_a_listing_after_a_line_began_is_listed_with_evidence_owner_and_due_day(
    changed, monkeypatch, platform_row, csv_file, tmp_path
):
    home, credit = changed
    monkeypatch.setattr(identity, "who", lambda: "li")
    batch = credit("line", "decide", "--all", "--json").json["decisions"]
    granted = next(each for each in batch if each["outcome"] in ("APPROVE", "REDUCE"))
    line = credit("line", "accept", granted["decision_id"], "--json").json
    before = credit("monitor", "alerts", "--json").json
    assert (before["lines"], before["alerts"]) == (1, [])

    (tmp_path / "new").mkdir()
    listing = platform_row(
        "listings", listing_event_id="L-1", supplier_id=line["supplier_id"], list="JUDGMENT",
        happened_on="2026-11-03", recorded_at="2026-11-04T01:00:00",
    )  # fmt: skip
    csv_file(tmp_path / "new" / "listings.csv", [listing])
    imported = credit("ledger", "import", tmp_path / "new", "--format", "platform", CREDIT_NOW=LATER)
    assert imported.code == 0, imported.err

    version = Ledger(home / "ledger").version
    words = ("monitor", "alerts", "--as-of", "2026-11-05", "--json")
    found = credit(*words, CREDIT_NOW=LATER).json
    listed = [each for each in found["alerts"] if each["rule"] == "EW-LISTED"]
    assert [(each["line_id"], each["raised_on"], each["due_on"], each["owner"]) for each in listed] == [
        (line["line_id"], "2026-11-04", "2026-11-05", "senior")
    ]
    assert listed[0]["evidence"]["records"] == ["L-1"]
    assert found["alerts"][0]["severity"] == "RED"
    # Asked again it is the same, and nothing was written.
    assert credit(*words, CREDIT_NOW=LATER).json == found
    assert Ledger(home / "ledger").version == version
    # The day before it was recorded nobody knew.
    early = credit("monitor", "alerts", "--as-of", "2026-11-03", "--json", CREDIT_NOW=LATER).json["alerts"]
    assert "EW-LISTED" not in [each["rule"] for each in early]
    page = credit("monitor", "alerts", "--as-of", "2026-11-05", "--supplier", line["supplier_id"], CREDIT_NOW=LATER).out
    assert "RED EW-LISTED" in page and "listings L-1; happened 2026-11-03, known 2026-11-04" in page
    other = credit("monitor", "alerts", "--supplier", "NOBODY", "--json", CREDIT_NOW=LATER).json
    assert (other["lines"], other["alerts"]) == (0, [])
    # A line is not watched before it was accepted.
    assert credit("monitor", "alerts", "--as-of", "2026-11-01", "--json", CREDIT_NOW=LATER).json["lines"] == 0


def test_without_a_history_there_is_nothing_to_watch(empty):
    said = empty("monitor", "alerts")
    assert said.code == 1 and "no history" in said.err
