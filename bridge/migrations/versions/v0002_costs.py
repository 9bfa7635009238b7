"""Costs: what was spent and reserved, who pays for a topic, and which bookings were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "costs",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("tinybar", sa.BigInteger(), nullable=False),
        sa.Column("tinycents", sa.BigInteger(), nullable=False),
        sa.Column("reserved_tinybar", sa.BigInteger(), nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_costs"),
    )
    op.create_table(
        "reservations",
        sa.Column("payer", sa.String(length=64), nullable=False),
        sa.Column("valid_start_ns", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("tinybar", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("payer", "valid_start_ns", "scope", "name", name="pk_reservations"),
    )
    op.create_table(
        "sponsors",
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("api_key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["ref"], ["topics.ref"], name="fk_sponsors_ref"),
        sa.PrimaryKeyConstraint("ref", name="pk_sponsors"),
    )
    op.add_column("transactions", sa.Column("booked_ns", sa.BigInteger(), nullable=True))
    op.add_column("transactions", sa.Column("rate_hbar", sa.Integer(), nullable=True))
    op.add_column("transactions", sa.Column("rate_cents", sa.Integer(), nullable=True))
    op.create_index("ix_entries_flight_id", "entries", ["flight_id"], unique=False)
