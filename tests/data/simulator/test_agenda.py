"""What is noted down for a day comes up on that day, once."""

from __future__ import annotations

import numpy as np

from data.simulator.agenda import Agenda
from data.simulator.arrays import running_total_by


def test_things_come_up_on_their_day_and_only_once():
    agenda = Agenda()
    agenda.put(np.array([1, 2, 3]), np.array([20, 10, 20]))
    agenda.put(np.array([4]), np.array([20]))
    assert agenda.take(10).tolist() == [2]
    assert agenda.take(20).tolist() == [1, 3, 4]
    assert agenda.take(20).tolist() == []


def test_an_empty_note_changes_nothing():
    agenda = Agenda()
    agenda.put(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
    assert agenda.take(1).tolist() == []


def test_running_totals_are_kept_apart_and_in_order():
    groups = np.array([2, 1, 2, 1, 2])
    assert running_total_by(groups, np.array([1, 10, 2, 20, 3])).tolist() == [1, 10, 3, 30, 6]


def test_a_running_total_of_nothing_is_nothing():
    nothing = np.array([], dtype=np.int64)
    assert running_total_by(nothing, nothing).tolist() == []
