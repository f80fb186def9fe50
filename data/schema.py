"""The tables of the ledger: what each row says, when it happened, and how it is told apart from its twin.

Every table is an append-only list of events. Each row carries

* its own `*_on` columns: when it happened (the one named by `Table.on` places it in time),
* `recorded_at`: when it could be known, as the source says it, UTC,
* `record_id`: the source's own id of this row, or its content hash where the source gives none,
* `replaces`: the `record_id` of the row that this one corrects, else empty.

Money is integer fen beside `currency`. The formats, the importer, the published platform schema and the simulator
all read these definitions; nothing about a table is said twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Beyond these a value is a slip of the keyboard, not a date or an amount: 1949 to 2100, ten trillion yuan.
FIRST_YEAR, LAST_YEAR = 1949, 2100
LARGEST_FEN = 10**15
CURRENCY_CODE = "[A-Z]{3}"


class Kind(StrEnum):
    """What a column may hold; the value is its type in DuckDB."""

    TEXT = "VARCHAR"
    DATE = "DATE"
    MOMENT = "TIMESTAMP"
    FEN = "BIGINT"
    WHOLE = "INTEGER"
    FLAG = "BOOLEAN"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it may hold, one sentence, and what a row without it means."""

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    choices: tuple[str, ...] = ()
    at_least: int | None = None

    @property
    def is_currency(self) -> bool:
        """Whether it names a currency, in whose minor units the row's amounts are."""
        return self.name == "currency"

    @property
    def is_id(self) -> bool:
        """Whether it names something: a supplier, a contract, a row."""
        return self.kind is Kind.TEXT and self.name.endswith("_id")


@dataclass(frozen=True, slots=True)
class Table:
    """One event table. `key` is the column that names a row in the source, `on` the date that places it in time.

    `standing` are columns of which, where no single one is the key, no two rows that stand may hold the same.
    """

    name: str
    meaning: str
    on: str
    columns: tuple[Column, ...]
    key: str | None = None
    standing: tuple[str, ...] = ()
    personal: bool = False
    label: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order, without the ledger's own."""
        return tuple(c.name for c in self.columns)

    @property
    def unique(self) -> tuple[str, ...]:
        """The columns that no two rows share unless one corrects the other; none where content alone tells apart."""
        return (self.key,) if self.key else self.standing

    @property
    def readable(self) -> bool:
        """Whether the door shows it: it holds neither labels nor personal data."""
        return not (self.label or self.personal)

    @property
    def has_supplier(self) -> bool:
        """Whether its rows are about a supplier."""
        return "supplier_id" in self.names

    @property
    def lies_by(self) -> str:
        """The column whose rows lie together in the ledger's files."""
        return "supplier_id" if self.has_supplier else self.on


def text(name: str, meaning: str, *, required: bool = True, choices: tuple[str, ...] = ()) -> Column:
    """A text column; `choices` closes the set."""
    return Column(name, Kind.TEXT, meaning, required, choices)


def date(name: str, meaning: str, *, required: bool = True) -> Column:
    """A calendar date."""
    return Column(name, Kind.DATE, meaning, required)


def fen(name: str, meaning: str, *, required: bool = True, at_least: int | None = 0) -> Column:
    """An amount in fen; never negative unless `at_least` is None."""
    return Column(name, Kind.FEN, meaning, required, at_least=at_least)


def whole(name: str, meaning: str, *, required: bool = True, at_least: int | None = 0) -> Column:
    """A count or a number of days."""
    return Column(name, Kind.WHOLE, meaning, required, at_least=at_least)


CURRENCY = text("currency", "ISO 4217 code of the amounts in this row; XXX where the source names none")
SUPPLIER = text("supplier_id", "the supplier's id on the platform")
BUYER = text("buyer_id", "the buyer's id on the platform")
KNOWN_BUYER = text("buyer_id", "the buyer's id on the platform; empty where the source gives none", required=False)
CONTRACT = text("contract_id", "the contract's id on the platform")

