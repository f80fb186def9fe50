"""The cash account of every firm. Nothing else decides who defaults."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from data.simulator.arrays import Flags, Ints, running_total_by


class Purpose(StrEnum):
    """Why money moved."""

    BUYER = "payments of buyers"
    DRAW = "draws on credit"
    OTHER_BUSINESS = "private trade that the platform does not see"
    MATERIAL = "materials"
    OVERHEAD = "wages, rent and other overheads"
    OVERRUN = "wages for work that took longer than planned"
    RETURNED_ADVANCE = "advances that had to be given back"
    PRINCIPAL = "credit repaid"
    INTEREST = "interest"
    OWNER = "taken out by the owners"


class Accounts:
    """Cash by firm in fen. Below zero means wages and rent in arrears: the firm is out of money."""

    def __init__(self, opening: Ints) -> None:
        self.opening = opening.copy()
        self.cash = opening.copy()
        self.received = {purpose: np.zeros_like(opening) for purpose in Purpose}
        self.paid = {purpose: np.zeros_like(opening) for purpose in Purpose}

    def receive(self, firms: Ints, amounts: Ints, purpose: Purpose) -> None:
        """Money comes in; a firm may appear several times."""
        np.add.at(self.cash, firms, amounts)
        np.add.at(self.received[purpose], firms, amounts)

    def pay(self, firms: Ints, amounts: Ints, purpose: Purpose) -> None:
        """Money goes out; a firm may appear several times."""
        np.subtract.at(self.cash, firms, amounts)
        np.add.at(self.paid[purpose], firms, amounts)

    def settle(self, firms: Ints, signed: Ints, purpose: Purpose) -> None:
        """One amount a firm: in where it is positive, out where it is negative."""
        self.receive(firms, np.maximum(signed, 0), purpose)
        self.pay(firms, np.maximum(-signed, 0), purpose)

    def affords(self, firms: Ints, amounts: Ints) -> Flags:
        """Which of the bills each firm can pay from its cash, taken in the order given."""
        return running_total_by(firms, amounts) <= self.cash[firms]
