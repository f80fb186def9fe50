"""Stored scores: one Parquet file a run, with what it stood on beside it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from credit.domain.errors import StoreDamaged
from data.durable import json_of, write_whole


@dataclass(frozen=True, slots=True)
class StoredScores:
    """A kept run: the scores by supplier_id, and the model, ledger version and time they stand on."""

    tier: str
    as_of: date
    frame: pd.DataFrame
    facts: dict[str, Any]


def keep(root: Path, tier: str, as_of: date, frame: pd.DataFrame, facts: dict[str, Any]) -> Path:
    """Keep a run; another run of the same day replaces it. The scores' own file goes last."""
    folder = root / f"as_of={as_of}"
    write_whole(folder / f"{tier}.json", json.dumps(facts, indent=1, sort_keys=True).encode() + b"\n")
    buffer = io.BytesIO()
    frame.reset_index().to_parquet(buffer, index=False)
    file = folder / f"{tier}.parquet"
    write_whole(file, buffer.getvalue())
    return file


def latest(root: Path, tier: str) -> StoredScores | None:
    """The run of a kind of data that was made last, or None."""
    found = [
        (json_of(f.with_suffix(".json").read_text(), f"{f.parent.name}/{tier}.json of the kept scores"), f)
        for f in root.glob(f"as_of=*/{tier}.parquet")
    ]
    if not found:
        return None
    facts, file = max(found, key=lambda run: (run[0]["scored_at"], run[1].parent.name))
    as_of = date.fromisoformat(file.parent.name.removeprefix("as_of="))
    try:
        frame = pd.read_parquet(file).set_index("supplier_id")
    except (OSError, ValueError, KeyError) as broken:
        raise StoreDamaged(
            f"{file.parent.name}/{file.name} of the kept scores cannot be read", hint="`credit score run` makes it anew"
        ) from broken
    return StoredScores(tier, as_of, frame, facts)
