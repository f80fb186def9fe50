"""The page of life-cycles draws what the code enforces: all of it, and nothing else."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from credit.app.lifecycles import LIFE_CYCLES, SAID
from credit.domain import account, draws, guarantee, line
from credit.domain.errors import CreditError

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "states.md").read_text("utf-8")


def account_moved(state, step):
    account.refuse_step("C1", state, step, moved_today=False)
    return step


MOVED = {
    account.Account: account_moved,
    line.State: line.moved,
    draws.DrawState: draws.moved,
    guarantee.State: guarantee.moved,
}

each_life_cycle = pytest.mark.parametrize("cycle", LIFE_CYCLES, ids=lambda cycle: cycle.title)


def drawn(cycle) -> str:
    section = PAGE.split(f"\n## {cycle.title}\n")[1]
    return re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", section, re.DOTALL)[1]


def events_of(cycle) -> type:
    return type(next(event for _, event in cycle.moves))


def word(name) -> str:
    return name.value.lower().replace("_", " ") if name else "none"


@each_life_cycle
def test_every_state_can_be_reached(cycle):
    reached, more = set(), {cycle.start}
    while more:
        reached |= more
        steps = {to for (at, _), states in cycle.moves.items() for to in states if at in reached}
        more = (steps | {to for at, to in cycle.by_itself.items() if at in reached}) - reached
    assert reached == {cycle.start, *cycle.states}


@each_life_cycle
def test_every_event_can_happen(cycle):
    assert {event for _, event in cycle.moves} == set(events_of(cycle))


@each_life_cycle
def test_the_drawing_read_back_is_the_table(cycle):
    arrows = re.findall(r"^    (\S+) --> (\S+): (.+)$", drawn(cycle), re.MULTILINE)
    said = {(at, to, each) for at, to, words in arrows for each in words.split(", ")}
    start = {cycle.start: "[*]"}
    known = {(start.get(at, at), to, word(event)) for (at, event), states in cycle.moves.items() for to in states}
    assert said == known | {(at, to, "its last day is over") for at, to in cycle.by_itself.items()}
    ends = set(re.findall(r"^    (\S+) --> \[\*\]$", drawn(cycle), re.MULTILINE))
    assert ends == set(cycle.states) - {at for at, _ in cycle.moves}


@each_life_cycle
def test_what_is_not_drawn_is_refused_with_what_may_be_done(cycle):
    moved = MOVED[cycle.all]
    for state in (cycle.start, *cycle.states):
        for event in events_of(cycle):
            if (state, event) in cycle.moves:
                assert moved(state, event) in (cycle.moves[state, event], *cycle.moves[state, event])
                continue
            with pytest.raises(CreditError, match=f"cannot be {event.value.lower()}") as found:
                moved(state, event)
            assert found.value.hint


@each_life_cycle
def test_the_table_below_the_drawing_has_a_row_a_move(cycle):
    section = PAGE.split(f"\n## {cycle.title}\n")[1].split("\n#")[0]
    assert section.count("\n| ") == 2 + len(cycle.moves) + len(cycle.by_itself)
    for (at, event), states in cycle.moves.items():
        assert f"| {word(at)} | {word(event)} | {' or '.join(word(to) for to in states)} |" in section


@pytest.mark.parametrize(("title", "says", "function"), SAID, ids=lambda x: x.split(" ")[0])
def test_what_is_said_in_words_names_a_function_that_is_there(title, says, function):
    module, name = function.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), name))
    assert f"**{title}.** {says}" in PAGE
