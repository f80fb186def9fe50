"""The catalogue: every feature there is, in the order of its columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from typing import Any

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

# Whether risk rises (1) or falls (-1) with a feature, or its effect may turn (0).
DIRECTIONS: dict[str, int] = {feature.name: int(feature.risk) for feature in CATALOGUE}


def names() -> list[str]:
    """Names of all features, in the order of their columns."""
    return [feature.name for feature in CATALOGUE]


def feature_named(name: str) -> Feature:
    """The feature of that name; raises KeyError."""
    for feature in CATALOGUE:
        if feature.name == name:
            return feature
    raise KeyError(name)


def _decides(feature: Feature) -> dict[str, Any]:
    """What of a feature decides its value; what it is called in words does not."""
    return {k: v for k, v in asdict(feature).items() if k not in ("meaning", "missing", "reason", "unit")}


def definition_hashes() -> dict[str, str]:
    """The beginning of a SHA-256 over each feature's own definition, by name: to say which one has changed."""
    return {
        f.name: hashlib.sha256(json.dumps(_decides(f), sort_keys=True).encode()).hexdigest()[:12] for f in CATALOGUE
    }


@cache
def catalogue_hash() -> str:
    """A SHA-256 over everything that decides a value; a model remembers the one it was trained on."""
    said = [
        [_decides(feature) for feature in CATALOGUE],
        [asdict(s) for s in SOURCES],
        RELATIONS,
        buyer_scores.scores_sql(),
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
