"""`vat-invoices`: VAT invoices that firms issued and received, as a bank exports them from the tax system."""

from __future__ import annotations

from data.formats.format import Format, Mapping, MoneyIn
from data.schema import INVOICES, NAMES, OUTCOMES, SUPPLIERS

_NEEDED = ("company", "invoice_no", "date", "counterparty", "amount", "tax", "total", "status")

# The list of companies carries no date: a firm counts as known from the first invoice in the same import on.
_FIRST_DAY = "(SELECT CAST(min(first_day) AS VARCHAR) FROM days_invoices)"
_LAST_DAY = "(SELECT CAST(max(last_day) AS VARCHAR) FROM days_invoices)"


def _invoices(direction: str, files: str) -> Mapping:
    return Mapping(
        table=INVOICES,
        files=files,
        needs=_NEEDED,
        money_in=MoneyIn.MAJOR,
        columns={
            "supplier_id": "company",
            "direction": f"'{direction}'",
            "invoice_no": "invoice_no",
            "issued_on": '"date"',
            "counterparty_id": "counterparty",
            "net_fen": "amount",
            "tax_fen": "tax",
            "total_fen": "total",
            "currency": "'CNY'",
            # A few statuses carry a leading blank. An unknown status stays as it is and goes to quarantine.
            "status": "CASE trim(status) WHEN '有效发票' THEN 'VALID' WHEN '作废发票' THEN 'VOIDED' ELSE status END",
        },
    )


VAT_INVOICES = Format(
    name="vat-invoices",
    meaning="VAT invoices of firms, issued and received, with an optional list of companies and labels.",
    tier="invoice",
    lag_days=0,
    mappings=(
        _invoices("ISSUED", r".*output_invoices.*\.(csv|parquet)"),
        _invoices("RECEIVED", r".*input_invoices.*\.(csv|parquet)"),
        Mapping(
            table=SUPPLIERS,
            files=r".*companies.*\.(csv|parquet)",
            needs=("company", "name"),
            columns={"supplier_id": "company", "effective_on": _FIRST_DAY, "tier": "'invoice'"},
            beside=(INVOICES,),
        ),
        Mapping(
            table=NAMES,
            files=r".*companies.*\.(csv|parquet)",
            needs=("company", "name"),
            columns={"supplier_id": "company", "effective_on": _FIRST_DAY, "name": "name"},
            beside=(INVOICES,),
        ),
        Mapping(
            table=OUTCOMES,
            files=r".*companies.*\.(csv|parquet)",
            needs=("company",),
            optional=("default",),
            # Rows without the label column are firms whose outcome nobody knows. The rating is never read: it was
            # given with the outcome in view.
            where='"default" IS NOT NULL',
            columns={
                "outcome_id": "company || '/loan_default'",
                "target": "'loan_default'",
                "supplier_id": "company",
                "happened": "CASE trim(\"default\") WHEN '是' THEN 'true' WHEN '否' THEN 'false' ELSE \"default\" END",
                "recorded_at": _LAST_DAY,
            },
            beside=(INVOICES,),
        ),
    ),
    page=(
        "A folder with `*output_invoices*` (issued to customers), `*input_invoices*` (received) and `*companies*` "
        "files. Amounts are in yuan and may be floats: one within 1e-4 of a whole fen is taken as that fen, any other "
        "goes to quarantine. Voided invoices are kept and never counted; the source shows only the final state, so an "
        "invoice that was voided later counts as voided from its date on. A negative amount is a red-letter reversal "
        "and nets the sums; where total differs from amount plus tax, all three are kept as they stand. Rows equal in "
        "every column are one invoice; the number alone is not a key, some issuers reuse it. An invoice counts as "
        "known on its own date (lag 0 days). Labels (`default`: 是 or 否) go to `outcomes`. Companies and labels carry "
        "no date: they count as known from the first and the last day of the invoices beside them, so import a folder "
        "whole."
    ),
    sample=(
        "# output_invoices.csv\n"
        "company,invoice_no,date,counterparty,amount,tax,total,status\n"
        "E1,11459356,2017-08-04,B03711,9401.71,1598.29,11000.00,有效发票\n"
    ),
)
