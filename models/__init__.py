"""From features to PD, grade and reasons: training, validation, registry and tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.pd_model import PdModel as PdModel
    from models.scorecard import Scorecard as Scorecard


def __getattr__(name: str) -> Any:
    """`models.PdModel` and `models.Scorecard`, loaded where they are used: a command that scores needs neither."""
    from importlib import import_module

    homes = {"PdModel": "models.pd_model", "Scorecard": "models.scorecard"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(homes[name]), name)
