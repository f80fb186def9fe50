"""Read a model's files strictly: LightGBM's own text and plain JSON, and nothing in them that we did not write.

Nothing is unpickled, imported or evaluated; what is not known is refused rather than passed over.
"""

from __future__ import annotations

import json
from typing import Any

from credit.domain.errors import StoreDamaged
from models.scorer import Scorer

# What the head of a booster's text says; the objective is the only one that we train.
HEAD = (
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "monotone_constraints",
    "feature_infos",
    "tree_sizes",
)
SAYS = {"num_class": "1", "num_tree_per_iteration": "1", "objective": "binary sigmoid:1"}
_HINT = "restore the file from a backup, or train the model again"


def scorer_of(said: Any, booster: str, *, where: str) -> Scorer:
    """The scorer that was written as this. Raises StoreDamaged naming what is not as we write it."""
    try:
        scorer = Scorer.of(said, booster)
        again = json.loads(json.dumps(scorer.said()))
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        raise StoreDamaged(f"{where}: what it says of the model is not what we write ({broken})", hint=_HINT) from None
    if again != said:
        odd = sorted(set(said) - set(again)) or [name for name in again if again[name] != said.get(name)]
        raise StoreDamaged(f"{where}: unknown entries in {', '.join(map(repr, odd))}", hint=_HINT)
    if booster or scorer.mix.trees:
        _refuse_foreign(booster, len(scorer.columns), where)
    return scorer


def _refuse_foreign(booster: str, columns: int, where: str) -> None:
    """Raise StoreDamaged for a text that is not a booster of LightGBM for so many columns."""
    first, _, rest = booster.partition("\n")
    lines = rest.partition("\n\n")[0].splitlines()
    head = dict(line.partition("=")[::2] for line in lines)
    if first != "tree" or not head.get("version", "").startswith("v") or "\nend of trees\n" not in booster:
        raise StoreDamaged(f"{where}: the trees are not LightGBM's text", hint=_HINT)
    for name in head:
        if name not in HEAD:
            raise StoreDamaged(f"{where}: the trees say {name!r}, which no booster of ours does", hint=_HINT)
    for name, wanted in (*SAYS.items(), ("max_feature_idx", str(columns - 1))):
        if head.get(name) != wanted:
            raise StoreDamaged(f"{where}: the trees say {name}={head.get(name)}, not {wanted}", hint=_HINT)
