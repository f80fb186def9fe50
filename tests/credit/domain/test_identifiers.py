from __future__ import annotations

import pandas as pd
import pytest

from credit.domain.identifiers import ALPHABET, are_usccs

TRUE_ONES = ("91350100M000100Y43", "9144030071526726XG", "914403001922038216", "91330100799655058B")


def is_uscc(code: str) -> bool:
    return bool(are_usccs(pd.Series([code], dtype="str")).iloc[0])


@pytest.mark.parametrize("code", TRUE_ONES)
def test_a_true_code_is_valid(code):
    assert is_uscc(code)


@pytest.mark.parametrize("code", TRUE_ONES)
def test_any_other_check_digit_is_not(code):
    assert not any(is_uscc(code[:-1] + other) for other in ALPHABET if other != code[-1])


@pytest.mark.parametrize("code", TRUE_ONES)
def test_a_code_with_one_character_changed_is_not_valid(code):
    for place in range(len(code)):
        others = [c for c in ALPHABET if c != code[place]]
        assert not any(is_uscc(code[:place] + other + code[place + 1 :]) for other in others)


@pytest.mark.parametrize("code", ["", TRUE_ONES[0][:-1], TRUE_ONES[0] + "3", TRUE_ONES[0].lower(), "I" * 18])
def test_what_has_not_the_form_of_a_code_is_not_valid(code):
    assert not is_uscc(code)
