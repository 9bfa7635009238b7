"""Whose the campaigns are where several daemons publish; where the sweep stands is known of each share by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

SHARDS = 64


def upgrade() -> None:
    op.create_table(
        "daemons",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("carries", sa.Boolean(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_daemons"),
    )
    leases = op.create_table(
        "leases",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("daemon", sa.Integer(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("cursor_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name="pk_leases"),
    )
    op.create_table(
        "tenures",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("daemon", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shard", "fence", name="pk_tenures"),
    )
    settings = sa.table("settings", sa.column("name"), sa.column("value"))
    known = {row.name: row.value for row in op.get_bind().execute(sa.select(settings.c.name, settings.c.value))}
    if "network" in known:  # else nothing has begun on this database
        whole = {"daemon": None, "fence": 0, "until_ms": 0, "cursor_ns": int(known.get("sweep_cursor_ns", 0))}
        op.bulk_insert(leases, [{"shard": shard, **whole} for shard in range(SHARDS)])
    op.execute(sa.delete(settings).where(settings.c.name.in_(["sweep_cursor_ns", "holder"])))
