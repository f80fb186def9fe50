"""The products."""

from __future__ import annotations

from credit.domain.products.bid_security import BID_SECURITY
from credit.domain.products.contract_loan import CONTRACT_LOAN
from credit.domain.products.guarantees import ADVANCE_PAYMENT_GUARANTEE, PERFORMANCE_GUARANTEE
from credit.domain.products.product import Product
from credit.domain.products.turnover_line import TURNOVER_LINE

__all__ = ["PRODUCTS", "Product", "product_named"]

PRODUCTS: tuple[Product, ...] = (
    TURNOVER_LINE,
    CONTRACT_LOAN,
    ADVANCE_PAYMENT_GUARANTEE,
    PERFORMANCE_GUARANTEE,
    BID_SECURITY,
)


def product_named(name: str) -> Product:
    """The product of that name; raises KeyError."""
    for each in PRODUCTS:
        if each.name == name:
            return each
    raise KeyError(name)
