"""The first schema: topics, keys, outbox, flights, transactions, positions, publications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _references()
    _outbox()
    _relay()


def _references() -> None:
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "topics",
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("topic_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("registered_ms", sa.BigInteger(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("ref", name="pk_topics"),
        sa.UniqueConstraint("topic_id", name="uq_topics_topic_id"),
    )
    op.create_table(
        "epochs",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kid", sa.LargeBinary(length=8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "number", name="pk_epochs"),
    )
    op.create_index("ix_epochs_kid", "epochs", ["kid"], unique=False)


def _outbox() -> None:
    op.create_table(
        "flights",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("producer_sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ref"], ["topics.ref"], name="fk_flights_ref"),
        sa.PrimaryKeyConstraint("id", name="pk_flights"),
    )
    op.create_index(
        "uq_flights_one_open",
        "flights",
        ["ref"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "uq_flights_producer_sequence",
        "flights",
        ["topic_id", "producer_sequence"],
        unique=True,
        sqlite_where=sa.text("state != 'refused'"),
        postgresql_where=sa.text("state != 'refused'"),
    )
    op.create_table(
        "entries",
        sa.Column("id", RowId, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("api_key", sa.String(length=80), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("flight_id", RowId, nullable=True),
        sa.Column("topic_id", sa.String(length=64), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("index", sa.Integer(), nullable=True),
        sa.Column("consensus_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name="fk_entries_flight_id"),
        sa.ForeignKeyConstraint(["ref"], ["topics.ref"], name="fk_entries_ref"),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("event_id", name="uq_entries_event_id"),
    )
    op.create_index("ix_entries_channel", "entries", ["channel", "state", "id"], unique=False)
    op.create_index("ix_entries_waiting", "entries", ["ref", "state", "id"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("payer", sa.String(length=64), nullable=False),
        sa.Column("valid_start_ns", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("flight_id", RowId, nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("valid_duration_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=80), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("running_hash", sa.LargeBinary(length=48), nullable=True),
        sa.Column("fee_tinybar", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["flight_id"], ["flights.id"], name="fk_transactions_flight_id"),
        sa.ForeignKeyConstraint(["ref"], ["topics.ref"], name="fk_transactions_ref"),
        sa.PrimaryKeyConstraint("payer", "valid_start_ns", name="pk_transactions"),
    )
    op.create_index(
        "ix_transactions_create",
        "transactions",
        ["ref"],
        unique=False,
        sqlite_where=sa.text("flight_id IS NULL"),
        postgresql_where=sa.text("flight_id IS NULL"),
    )
    op.create_index("ix_transactions_flight_id", "transactions", ["flight_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("api_key", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("event_ids", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("api_key", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_accepted_ms", "idempotency", ["accepted_ms"], unique=False)


def _relay() -> None:
    op.create_table(
        "positions",
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("consensus_ns", sa.BigInteger(), nullable=False),
        sa.Column("running_hash", sa.LargeBinary(length=48), nullable=False),
        sa.Column("opened_sequence", sa.BigInteger(), nullable=False),
        sa.Column("producer_sequence", sa.BigInteger(), nullable=False),
        sa.Column("kid", sa.LargeBinary(length=8), nullable=True),
        sa.Column("signed", sa.Boolean(), nullable=True),
        sa.Column("channel_epoch", sa.String(length=100), nullable=True),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("last_skip", sa.String(length=300), nullable=True),
        sa.Column("halted", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("topic_id", name="pk_positions"),
    )
    op.create_table(
        "publications",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("topic_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("consensus_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "offset", name="pk_publications"),
    )
    op.create_index("uq_publications_place", "publications", ["channel", "topic_id", "sequence", "index"], unique=True)
    op.create_table(
        "channels",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("top", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name="pk_channels"),
    )
