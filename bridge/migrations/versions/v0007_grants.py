"""Who may have a campaign's keys, and whose frames are handed on unopened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "grants",
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=80), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.String(length=80), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["ref"], ["topics.ref"], name="fk_grants_ref"),
        sa.PrimaryKeyConstraint("ref", "user_id", name="pk_grants"),
    )
    op.add_column("topics", sa.Column("sealed", sa.Boolean(), nullable=False, server_default=sa.false()))
