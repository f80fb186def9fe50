"""The report of a validation: one file, nothing fetched, nothing that a name could smuggle in."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from models.plots import Series, plot
from models.report import PLOTS, page
from models.validation import soundness
from models.validation.run import CHECKS, run

CARD = {"meaning": "90 days past due", "row": "draw", "use": "predictive", "as_of": "2026-10-31", "rows": 1_500}
BESIDE = {"ledger_version": 1, "by": "ann", "at": "2026-11-02T01:00:00"}


class Balanced(HTMLParser):
    """Refuses a tag that is closed in another order than it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "path", "circle", "line", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path", "circle", "line", "polyline"):
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def document(sound):
    quick = tuple(check for check in CHECKS if check.name not in ("seeds", "shuffled_labels", "monotone"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.validation.run.CHECKS", quick)
        return {**run(sound), **BESIDE}


def test_it_shows_every_check_with_threshold_source_and_verdict(document):
    text = page(document, CARD)
    for result in document["results"]:
        assert f'id="{result["check"]}"' in text and result["zh"] in text
    assert text.count("Source: ") == len(document["results"])
    assert "Passed" in text


def test_it_is_one_file_that_fetches_and_runs_nothing(document):
    text = page(document, CARD)
    assert "<script" not in text and "url(" not in text and "<link" not in text and "<img" not in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"] * text.count("<svg")
    assert text.count("<svg") == len([r for r in document["results"] if r["check"] in PLOTS and r["table"]])
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []


def test_what_it_is_told_is_text_and_never_markup(document):
    text = page({**document, "by": "<b>eve</b>"}, {**CARD, "meaning": "a < b & c"})
    assert "<b>eve" not in text and "&lt;b&gt;eve" in text and "a &lt; b &amp; c" in text


def test_a_version_that_did_not_pass_says_so_first(sound, monkeypatch):
    monkeypatch.setattr("models.validation.run.CHECKS", (soundness.risk_never_moves_against_a_direction,))
    served = replace(sound.served, card={**sound.served.card, "directions": {}})
    text = page({**run(replace(sound, served=served)), **BESIDE}, CARD)
    assert "Not passed" in text and "not applicable, and needed" in text


def test_a_plot_of_nothing_is_nothing():
    assert plot([Series("none", [])], x="a", y="b") == ""
