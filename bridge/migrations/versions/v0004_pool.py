"""Topics made ahead of time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "pool",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("payer", sa.String(length=64), nullable=False),
        sa.Column("valid_start_ns", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.LargeBinary(length=32), nullable=False),
        sa.Column("topic_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_pool"),
        sa.UniqueConstraint("topic_id", name="uq_pool_topic_id"),
    )
