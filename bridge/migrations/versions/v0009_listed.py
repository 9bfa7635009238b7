"""Which topics the directory lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "listed",
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("payer", sa.String(length=64), nullable=True),
        sa.Column("valid_start_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("topic_id", name="pk_listed"),
    )