# What the ledger adds to every row. The first three may come from the source, the rest never does.
RECORDED = Column("recorded_at", Kind.MOMENT, "when the platform recorded the row, UTC", required=False)
RECORD_ID = text("record_id", "the source's id of this row; empty where that is its key", required=False)
REPLACES = text("replaces", "the record_id of the row that this one corrects", required=False)
SOURCE_COLUMNS = (RECORD_ID, REPLACES, RECORDED)
SUPERSEDED = Column("superseded_at", Kind.MOMENT, "when a row that was imported before it takes its place, UTC")
LOADED = Column("loaded_at", Kind.MOMENT, "when the row was imported, UTC; nothing reads it")
OWN_COLUMNS = (*SOURCE_COLUMNS, SUPERSEDED, LOADED)

SUPPLIERS = Table(
    "suppliers",
    "A supplier as it registered, and again each time its registration changes.",
    on="effective_on",
    standing=("supplier_id", "tier", "effective_on"),
    columns=(
        SUPPLIER,
        date("effective_on", "from when this registration holds"),
        text("tier", "the kind of data the supplier is known by", choices=("platform", "invoice")),
        text("uscc", "unified social credit code, 18 characters", required=False),
        date("founded_on", "when the firm was founded", required=False),
        text("region", "six-digit code of the county it is registered in", required=False),
        text(
            "size_class",
            "size by the 2011 standard",
            required=False,
            choices=("MICRO", "SMALL", "MEDIUM", "LARGE"),
        ),
        text("industry", "industry of the 2011 size standard", required=False),
        text("legal_form", "legal form", required=False, choices=("COMPANY", "SOLE_TRADER", "FARM_COOP")),
    ),
)

BUYERS = Table(
    "buyers",
    "A buyer as it registered.",
    on="effective_on",
    standing=("buyer_id", "effective_on"),
    columns=(
        BUYER,
        date("effective_on", "from when this registration holds"),
        text("region", "six-digit code of its county", required=False),
        text("level", "budget level", required=False, choices=("PROVINCE", "CITY", "COUNTY")),
    ),
)

RELATIONS = Table(
    "relations",
    "A tie of a supplier to another firm or to a person, from when it began or to when it ended.",
    on="happened_on",
    key="relation_event_id",
    columns=(
        text("relation_event_id", "the event's id"),
        SUPPLIER,
        text(
            "related_id", "the other firm's id, or a token that stands for a person; never a name or a personal number"
        ),
        text(
            "tie",
            "what the other is to the supplier; the first two make one group of firms",
            choices=("CONTROLLER", "LEGAL_REPRESENTATIVE", "SHAREHOLDER", "GUARANTOR"),
        ),
        date("happened_on", "date of the event"),
        text("kind", "began or ended", choices=("BEGAN", "ENDED")),
    ),
)
# The SQL list of the ties by which firms count as one: controlled together, or under one responsible person.
GROUP_TIES = "('CONTROLLER', 'LEGAL_REPRESENTATIVE')"

MERGES = Table(
    "merges",
    "Two ids that turned out to be one supplier, or one that turned out to be two. Never by name.",
    on="happened_on",
    key="merge_event_id",
    columns=(
        text("merge_event_id", "the event's id"),
        text("supplier_id", "the id under which the supplier goes on"),
        text("merged_id", "the other id of the same supplier"),
        date("happened_on", "date of the event"),
        text("kind", "found to be one, or parted again", choices=("MERGED", "PARTED")),
    ),
)

PROGRAMMES = Table(
    "programmes",
    "A supplier's membership in a regional or industrial programme. Prices and reports read it, scores never.",
    on="happened_on",
    key="programme_event_id",
    columns=(
        text("programme_event_id", "the event's id"),
        SUPPLIER,
        text(
            "programme",
            "which programme",
            choices=("RURAL_HALL", "GREEN_PRODUCT", "FIRST_SET", "INDUSTRY_HALL", "SPECIALISED_NEW"),
        ),
        date("happened_on", "date of the event"),
        text("kind", "joined or left", choices=("JOINED", "LEFT")),
        date("valid_to", "last day it holds; empty until it is left", required=False),
    ),
)

