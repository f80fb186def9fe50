"""The models that serve: what is refused on the way in, and who may decide which one decides."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit.domain.errors import ModelMismatch, NoModel, PromotionRefused, StoreDamaged
from features.catalogue import catalogue_hash, definition_hashes
from models.registry import Registry

NAME = "loan_default.platform"
AT = "2026-11-02T01:00:00"


@pytest.fixture
def registry(tmp_path: Path, sound: Any) -> Registry:
    """Three versions by Ann, none validated."""
    registry = Registry(tmp_path / "models")
    card = {"author": "ann", "catalogue_sha256": catalogue_hash(), "definitions": definition_hashes(), "dated": True}
    for version in (1, 2, 3):
        registry.add(NAME, version, sound.served.model, card, ["E1"], sound.taught)
    return registry


def validated(registry: Registry, version: int, *, passed: bool = True) -> None:
    results = [] if passed else [{"check": "auc", "failed": True}]
    model = registry.load(NAME, version).label
    registry.keep_validation(NAME, version, {"model": model, "passed": passed, "results": results}, "<html>")


def hashed_anew(registry: Registry) -> None:
    """Make the card of version 1 say what its files now are, as who altered them on purpose would."""
    folder = registry.root / NAME / "1"
    texts = [(folder / file).read_text() for file in ("model.lgb", "model.json")]
    card = json.loads((folder / "card.json").read_text())
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    (folder / "card.json").write_text(json.dumps({**card, "model_sha256": digest}))


def promoted(registry: Registry, version: int, *, at: str = AT, who: str = "bob") -> dict[str, Any]:
    return registry.promote(NAME, version, at=at, who=who, why="better")


# -- who may approve ---------------------------------------------------------------------------------------------------


def test_a_version_that_was_never_validated_is_not_promoted(registry):
    with pytest.raises(PromotionRefused, match="never validated") as refused:
        promoted(registry, 1)
    assert "credit model validate" in refused.value.hint and refused.value.exit == 6


def test_a_version_that_did_not_pass_is_not_promoted_though_it_once_did(registry):
    validated(registry, 1)
    validated(registry, 1, passed=False)
    with pytest.raises(PromotionRefused, match="did not pass validation 2: auc"):
        promoted(registry, 1)


def test_its_author_cannot_approve_a_version_and_another_person_can(registry):
    validated(registry, 1)
    with pytest.raises(PromotionRefused, match="ann cannot approve"):
        promoted(registry, 1, who="ann")
    entry = promoted(registry, 1, who="bob")
    assert (entry["who"], entry["from"], entry["to"], entry["move"]) == ("bob", None, 1, "promotion")
    assert entry["validation"] == {"number": 1, "sha256": registry.last_validation(NAME, 1)["sha256"]}


def test_a_version_without_a_known_author_is_not_promoted(registry, sound):
    registry.add(NAME, 4, sound.served.model, {"catalogue_sha256": catalogue_hash()}, [], sound.taught)
    validated(registry, 4)
    with pytest.raises(PromotionRefused, match="nobody who is known"):
        promoted(registry, 4)


def test_a_version_that_was_altered_after_its_validation_is_not_promoted(registry):
    validated(registry, 1)
    card = registry.root / NAME / "1" / "card.json"
    card.write_text(card.read_text().replace('"ann"', '"eve"'))
    with pytest.raises(PromotionRefused, match="altered"):
        promoted(registry, 1, who="ann")


@pytest.mark.parametrize("file", ["model.json", "model.lgb"])
def test_a_model_that_is_not_what_its_training_wrote_is_not_even_loaded(registry, file):
    path = registry.root / NAME / "1" / file
    path.write_text(path.read_text().replace("0.1", "0.2", 1))
    with pytest.raises(StoreDamaged, match="not the model that its training wrote") as refused:
        registry.load(NAME, 1)
    assert refused.value.exit == 6


@pytest.mark.parametrize("content", [b"[]", b"\xff\xfe", b"{"])
def test_a_card_that_is_no_card_is_damaged(registry, content):
    (registry.root / NAME / "1" / "card.json").write_bytes(content)
    with pytest.raises(StoreDamaged):
        registry.load(NAME, 1)


def test_a_move_is_never_written_before_the_last_one_nor_without_a_reason(registry):
    validated(registry, 1)
    promoted(registry, 1, at="2026-11-02T09:00:00")
    with pytest.raises(PromotionRefused, match="last move"):
        promoted(registry, 1, at="2026-11-01T09:00:00")
    with pytest.raises(PromotionRefused, match="says why"):
        registry.promote(NAME, 1, at="2026-11-03T09:00:00", who="bob", why=" ")
    (registry.root / NAME / "history.jsonl").write_text('{"x": 1}\n')
    with pytest.raises(StoreDamaged, match="no promotion wrote"):
        registry.history(NAME)


# -- the history -------------------------------------------------------------------------------------------------------


def test_what_a_promotion_superseded_is_told_for_as_long_as_is_asked(registry):
    for version in (1, 2, 3):
        validated(registry, version)
    assert registry.superseded(NAME, since="2026-01-01") is None
    promoted(registry, 1, at="2026-09-01T00:00:00")
    assert registry.superseded(NAME, since="2026-01-01") is None
    promoted(registry, 2, at="2026-10-01T00:00:00")
    assert registry.superseded(NAME, since="2026-10-01T00:00:00").version == 1
    assert registry.superseded(NAME, since="2026-10-01T00:00:01") is None
    # Promoted once more, it is no other model.
    promoted(registry, 2, at="2026-10-05T00:00:00")
    assert registry.superseded(NAME, since="2026-10-01T00:00:01") is None
    promoted(registry, 3, at="2026-11-01T00:00:00")
    assert registry.superseded(NAME, since="2026-01-01").version == 2


def test_what_was_rolled_back_runs_beside_nothing(registry):
    for version in (1, 2, 3):
        validated(registry, version)
        promoted(registry, version)
    registry.rollback(NAME, at=AT, who="ann", why="it fails")
    assert registry.superseded(NAME, since="2026-01-01") is None
    # What takes the place of the version that it went back to supersedes that, not what had failed.
    promoted(registry, 1)
    assert registry.superseded(NAME, since="2026-01-01").version == 2


def test_a_superseded_model_that_was_altered_is_not_served(registry):
    for version in (1, 2):
        validated(registry, version)
        promoted(registry, version)
    card = registry.root / NAME / "1" / "card.json"
    card.write_text(card.read_text().replace('"ann"', '"eve"'))
    with pytest.raises(StoreDamaged, match="altered"):
        registry.superseded(NAME, since="2026-01-01")


def test_a_rollback_goes_back_to_the_version_before_as_often_as_there_is_one(registry):
    for version in (1, 2, 3):
        validated(registry, version)
        promoted(registry, version)
    promoted(registry, 3)
    moves = [registry.rollback(NAME, at=AT, who="ann", why="it fails") for _ in range(2)]
    assert [(m["from"], m["to"], m["move"]) for m in moves] == [(3, 2, "rollback"), (2, 1, "rollback")]
    assert registry.champion(NAME).version == 1
    with pytest.raises(NoModel, match="before"):
        registry.rollback(NAME, at=AT, who="ann", why="again")
    promoted(registry, 3)
    assert registry.before(NAME).version == 1


def test_the_history_says_who_decided_on_a_day_and_who_took_over_within_it(registry):
    for version, at in ((1, "2026-11-01T09:00:00"), (2, "2026-11-02T09:00:00")):
        validated(registry, version)
        promoted(registry, version, at=at)

    def between(since: str, until: str) -> list[int]:
        return [move["version"] for move in registry.champions(NAME, since=since, until=until)]

    assert between("2026-10-31T16:00:00", "2026-11-01T09:00:00") == []
    assert between("2026-10-31T16:00:00", "2026-11-01T16:00:00") == [1]
    assert between("2026-11-01T16:00:00", "2026-11-02T16:00:00") == [1, 2]
    assert between("2026-11-02T16:00:00", "2026-11-03T16:00:00") == [2]


def test_a_line_of_an_older_history_still_says_who_is_champion(registry):
    served = registry.load(NAME, 1)
    line = {"at": AT, "who": "demo", "why": "x", "from": None, "to": 1, "sha256": served.sha256}
    (registry.root / NAME / "history.jsonl").write_text(json.dumps(line) + "\n")
    assert registry.champion(NAME).version == 1
    validated(registry, 2)
    promoted(registry, 2)
    assert registry.before(NAME).version == 1


# -- what is loaded ----------------------------------------------------------------------------------------------------


def test_a_version_loads_as_it_was_kept(registry, sound):
    again = registry.load(NAME, 1)
    few = sound.frame.head(20)
    assert (again.model.probabilities(few) == sound.served.model.probabilities(few)).all()
    held = registry.held(again)
    pd.testing.assert_frame_equal(held, sound.taught, check_dtype=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rest: rest | {"hook": "import os"}, "unknown entries in 'hook'"),
        (lambda rest: rest | {"mix": rest["mix"] | {"more": 1}}, "not what we write"),
        (lambda rest: {k: v for k, v in rest.items() if k != "levels"}, "not what we write"),
        (lambda rest: [rest], "not what we write"),
    ],
)
def test_a_model_file_with_what_we_do_not_write_is_refused(registry, change, said):
    file = registry.root / NAME / "1" / "model.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    hashed_anew(registry)
    with pytest.raises(StoreDamaged, match=said):
        registry.load(NAME, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tree\n", "cos\nsystem\n", "not LightGBM's text"),
        ("\nend of trees\n", "\nend\n", "not LightGBM's text"),
        ("objective=binary sigmoid:1", "objective=custom", "objective=custom"),
        ("max_feature_idx=2", "max_feature_idx=1", "max_feature_idx=1"),
        ("label_index=0", "label_index=0\nforced=/etc/passwd", "'forced'"),
    ],
)
def test_a_booster_that_is_not_ours_is_refused(registry, old, new, said):
    file = registry.root / NAME / "1" / "model.lgb"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    hashed_anew(registry)
    with pytest.raises(StoreDamaged, match=said):
        registry.load(NAME, 1)


def test_rows_that_taught_a_version_are_refused_once_they_were_altered(registry, sound):
    served = registry.load(NAME, 1)
    sound.taught.assign(score=0.5).to_parquet(registry.root / NAME / "1" / "held.parquet", index=False)
    with pytest.raises(StoreDamaged, match=r"held\.parquet"):
        registry.held(served)


# -- what is scored ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="paid"), "missing: paid"),
        (lambda f: f[["paid", "late", "noise"]], "column 1 is paid, not late"),
        (lambda f: f.assign(late="5"), "no number: late"),
    ],
)
def test_a_frame_whose_names_order_or_types_differ_is_refused_with_the_difference(registry, sound, change, said):
    with pytest.raises(ModelMismatch, match=said):
        registry.load(NAME, 1).inputs(change(sound.frame))


def test_a_frame_with_more_columns_gives_the_models_own(registry, sound):
    frame = registry.load(NAME, 1).inputs(sound.frame.assign(more=1))
    assert list(frame.columns) == ["late", "paid", "noise"]


def test_a_catalogue_that_differs_is_refused_with_the_features_that_do(registry, sound, monkeypatch):
    served = registry.load(NAME, 1)
    now = definition_hashes()
    gone, changed = list(now)[:2]
    monkeypatch.setattr("models.registry.catalogue_hash", lambda: "0" * 64)
    monkeypatch.setattr(
        "models.registry.definition_hashes",
        lambda: {name: "0" if name == changed else digest for name, digest in now.items() if name != gone} | {"x": "1"},
    )
    with pytest.raises(ModelMismatch, match=f"gone: {gone}; new: x; defined anew: {changed}"):
        served.inputs(sound.frame)
