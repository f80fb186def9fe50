"""The products."""

from __future__ import annotations

from credit.domain.products.guarantees import ADVANCE_PAYMENT_GUARANTEE, PERFORMANCE_GUARANTEE
from credit.domain.products.product import Product
from credit.domain.products.turnover_line import TURNOVER_LINE

__all__ = ["PRODUCTS", "Product", "product_named"]

PRODUCTS: tuple[Product, ...] = (TURNOVER_LINE, ADVANCE_PAYMENT_GUARANTEE, PERFORMANCE_GUARANTEE)


def product_named(name: str) -> Product:
    """The product of that name; raises KeyError."""
    for each in PRODUCTS:
        if each.name == name:
            return each
    raise KeyError(name)