AWARDS = Table(
    "awards",
    "An award: who won what, before and beside the contract that follows from it.",
    on="awarded_on",
    key="award_id",
    columns=(
        text("award_id", "the award's id"),
        SUPPLIER,
        date("awarded_on", "date of the award notice"),
        KNOWN_BUYER,
        fen("amount_fen", "amount awarded", required=False),
        CURRENCY,
    ),
)

CONTRACTS = Table(
    "contracts",
    "A contract as it was signed.",
    on="signed_on",
    key="contract_id",
    columns=(
        CONTRACT,
        SUPPLIER,
        KNOWN_BUYER,
        date("awarded_on", "date of the award notice", required=False),
        date("signed_on", "date of signature"),
        text(
            "channel",
            "how it was bought",
            required=False,
            choices=("PROJECT", "EMALL", "ESTORE", "FRAMEWORK", "RURAL_HALL"),
        ),
        text("category", "kind of purchase", required=False, choices=("GOODS", "SERVICES", "WORKS")),
        text("region", "six-digit code of the county it is performed in", required=False),
        fen("amount_fen", "contract amount"),
        fen("advance_fen", "advance agreed in the contract; 0 where none, empty where unknown", required=False),
        fen("retention_fen", "retention money agreed; 0 where none, empty where unknown", required=False),
        CURRENCY,
        date("planned_acceptance_on", "planned date of the last acceptance", required=False),
    ),
)

AMENDMENTS = Table(
    "amendments",
    "A change to a contract, or its end.",
    on="amended_on",
    key="amendment_id",
    columns=(
        text("amendment_id", "the amendment's id"),
        CONTRACT,
        SUPPLIER,
        date("amended_on", "when it was agreed or took effect"),
        text(
            "kind",
            "what it does; ENDED where the source does not say how the contract ended, OTHER where not what changed",
            choices=("VALUE", "DATE", "OTHER", "COMPLETED", "TERMINATED", "ENDED"),
        ),
        text("fault", "whose fault a termination was", choices=("SUPPLIER", "BUYER", "NONE")),
        fen("change_fen", "change of the contract amount, negative for a cut", at_least=None),
        CURRENCY,
    ),
)
# The SQL list of the kinds that end a contract; one that has none of these is open.
CONTRACT_ENDS = "('COMPLETED', 'TERMINATED', 'ENDED')"

DELIVERIES = Table(
    "deliveries",
    "A delivery under a contract.",
    on="delivered_on",
    key="delivery_id",
    columns=(
        text("delivery_id", "the delivery's id"),
        CONTRACT,
        SUPPLIER,
        KNOWN_BUYER,
        date("due_on", "when the contract asked for it", required=False),
        date("delivered_on", "when it arrived"),
        fen("value_fen", "contract value of what was delivered", required=False),
        CURRENCY,
    ),
)

ACCEPTANCES = Table(
    "acceptances",
    "A buyer's acceptance of a delivery, with its rating.",
    on="accepted_on",
    key="acceptance_id",
    columns=(
        text("acceptance_id", "the acceptance's id"),
        text("delivery_id", "the delivery it is about"),
        CONTRACT,
        SUPPLIER,
        BUYER,
        date("accepted_on", "date of acceptance"),
        fen("accepted_fen", "value accepted"),
        fen("rejected_fen", "value sent back"),
        CURRENCY,
        whole("rating", "performance rating, 1 worst to 5 best", at_least=1),
        date("payment_due_on", "when the buyer has to have paid what it accepted"),
    ),
)

