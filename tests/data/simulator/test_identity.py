"""Identifiers of simulated firms pass the checks that real ones pass."""

from __future__ import annotations

import numpy as np
import pytest

from data.simulator.identity import usccs

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
REAL = ["91350100M000100Y43", "9144030071526726XG", "914403001922038216", "91330100799655058B"]


def last_character(code: str) -> str:
    """GB 32100-2015."""
    total = sum(ALPHABET.index(sign) * pow(3, place, 31) for place, sign in enumerate(code[:17]))
    return ALPHABET[(31 - total % 31) % 31]


def ninth_of_organisation_code(code: str) -> str:
    """GB 11714."""
    check = 11 - sum(int(sign, 36) * w for sign, w in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def simulated(count: int) -> list[str]:
    serial = np.arange(1, count + 1)
    return usccs(serial, np.full(count, 331127), 1 + serial % 3).to_pylist()


@pytest.mark.parametrize("code", [*REAL, *simulated(200)])
def test_both_check_characters_hold(code):
    assert code[17] == last_character(code)
    assert code[16] == ninth_of_organisation_code(code)


def test_no_two_firms_share_a_code():
    codes = simulated(100_000)
    assert len(set(codes)) == len(codes)


def test_a_code_names_registrar_kind_of_firm_and_county():
    assert {code[:8] for code in simulated(3)} == {"91331127", "92331127", "93331127"}
