"""What was found to have gone wrong on a line, and the payments that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("rule_version", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("supplier_id", sa.String(length=64), nullable=False),
        sa.Column("contract_id", sa.String(length=64), nullable=True),
        sa.Column("line_id", sa.String(length=64), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("found_at", sa.String(length=26), nullable=False),
        sa.Column("settled_at", sa.String(length=26), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.String(length=160), nullable=False),
        sa.Column("supplier_id", sa.String(length=64), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("payment_id"),
    )
    op.create_index(op.f("ix_alerts_line_id"), "alerts", ["line_id"], unique=False)
    op.create_index(op.f("ix_alerts_supplier_id"), "alerts", ["supplier_id"], unique=False)
