"""The tables of the book, for SQLite and PostgreSQL alike; `migrations/` says how one form of them became the next.

Amounts are fen. What happened is only ever added; the rows that do change (balances, heads of chains, the outbox) are
sums or marks of what was added, in the same transaction. The log says all other rows, each by the hash of all its
columns: see `data.book.audit`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", String(32), primary_key=True),
    Column("decided_at", String(19), nullable=False),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("contract_id", String(64)),
    Column("pack", String(64), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("product", String(32), nullable=False),
    Column("pd", Float),
    Column("district", String(6)),
    Column("buyer_id", String(64)),
    Column("category", String(16)),
    # Whether somebody applied, or the engine asked by itself, as the night does.
    Column("applied", Boolean, nullable=False),
    Column("cooling_until", Date),
    # Who asked, or judged; and the decision that a judgement took the place of.
    Column("maker", String(64), nullable=False),
    Column("supersedes", String(32), index=True),
    Column("record", Text, nullable=False),
)
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("decision_id", String(32), nullable=False, unique=True),
    Column("sent_at", String(19)),
)

DISPUTES = Table(
    "disputes",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("datum", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_at", String(19), nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("settled_at", String(19)),
    Column("settled_by", String(64)),
    Column("upheld", Boolean),
    Column("settlement", Text),
)

# What happened to the lines that granted decisions became; a row is never changed.
LINE_EVENTS = Table(
    "line_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("line_id", String(32), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("decision_id", String(32), nullable=False, index=True),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("contract_id", String(64)),
    Column("product", String(32), nullable=False),
    Column("limit_fen", BigInteger, nullable=False),
    Column("yearly_rate_bp", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("at", String(19), nullable=False),
    Column("who", String(64), nullable=False),
    Column("text", Text, nullable=False),
)


# Into how many chains the log is parted, so that writers do not queue behind one another, and what a chain begins with.
PARTITIONS = 64
NOTHING = "0" * 64

# What the book keeps of a line, a draw or a guarantee for good: whose it is and what it stands on.
SUBJECTS = Table(
    "subjects",
    METADATA,
    Column("subject_id", String(160), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("contract_id", String(64), index=True),
    Column("buyer_id", String(64)),
    Column("district", String(6)),
    Column("category", String(16)),
    Column("product", String(32), nullable=False),
    # The line that a draw is on.
    Column("parent_id", String(160), index=True),
    Column("decision_id", String(32)),
    Column("terms", Text, nullable=False),
    Column("opened_at", String(26), nullable=False),
    # Whether anything of it can still be owed.
    Column("is_open", Boolean, nullable=False),
)

# Every change, in the order of its partition, each with the hash of the one before it.
LOG = Table(
    "log",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("subject_id", String(160), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("at", String(26), nullable=False, index=True),
    Column("who", String(64), nullable=False),
    Column("request", String(160), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

# The last entry of each partition's chain; its row is the lock that the partition's writers take.
HEADS = Table(
    "heads",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

# All heads at one moment under one hash: who keeps that hash elsewhere can prove that nothing before it was rewritten.
SEALS = Table(
    "seals",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", String(26), nullable=False),
    Column("heads", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)

# What moved on which account by which entry of the log.
ENTRIES = Table(
    "entries",
    METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("account", String(160), primary_key=True, index=True),
    Column("delta_fen", BigInteger, nullable=False),
)

# The sum of the entries of each account, and what it may not go above. `limit_fen` is what was agreed; `ceiling_fen` is
# that or, where a limit was cut below what is used or a repayment was taken back, what is used: then it can only fall.
BALANCES = Table(
    "balances",
    METADATA,
    Column("account", String(160), primary_key=True),
    Column("amount_fen", BigInteger, nullable=False),
    Column("limit_fen", BigInteger),
    Column("ceiling_fen", BigInteger),
    CheckConstraint("amount_fen >= 0", name="balance_not_below_zero"),
    CheckConstraint("ceiling_fen IS NULL OR amount_fen <= ceiling_fen", name="balance_within_ceiling"),
)

# What was found to have gone wrong on a line, by whom it is to be looked at until when, and what came of it.
ALERTS = Table(
    "alerts",
    METADATA,
    Column("alert_id", String(32), primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("rule_version", String(64), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("action", String(8), nullable=False),
    Column("supplier_id", String(64), nullable=False, index=True),
    Column("contract_id", String(64)),
    Column("line_id", String(64), nullable=False, index=True),
    Column("raised_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("owner", String(16), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("found_at", String(26), nullable=False),
    Column("settled_at", String(26)),
    Column("settled_by", String(64)),
    Column("outcome", String(16)),
    Column("text", Text),
)

# Every payment that repaid anything or was swept, once: its key keeps two from using it at the same time.
PAYMENTS = Table(
    "payments",
    METADATA,
    Column("payment_id", String(160), primary_key=True),
    Column("supplier_id", String(64), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("request", String(160), nullable=False),
)

# Every request by its key, with its answer: asked again, the same answer is given and nothing is done.
REQUESTS = Table(
    "requests",
    METADATA,
    Column("key", String(160), primary_key=True),
    Column("command", String(32), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("at", String(26), nullable=False),
    Column("who", String(64), nullable=False),
    Column("answer", Text, nullable=False),
)

# What changes no answer of the book and is no event: whether tracking was told.
MARKS = (OUTBOX.c.sent_at,)

# The form of these tables, as `migrations/` numbers it.
FORM = Table("alembic_version", METADATA, Column("version_num", String(32), primary_key=True))
