"""The steps of a night, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credit.app.night import arrivals, computing, files, gate, keeping, report
from credit.app.night.run import Run


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is called and does. `do` writes into the folder that it is given and answers what it found.

    `after` is done once the step's folder is in its place; it can be done twice.
    """

    name: str
    says: str
    do: Callable[[Run, Path], dict[str, Any]]
    after: Callable[[Run], None] = lambda _: None


STEPS: tuple[Step, ...] = (
    Step("import", "what has arrived goes into the ledger", arrivals.take_in),
    Step(gate.INPUT_GATE, "what arrived is held against what is usual", gate.judge_inputs, arrivals.put_aside),
    Step(keeping.STEP, "payments are swept, ended lines closed", keeping.keep_book),
    Step(computing.FEATURES, "features of every supplier", computing.build_features),
    Step(computing.SCORES, "scores with reasons", computing.score),
    Step(computing.DECISIONS, "limits and indicative decisions", computing.decide),
    Step(gate.RESULT_GATE, "what came of it is held against what is usual", gate.judge_results),
    Step(keeping.ALERTS_STEP, "what went wrong on lines that stand", keeping.find_alerts, keeping.raise_alerts),
    Step(files.STEP, "a file for every bank", files.write_files),
    Step("monitoring", "what the night looked like, beside those before", report.write_report),
)
