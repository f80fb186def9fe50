"""The page of life-cycles: each drawn from the table that refuses everything else, the others said in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from credit.domain import account, draws, guarantee, line


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeCycle:
    """One table of moves, from `start`, which is nothing yet.

    `by_itself` is what a state becomes once its last day is over, without any event.
    """

    title: str
    says: str
    all: type[StrEnum]
    start: StrEnum | None
    moves: Mapping[tuple[Any, Any], tuple[StrEnum, ...]]
    by_itself: Mapping[Any, StrEnum] = field(default_factory=dict)

    @property
    def states(self) -> tuple[StrEnum, ...]:
        """What it can be, in the order of the enum, but for the start."""
        return tuple(each for each in self.all if each is not self.start)


LIFE_CYCLES: tuple[LifeCycle, ...] = (
    LifeCycle(
        title="Collection account 回款账户",
        says="The bank locks it and the buyer confirms it before a contract loan is drawn on. What is entered by hand "
        "follows the table; what a feed says happened is taken as said. Table: `MAY_FOLLOW` of "
        "[credit/domain/account.py](../credit/domain/account.py).",
        all=account.Account,
        start=None,
        moves={(at, step): (step,) for step, before in account.MAY_FOLLOW.items() for at in before},
    ),
    LifeCycle(
        title="Line 授信额度",
        says="A granted decision that was accepted. Only an active line is drawn on; what is drawn on a closed one is "
        "still repaid. Table: `MOVES` of [credit/domain/line.py](../credit/domain/line.py).",
        all=line.State,
        start=line.State.NONE,
        moves={move: (to,) for move, to in line.MOVES.items()},
        by_itself=line.AFTER_LAST_DAY,
    ),
    LifeCycle(
        title="Draw 提款",
        says="Reserved, then paid out or voided, once. One that was not paid out in its days (`pending_days` of "
        "`book.toml`) is paid out no more, and gives back what it holds when the line is next drawn on. A repayment "
        "pays fees, overdue interest, interest and principal, in the order of `waterfall_rank`; the last one settles. "
        "One that its bank took back is owed again. Table: `DRAW_MOVES` of "
        "[credit/domain/draws.py](../credit/domain/draws.py).",
        all=draws.DrawState,
        start=draws.DrawState.NONE,
        moves={move: (to,) for move, to in draws.DRAW_MOVES.items()},
    ),
    LifeCycle(
        title="Guarantee 保函",
        says="Where a move leads to several states, amounts and days say which: to nothing left (nil), to another "
        "demand still open, past the last day. A closure of the guarantor can give a lapsed guarantee days again "
        "(URDG 26). Table: `MOVES` of [credit/domain/guarantee.py](../credit/domain/guarantee.py).",
        all=guarantee.State,
        start=guarantee.State.NONE,
        moves=guarantee.MOVES,
        by_itself=guarantee.AFTER_LAST_DAY,
    ),
)

# What has no table: in one sentence what governs it, and the function that does.
SAID: tuple[tuple[str, str, str], ...] = (
    (
        "Consent 授权",
        "It holds from its grant until it is revoked or its last day is over. Nothing keeps its state: whoever uses "
        "the data asks the ledger on the day of use, so that a revocation binds at once. It names a bank and a "
        "purpose: `credit_line` and `guarantee` cover the score, its reasons and the advice on such a limit, `score` "
        "the score and its reasons alone. Any of them lets a sole trader be scored.",
        "data.facts.valid_consents",
    ),
    (
        "Application 申请",
        "It is part of the record of the decision that answers it, and has no life of its own.",
        "credit.app.deciding.decide_and_store",
    ),
    (
        "Decision 审批",
        "Approved, reduced, referred or declined, and never changed. A person's judgement supersedes it, once, and "
        "not where it became a line or a guarantee.",
        "credit.app.judging.judge",
    ),
    (
        "Offer 要约",
        "A decision that grants can be taken up until its last day, unless it was superseded or would not be granted "
        "today: it becomes a line or a guarantee.",
        "credit.app.granting.granted_today",
    ),
    (
        "Repayment 还款",
        "What a buyer pays into the locked account repays the contract's own draws, then what else of the supplier "
        "is due, the oldest first; the rest is the supplier's. Each payment is used once.",
        "credit.domain.draws.swept",
    ),
    (
        "Alert 预警",
        "Raised once, it may suspend its line at once; settled once, as confirmed, mitigated or false.",
        "data.book.alerts.Alerts",
    ),
)


_OVER = "its last day is over"


def page() -> str:
    """The page, in Markdown with Mermaid."""
    lines = [
        "# Life-cycles\n",
        "A state is never stored: it follows of the events, and what a table does not hold is refused. Where an arrow "
        f"says *{_OVER}*, the calendar moves it, without an event.\n",
        "Consent → application → decision → line → draw → repayment → close; guarantees beside it. "
        "[What has no table](#in-words) is said in words.",
    ]
    for cycle in LIFE_CYCLES:
        lines += [f"\n## {cycle.title}\n", f"{cycle.says}\n", *_drawn(cycle), "", *_table(cycle)]
    lines += ["\n### What answers a demand\n", "Each open demand of a guarantee that is demanded, by its standing:\n"]
    for standing, may in guarantee.ANSWERS.items():
        lines.append(f"- {_word(standing)}: {', '.join(_word(each) for each in may)}")
    lines.append("\n## In words\n")
    for title, says, function in SAID:
        module = "/".join(function.split(".")[:-1])
        lines.append(f"- **{title}.** {says} [`{function}`](../{module}.py)")
    return "\n".join(lines) + "\n"


def _drawn(cycle: LifeCycle) -> Iterator[str]:
    """The Mermaid drawing: arrows between the same two states are one."""
    arrows: dict[tuple[StrEnum, StrEnum], list[str]] = {}
    for (at, event), states in cycle.moves.items():
        for to in states:
            arrows.setdefault((at, to), []).append(_word(event))
    for at, to in cycle.by_itself.items():
        arrows.setdefault((at, to), []).append(_OVER)
    yield "```mermaid"
    yield "stateDiagram-v2"
    for (at, to), words in arrows.items():
        yield f"    {'[*]' if at is cycle.start else at.value} --> {to.value}: {', '.join(words)}"
    for state in cycle.states:
        if state not in {at for at, _ in cycle.moves}:
            yield f"    {state.value} --> [*]"
    yield "```"


def _table(cycle: LifeCycle) -> Iterator[str]:
    """The same as a table, for who cannot see the drawing."""
    yield "| is | happens | is then |"
    yield "| --- | --- | --- |"
    for (at, event), states in cycle.moves.items():
        yield f"| {_word(at)} | {_word(event)} | {' or '.join(_word(to) for to in states)} |"
    for at, to in cycle.by_itself.items():
        yield f"| {_word(at)} | *{_OVER}* | {_word(to)} |"


def _word(name: StrEnum | None) -> str:
    return name.value.lower().replace("_", " ") if name is not None else "none"
