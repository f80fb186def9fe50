"""The catalogue: every feature there is, in the order of its columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from features import (
    buyer_scores,
    buyers,
    contracts,
    credit_behaviour,
    deliveries,
    firm,
    fulfilment,
    integrity,
    payments,
    purchases,
    question,
    sales,
)
from features.feature import Feature
from features.sources import RELATIONS, SOURCES

TOPICS = (
    sales,
    purchases,
    contracts,
    fulfilment,
    buyers,
    deliveries,
    payments,
    credit_behaviour,
    integrity,
    firm,
    question,
)

CATALOGUE: tuple[Feature, ...] = tuple(feature for topic in TOPICS for feature in topic.FEATURES)


def names() -> list[str]:
    """Names of all features, in the order of their columns."""
    return [feature.name for feature in CATALOGUE]


def feature_named(name: str) -> Feature:
    """The feature of that name; raises KeyError."""
    for feature in CATALOGUE:
        if feature.name == name:
            return feature
    raise KeyError(name)


def catalogue_hash() -> str:
    """A SHA-256 over everything that decides a value; a model remembers the one it was trained on."""
    said = [
        [{k: v for k, v in asdict(f).items() if k not in ("meaning", "missing", "reason", "unit")} for f in CATALOGUE],
        [asdict(s) for s in SOURCES],
        RELATIONS,
        buyer_scores.scores_sql(),
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