INVOICES = Table(
    "invoices",
    "A VAT invoice that the supplier issued to a customer or received from its own suppliers.",
    on="issued_on",
    columns=(
        SUPPLIER,
        text("direction", "who wrote it: issued by the supplier, or received", choices=("ISSUED", "RECEIVED")),
        text("invoice_no", "number on the invoice; reused by some issuers, so never a key"),
        date("issued_on", "date on the invoice"),
        text("counterparty_id", "the other side's id"),
        text("contract_id", "the contract it bills", required=False),
        fen("net_fen", "amount without tax; negative on a red-letter reversal", at_least=None),
        fen("tax_fen", "tax", at_least=None),
        fen("total_fen", "amount with tax", at_least=None),
        CURRENCY,
        text("status", "a voided invoice is kept and never counted", choices=("VALID", "VOIDED")),
    ),
)

PAYMENTS = Table(
    "payments",
    "Money that arrived from a buyer, or went back to it.",
    on="paid_on",
    key="payment_id",
    columns=(
        text("payment_id", "the payment's id"),
        text("contract_id", "the contract's id on the platform", required=False),
        SUPPLIER,
        KNOWN_BUYER,
        text("kind", "what it pays", required=False, choices=("ADVANCE", "PROGRESS", "RETENTION")),
        text("delivery_id", "the delivery it pays for", required=False),
        date("due_on", "when it was due", required=False),
        date("paid_on", "when it arrived"),
        fen("amount_fen", "amount received; negative where it went back", at_least=None),
        CURRENCY,
        Column("to_locked_account", Kind.FLAG, "whether it went to the locked collection account", required=False),
    ),
)

DISPUTES = Table(
    "disputes",
    "A dispute on a contract: raised, then upheld against the supplier or dismissed.",
    on="happened_on",
    key="dispute_event_id",
    columns=(
        text("dispute_event_id", "the event's id"),
        text("dispute_id", "the dispute it belongs to"),
        CONTRACT,
        SUPPLIER,
        date("happened_on", "date of the event"),
        text("kind", "what happened", choices=("RAISED", "UPHELD", "DISMISSED")),
        fen("amount_fen", "amount in dispute"),
        CURRENCY,
    ),
)

LISTINGS = Table(
    "listings",
    "An entry on one of the three exclusion lists, or its end.",
    on="happened_on",
    key="listing_event_id",
    columns=(
        text("listing_event_id", "the event's id"),
        SUPPLIER,
        text("list", "which list", choices=("JUDGMENT", "TAX", "PROCUREMENT")),
        date("happened_on", "date of the event"),
        text("kind", "entered or left", choices=("LISTED", "REMOVED")),
    ),
)

# What can happen to a collection account, in the order in which it does.
ACCOUNT_STEPS = ("NAMED", "LOCKED", "CONFIRMED", "UNLOCKED")
ACCOUNTS = Table(
    "accounts",
    "What happened to the collection account of a contract.",
    on="happened_on",
    key="account_event_id",
    columns=(
        text("account_event_id", "the event's id"),
        CONTRACT,
        SUPPLIER,
        date("happened_on", "date of the event"),
        text("kind", "what happened", choices=ACCOUNT_STEPS),
    ),
)

CONSENTS = Table(
    "consents",
    "A supplier's authorisation that a bank may receive its record for a purpose, or its revocation.",
    on="happened_on",
    key="consent_event_id",
    columns=(
        text("consent_event_id", "the event's id"),
        text("consent_id", "the consent it belongs to"),
        SUPPLIER,
        text("bank_id", "the bank it names"),
        text(
            "purpose",
            "what for: the advice on a credit line or a guarantee, or the score and its reasons alone",
            choices=("credit_line", "guarantee", "score"),
        ),
        date("happened_on", "when it was signed or revoked"),
        text("kind", "granted or revoked", choices=("GRANTED", "REVOKED")),
        date("valid_to", "last day it holds; empty until it is revoked", required=False),
    ),
)

