"""The first form of the book."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "balances",
        sa.Column("account", sa.String(length=160), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=True),
        sa.Column("ceiling_fen", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_fen >= 0", name="balance_not_below_zero"),
        sa.CheckConstraint("ceiling_fen IS NULL OR amount_fen <= ceiling_fen", name="balance_within_ceiling"),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("decided_at", sa.String(length=19), nullable=False),
        sa.Column("supplier_id", sa.String(length=64), nullable=False),
        sa.Column("contract_id", sa.String(length=64), nullable=True),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("pd", sa.Float(), nullable=True),
        sa.Column("district", sa.String(length=6), nullable=True),
        sa.Column("buyer_id", sa.String(length=64), nullable=True),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("cooling_until", sa.Date(), nullable=True),
        sa.Column("maker", sa.String(length=64), nullable=False),
        sa.Column("supersedes", sa.String(length=32), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index(op.f("ix_decisions_supersedes"), "decisions", ["supersedes"], unique=False)
    op.create_index(op.f("ix_decisions_supplier_id"), "decisions", ["supplier_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("supplier_id", sa.String(length=64), nullable=False),
        sa.Column("datum", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=19), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("settled_at", sa.String(length=19), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("settlement", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_disputes_supplier_id"), "disputes", ["supplier_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(length=160), nullable=False),
        sa.Column("delta_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "sequence", "account"),
    )
    op.create_index(op.f("ix_entries_account"), "entries", ["account"], unique=False)
    op.create_table(
        "heads",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("partition"),
    )
    op.create_table(
        "line_events",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("line_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("supplier_id", sa.String(length=64), nullable=False),
        sa.Column("contract_id", sa.String(length=64), nullable=True),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("yearly_rate_bp", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("at", sa.String(length=19), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_line_events_decision_id"), "line_events", ["decision_id"], unique=False)
    op.create_index(op.f("ix_line_events_line_id"), "line_events", ["line_id"], unique=False)
    op.create_index(op.f("ix_line_events_supplier_id"), "line_events", ["supplier_id"], unique=False)
    op.create_table(
        "log",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject_id", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("at", sa.String(length=26), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=160), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("partition", "sequence"),
    )
    op.create_index(op.f("ix_log_at"), "log", ["at"], unique=False)
    op.create_index(op.f("ix_log_subject_id"), "log", ["subject_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("sent_at", sa.String(length=19), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("decision_id"),
    )
    op.create_table(
        "requests",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("command", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=26), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "seals",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.String(length=26), nullable=False),
        sa.Column("heads", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "subjects",
        sa.Column("subject_id", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.String(length=64), nullable=False),
        sa.Column("contract_id", sa.String(length=64), nullable=True),
        sa.Column("buyer_id", sa.String(length=64), nullable=True),
        sa.Column("district", sa.String(length=6), nullable=True),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("parent_id", sa.String(length=160), nullable=True),
        sa.Column("decision_id", sa.String(length=32), nullable=True),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.String(length=26), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id"),
    )
    op.create_index(op.f("ix_subjects_contract_id"), "subjects", ["contract_id"], unique=False)
    op.create_index(op.f("ix_subjects_parent_id"), "subjects", ["parent_id"], unique=False)
    op.create_index(op.f("ix_subjects_supplier_id"), "subjects", ["supplier_id"], unique=False)
    # What a book begins with: the head of each chain.
    heads = sa.table("heads", sa.column("partition"), sa.column("sequence"), sa.column("hash"))
    op.bulk_insert(heads, [{"partition": each, "sequence": 0, "hash": "0" * 64} for each in range(64)])
