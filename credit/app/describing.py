"""How the features were distributed at the last build, kept for whoever asks about one."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any

from credit.app.home import Home

if TYPE_CHECKING:
    import pandas as pd

LOOKED_AT = 100_000
SHARES = {"least": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "largest": 1.0}


def keep_spread(home: Home, frame: pd.DataFrame, as_of: date, tier: str) -> None:
    """Keep the quantiles and the share of missing values of each column: a row a supplier, a column a feature.

    Of very many suppliers every so many-th is looked at.
    """
    from data.durable import write_whole

    frame = frame.iloc[:: 1 + len(frame) // LOOKED_AT]
    quantiles = frame.quantile(list(SHARES.values())).set_axis(list(SHARES), axis=0).to_dict()
    missing = frame.isna().mean().to_dict()
    features = {
        name: {
            "suppliers": len(frame),
            "missing": f"{missing[name]:.1%}",
            **{key: None if math.isnan(value) else float(f"{value:.9g}") for key, value in quantiles[name].items()},
        }
        for name in map(str, frame)
    }
    document = {"as_of": str(as_of), "data": tier, "features": features}
    write_whole(home.root / "features" / "last.json", json.dumps(document, indent=1).encode())


def last_build(home: Home) -> dict[str, Any] | None:
    """What `keep_spread` kept; None before the first build."""
    from data.durable import json_of

    file = home.root / "features" / "last.json"
    found: dict[str, Any] | None = json_of(file.read_text(), file.name) if file.exists() else None
    return found
