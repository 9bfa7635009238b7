"""Every table of the bridge's database, in one place; the migrations are what brings a database to it.

Ids, channels and times stay readable; what an event says is sealed under the store key (`body`).
Times end in `_ms` (Unix milliseconds) or `_ns` (consensus nanoseconds).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table

from topics.registry import Registry, registry_table

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)
# SQLite numbers rows only for the type INTEGER; PostgreSQL wants 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")

topics = registry_table(metadata)
registry = Registry(topics)

# What must be known about the whole store: its generation, its network.
settings = Table(
    "settings",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)

# Key epochs, wrapped under the master key. Owner: `campaign:<ref>`, `user:<id>` or `store`.
epochs = Table(
    "epochs",
    metadata,
    Column("owner", String(100), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kid", LargeBinary(8), nullable=False, index=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False, server_default="0"),  # the producer sequence that announced it, if any
    Column("made_by", String(80)),  # who had it made
)

# Who else may have a campaign's keys: from its epoch of that number on, until it is revoked.
grants = Table(
    "grants",
    metadata,
    Column("ref", String(80), ForeignKey("topics.ref"), primary_key=True),
    Column("user_id", String(80), primary_key=True),
    Column("first_number", Integer, nullable=False),
    Column("given_ms", BigInteger, nullable=False),
    Column("given_by", String(80), nullable=False),  # an API key's name, the command line, or the user's own token
    Column("revoked_ms", BigInteger),
    Column("revoked_by", String(80)),
)

# The outbox. Its row id is the order of acceptance.
entries = Table(
    "entries",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("event_id", LargeBinary(16), nullable=False, unique=True),
    Column("ref", String(80), ForeignKey("topics.ref"), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("kind", String(16), nullable=False),  # event, or a control message, which waits in the same order
    Column("body", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),  # bytes that the event takes in a frame
    Column("api_key", String(80), nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(300)),
    Column("handled_ms", BigInteger),  # when an operator last had a hand in it
    Column("handled_by", String(80)),  # and which one: an API key's name, or the command line
    Column("flight_id", RowId, ForeignKey("flights.id"), index=True),
    Column("topic_id", String(64)),
    Column("sequence", BigInteger),
    Column("index", Integer),
    Column("consensus_ns", BigInteger),
)
Index("ix_entries_waiting", entries.c.ref, entries.c.state, entries.c.id)
Index("ix_entries_channel", entries.c.channel, entries.c.state, entries.c.id)

# A sealed frame (producer sequence from 1) or a manifest (producer sequence 0) on its way to one topic.
flights = Table(
    "flights",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("ref", String(80), ForeignKey("topics.ref"), nullable=False),
    Column("topic_id", String(64), nullable=False),
    Column("producer_sequence", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
)
# A flight that was refused for its content never reached the ledger: the next one takes its producer sequence.
Index(
    "uq_flights_producer_sequence",
    flights.c.topic_id,
    flights.c.producer_sequence,
    unique=True,
    sqlite_where=flights.c.state != "refused",
    postgresql_where=flights.c.state != "refused",
)
Index(
    "uq_flights_one_open",
    flights.c.ref,
    unique=True,
    sqlite_where=flights.c.state == "open",
    postgresql_where=flights.c.state == "open",
)

# Every transaction that was ever to be sent, by its id, recorded before its first byte leaves.
transactions = Table(
    "transactions",
    metadata,
    Column("payer", String(64), primary_key=True),
    Column("valid_start_ns", BigInteger, primary_key=True),
    Column("ref", String(80), ForeignKey("topics.ref"), nullable=False),
    Column("flight_id", RowId, ForeignKey("flights.id"), index=True),  # null: a topic's creation, or its listing
    Column("number", Integer, nullable=False),  # chunk `number` of `total`, from 1
    Column("total", Integer, nullable=False),
    Column("message", LargeBinary),
    Column("valid_duration_s", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("status", String(80)),  # the receipt's, a name of ResponseCodeEnum
    Column("sequence", BigInteger),  # the receipt's: pins what the mirror must show
    Column("running_hash", LargeBinary(48)),
    Column("fee_tinybar", BigInteger),  # what the network charged, once known
    Column("booked_ns", BigInteger),  # consensus time of the last entry under this id that is in `costs`
    Column("rate_hbar", Integer),  # the exchange rate it was booked with: so many HBAR
    Column("rate_cents", Integer),  # are worth so many US cents
)
Index(
    "ix_transactions_create",
    transactions.c.ref,
    sqlite_where=transactions.c.flight_id.is_(None),
    postgresql_where=transactions.c.flight_id.is_(None),
)

# What was spent, in three ways: by campaign (its ref), by API key and by day (UTC). Each way sums up to the same.
costs = Table(
    "costs",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("tinybar", BigInteger, nullable=False),
    Column("tinycents", BigInteger, nullable=False),  # the same by the exchange rates of its bookings; 10^10 a USD
    Column("reserved_tinybar", BigInteger, nullable=False),  # estimated, and not on the ledger's bill yet
    Column("transactions", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
)

# Which part of `costs.reserved_tinybar` ends when that transaction is booked, or spent.
reservations = Table(
    "reservations",
    metadata,
    Column("payer", String(64), primary_key=True),
    Column("valid_start_ns", BigInteger, primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("tinybar", BigInteger, nullable=False),
)

# The API key that made a campaign known: its topic and its manifest are on this key's bill.
sponsors = Table(
    "sponsors",
    metadata,
    Column("ref", String(80), ForeignKey("topics.ref"), primary_key=True),
    Column("api_key", String(80), nullable=False),
)

# Topics made ahead of time: each is here from the intent to make it until a new campaign takes it.
pool = Table(
    "pool",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("payer", String(64), nullable=False),  # the id it is, or was, made under
    Column("valid_start_ns", BigInteger, nullable=False),
    Column("terms", LargeBinary(32), nullable=False),  # hash of the terms it was to be made by
    Column("topic_id", String(64), unique=True),
)

# Topics that the directory lists, or is about to; the id is null where that was read from the ledger.
listed = Table(
    "listed",
    metadata,
    Column("topic_id", String(64), primary_key=True),
    Column("payer", String(64)),
    Column("valid_start_ns", BigInteger),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("api_key", String(80), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("body_hash", LargeBinary(32), nullable=False),
    Column("event_ids", LargeBinary, nullable=False),  # 16 bytes each, in the order of the request
    Column("accepted_ms", BigInteger, nullable=False, index=True),
)

# How far a topic has been read and checked.
positions = Table(
    "positions",
    metadata,
    Column("topic_id", String(64), primary_key=True),
    # just before the oldest unfinished chunked message: where reading resumes
    Column("sequence", BigInteger, nullable=False),
    Column("consensus_ns", BigInteger, nullable=False),
    Column("running_hash", LargeBinary(48), nullable=False),
    # what has been opened and stored already, which may lie behind the place of resuming
    Column("opened_sequence", BigInteger, nullable=False),
    Column("producer_sequence", BigInteger, nullable=False),
    Column("kid", LargeBinary(8)),
    Column("signed", Boolean),
    Column("closed", Boolean),  # the final message was read
    Column("channel_epoch", String(100)),
    Column("skipped", BigInteger, nullable=False),
    Column("last_skip", String(300)),
    Column("halted", String(300)),
)

publications = Table(
    "publications",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("topic_id", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("event_id", LargeBinary(16), nullable=False),
    Column("consensus_ns", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index(
    "uq_publications_place",
    publications.c.channel,
    publications.c.topic_id,
    publications.c.sequence,
    publications.c.index,
    unique=True,
)

# The highest offset of each channel that ever had a publication; those at its floor and below are no longer kept.
channels = Table(
    "channels",
    metadata,
    Column("channel", String(100), primary_key=True),
    Column("top", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False, server_default="0"),
)

# Clients' tokens that were revoked: a user's issued up to at_ms, or one by its jti. By until_ms all have expired.
revocations = Table(
    "revocations",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

# Which daemons go on this database, each until its time is over by the database's clock, or renewed.
daemons = Table(
    "daemons",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("carries", Boolean, nullable=False),  # whether it takes leases
    Column("until_ms", BigInteger, nullable=False),
)

# Whose the campaigns of a shard are: nobody's without a daemon. The fence grows with each taking.
leases = Table(
    "leases",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("daemon", Integer),
    Column("fence", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("cursor_ns", BigInteger, nullable=False),  # up to which all that is the shard's has been swept
)

# Who had a shard under which fence, lately.
tenures = Table(
    "tenures",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("fence", BigInteger, primary_key=True, autoincrement=False),
    Column("daemon", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)
