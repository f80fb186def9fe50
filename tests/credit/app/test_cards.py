"""The template of the model card is what a training writes."""

from __future__ import annotations

import json

from models.cards import SECTIONS


def test_a_card_has_the_fields_of_the_template_and_no_others(demo_home):
    fields = [name for section in SECTIONS for name, _ in section.fields]
    assert len(set(fields)) == len(fields)
    for target in ("loan_default", "performance_breach"):
        card = json.loads((demo_home / "models" / f"{target}.platform" / "1" / "card.json").read_text())
        assert set(card) == set(fields)
