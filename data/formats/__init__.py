"""The import formats, one file each."""

from __future__ import annotations

from credit.domain.errors import UnknownName
from data.formats.bank_feedback import BANK_FEEDBACK
from data.formats.format import Format
from data.formats.mapped import MAPPED
from data.formats.ocds import OCDS
from data.formats.platform import PLATFORM
from data.formats.vat_invoices import VAT_INVOICES

FORMATS: tuple[Format, ...] = (PLATFORM, OCDS, VAT_INVOICES, MAPPED, BANK_FEEDBACK)


def format_named(name: str) -> Format:
    """The format of that name; raises UnknownName with the choices."""
    for each in FORMATS:
        if each.name == name:
            return each
    raise UnknownName(f"there is no format {name!r}", hint="choose from " + ", ".join(f.name for f in FORMATS))
