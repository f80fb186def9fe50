from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.book_machine import BookMachine


def test_the_book_does_what_a_model_of_dictionaries_does(store):
    machine = type("Sampled", (BookMachine,), {"store": store})
    few = settings(max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