APPLICATIONS = Table(
    "applications",
    "An application for credit, anywhere, and what the lender answered.",
    on="applied_on",
    key="application_id",
    columns=(
        text("application_id", "the application's id"),
        SUPPLIER,
        text("lender_id", "who was asked"),
        date("applied_on", "date of the application"),
        fen("requested_fen", "amount asked for"),
        CURRENCY,
        text("answer", "what the lender said", choices=("GRANTED", "REFUSED")),
        fen("granted_fen", "limit granted; empty where refused or unknown", required=False),
        text(
            "refused_for",
            "why it was refused; empty where granted or unknown",
            required=False,
            choices=("SCORE", "EXPOSURE", "LISTED", "PAST_DUE", "DOCUMENTS", "PURPOSE", "POLICY", "WITHDRAWN", "OTHER"),
        ),
    ),
)

CREDIT_EVENTS = Table(
    "credit_events",
    "What happened on a draw: drawn, a day past due reached, repaid, written off.",
    on="happened_on",
    key="credit_event_id",
    columns=(
        text("credit_event_id", "the event's id"),
        text("loan_id", "the draw it belongs to"),
        SUPPLIER,
        text("lender_id", "who lent"),
        text("kind", "what happened", choices=("DRAWN", "PAST_DUE", "REPAID", "WRITTEN_OFF")),
        date("happened_on", "date of the event"),
        date("due_on", "maturity of the draw"),
        fen("amount_fen", "amount drawn, past due, repaid or written off"),
        CURRENCY,
        whole("days_past_due", "days past due that were reached; 0 unless PAST_DUE or WRITTEN_OFF"),
    ),
)

GUARANTEE_EVENTS = Table(
    "guarantee_events",
    "What happened to a guarantee on a contract.",
    on="happened_on",
    key="guarantee_event_id",
    columns=(
        text("guarantee_event_id", "the event's id"),
        text("guarantee_id", "the guarantee it belongs to"),
        CONTRACT,
        SUPPLIER,
        text("form", "advance-payment or performance", choices=("ADVANCE_PAYMENT", "PERFORMANCE")),
        text(
            "kind",
            "what happened; REFUSED is a demand that was refused: the guarantee stands as before",
            choices=("ISSUED", "EFFECTIVE", "REDUCED", "DEMANDED", "REFUSED", "PAID", "RELEASED", "EXPIRED"),
        ),
        date("happened_on", "date of the event"),
        fen("amount_fen", "amount the event is about; after a reduction, what is left"),
        CURRENCY,
    ),
)

OUTCOMES = Table(
    "outcomes",
    "What became of a draw or a contract: labels for the models, which no feature can read.",
    on="matured_on",
    key="outcome_id",
    label=True,
    columns=(
        text("outcome_id", "the outcome's id"),
        text("target", "which label", choices=("loan_default", "performance_breach")),
        SUPPLIER,
        text("loan_id", "the draw, where it is about one", required=False),
        text("contract_id", "the contract, where it is about one", required=False),
        date(
            "opened_on",
            "when the risk was taken: date of the draw or the signature; empty if undated",
            required=False,
        ),
        date("matured_on", "when the performance window was over; empty if undated", required=False),
        Column("happened", Kind.FLAG, "whether it defaulted, or breached"),
    ),
)

NAMES = Table(
    "names",
    "Names of suppliers: personal where the supplier is one, kept apart so that they can be erased.",
    on="effective_on",
    standing=("supplier_id", "effective_on"),
    personal=True,
    columns=(SUPPLIER, date("effective_on", "from when it holds"), text("name", "the registered name")),
)

TABLES: tuple[Table, ...] = (
    SUPPLIERS,
    BUYERS,
    RELATIONS,
    MERGES,
    AWARDS,
    CONTRACTS,
    AMENDMENTS,
    DELIVERIES,
    ACCEPTANCES,
    INVOICES,
    PAYMENTS,
    DISPUTES,
    LISTINGS,
    ACCOUNTS,
    PROGRAMMES,
    CONSENTS,
    APPLICATIONS,
    CREDIT_EVENTS,
    GUARANTEE_EVENTS,
    OUTCOMES,
    NAMES,
)


def table(name: str) -> Table:
    """The table of that name; raises KeyError."""
    for each in TABLES:
        if each.name == name:
            return each
    raise KeyError(name)
