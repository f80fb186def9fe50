"""The quality gate of a night: what it read and found, held against what is usual, before anything is published.

Each check is one number about one thing (a feed, a table, a feature) that is better the smaller it is, or the larger.
From one threshold on it warns, from another it stops the night. Thresholds are dated parameters (`night.toml`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from credit.domain.errors import PolicyBroken
from credit.domain.policy.terms import Parameter

WARN, STOP = "warn", "stop"


class Verdict(IntEnum):
    """What a check comes to; a higher one is worse."""

    PASS = 0
    WARN = 1
    STOP = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it says when it fails, in both languages, and where to look."""

    name: str
    zh: str
    en: str
    look: str
    falls: bool = False


# What arrived, before anything is computed of it.
INPUT_CHECKS: tuple[Check, ...] = (
    Check(
        "feed_age_days",
        "数据源更新滞后（天）",
        "days since the last event of the feed",
        "the feed's own log: has it sent?",
    ),
    Check(
        "rows_share_low",
        "新增行数低于惯常",
        "new rows of a table against the usual night",
        "the files of that table in the inbox",
        falls=True,
    ),
    Check(
        "rows_share_high",
        "新增行数高于惯常",
        "new rows of a table against the usual night",
        "whether a history was sent again under new ids",
    ),
    Check(
        "quarantined_share",
        "隔离行占比",
        "share of the rows read that went to quarantine",
        "`credit ledger summary`, the first problems",
    ),
    Check(
        "duplicate_share",
        "重复行占比",
        "share of the rows read that were there already",
        "whether a file was sent twice",
    ),
    Check(
        "refused_files",
        "无法读取的文件数",
        "files that could not be read",
        "`credit nightly status`: which, and why",
    ),
)
# What came of it, before anything leaves the house.
RESULT_CHECKS: tuple[Check, ...] = (
    Check(
        "suppliers_lost_share",
        "供应商减少占比",
        "share of the last night's suppliers that are fewer",
        "merges and corrections of the last import",
    ),
    Check(
        "missing_share_rise",
        "特征缺失率上升",
        "rise of a feature's share of missing values",
        "the table that the feature reads: `credit features show NAME`",
    ),
    Check(
        "feature_psi",
        "特征稳定性指数",
        "stability index of a feature against the model's first night",
        "`credit features show NAME`",
    ),
    Check(
        "tenure_psi",
        "资历类特征稳定性指数",
        "stability index of a tenure against the model's first night",
        "whether old suppliers are missing; or train anew, the model has grown old",
    ),
    Check(
        "score_psi",
        "评分稳定性指数",
        "stability index of the score against the model's first night",
        "which features moved",
    ),
    Check(
        "unscorable_share_change",
        "不可评分占比变动",
        "change of the share of unscorable suppliers",
        "their codes, by night",
    ),
    Check(
        "approval_rate_change",
        "批准率变动",
        "change of the share of suppliers that are granted a line",
        "`credit policy diff`, and which features moved",
    ),
)
CHECKS = INPUT_CHECKS + RESULT_CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One check of one thing: what was measured, the thresholds, and the verdict."""

    check: str
    about: str
    value: float
    warn: float | None
    stop: float | None
    verdict: str
    zh: str
    en: str
    look: str


def judged(measured: Iterable[tuple[str, str, float | None]], terms: Mapping[str, Any]) -> list[Judged]:
    """What each measurement comes to, the worst first; of (check, about, value), without a value nothing is said.

    `terms` has the thresholds of the day: by check a table with `warn`, `stop`, or both.

    >>> found = judged([("refused_files", "all", 1.0)], {"refused_files": {"warn": 1}})
    >>> found[0].verdict, found[0].stop
    ('WARN', None)
    """
    checks = {check.name: check for check in CHECKS}
    found = []
    for name, about, value in measured:
        if value is None or math.isnan(value):
            continue
        check, limits = checks[name], terms[name]
        warn, stop = limits.get(WARN), limits.get(STOP)
        verdict = Verdict.PASS
        for limit, reached in ((warn, Verdict.WARN), (stop, Verdict.STOP)):
            if limit is not None and (value <= limit if check.falls else value >= limit):
                verdict = reached
        found.append(
            Judged(
                check=name,
                about=about,
                value=float(f"{value:.6g}"),
                warn=warn,
                stop=stop,
                verdict=verdict.name,
                zh=check.zh,
                en=check.en,
                look=check.look,
            )
        )
    order = [check.name for check in CHECKS]
    return sorted(found, key=lambda each: (-Verdict[each.verdict], order.index(each.check), each.about))


def refuse_incomplete(parameters: Mapping[str, Parameter], file: str) -> None:
    """Raise PolicyBroken where a check has no thresholds, or there are some that no check reads."""
    names = {check.name for check in CHECKS}
    for name in sorted(names - set(parameters)):
        raise PolicyBroken(f"{file}: parameter {name!r} is missing", hint="compare with the file that ships")
    for name in sorted(set(parameters) - names):
        raise PolicyBroken(
            f"{file}: no check of the night reads parameter {name!r}", hint="remove it, or mend its name"
        )
    for name, parameter in parameters.items():
        for dated in parameter.values:
            if not isinstance(dated.value, dict) or not dated.value or set(dated.value) - {WARN, STOP}:
                raise PolicyBroken(f"{file}: {name!r} says no thresholds", hint="value = { warn = …, stop = … }")
