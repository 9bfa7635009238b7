"""Which topic belongs to which campaign: one row a campaign, made before its topic is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    MetaData,
    Row,
    String,
    Table,
    bindparam,
    case,
    false,
    insert,
    select,
    update,
)

from topics.values import TopicId


class TopicState(StrEnum):
    """How far a campaign's topic has come; only forward."""

    INTENDED = "intended"  # known to us, nothing on the ledger that we know of
    CREATED = "created"  # the topic exists, its manifest may not
    READY = "ready"  # the manifest has reached consensus: frames may follow
    CLOSED = "closed"  # nothing more comes from us
    NONE = "none"  # no campaign: a name of our own that transactions are kept under; a topic of its has no manifest


@dataclass(frozen=True, slots=True)
class Registration:
    """A campaign and its topic. `ref` names it; `owner` is its owner's user id.

    `signed` tells whether the topic's manifest says that its frames are signed; None before there is a manifest.
    `closing_ms` is when it was told to close, if it was. `sealed`: its frames are handed on as they are, unopened.
    """

    ref: str
    owner: str | None
    topic_id: TopicId | None
    state: TopicState
    registered_ms: int
    signed: bool | None = None
    closing_ms: int | None = None
    sealed: bool = False

    @property
    def takes_events(self) -> bool:
        """Whether anything new may come: nothing does behind the intent to close."""
        return _takes_events(self.state, self.closing_ms)

    @property
    def status(self) -> str:
        """The state as it is shown; `closing` while the final message is on its way."""
        return status_of(self.state, self.closing_ms)


def registry_table(metadata: MetaData) -> Table:
    """Define the registry's one table in the application's schema."""
    return Table(
        "topics",
        metadata,
        Column("ref", String(80), primary_key=True),
        Column("owner", String(80)),
        Column("topic_id", String(64), unique=True),
        Column("state", String(16), nullable=False),
        Column("registered_ms", BigInteger, nullable=False),
        Column("signed", Boolean),
        Column("closing_ms", BigInteger),
        Column("sealed", Boolean, nullable=False, server_default=false()),
    )


class Registry:
    """The statements over the registry's table; holds the table, no rows. Call inside the caller's transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table
        # made once: building a statement costs more than running it
        self._by_ref = select(table).where(table.c.ref == bindparam("wanted"))
        self._by_refs = select(table).where(table.c.ref.in_(bindparam("wanted", expanding=True)))
        self._open = select(table.c.ref, table.c.state, table.c.closing_ms).where(
            table.c.ref.in_(bindparam("wanted", expanding=True))
        )
        self._sealed = select(table.c.ref).where(table.c.ref.in_(bindparam("wanted", expanding=True)), table.c.sealed)
        self._by_topic = select(table).where(table.c.topic_id == bindparam("wanted"), table.c.state != TopicState.NONE)

    def intend(
        self, connection: Connection, ref: str, *, owner: str | None, now_ms: int, sealed: bool = False
    ) -> Registration:
        """Register a campaign, or return what is registered. An owner that was unknown so far is filled in."""
        known = self.find(connection, ref)
        if known is None:
            row = {"ref": ref, "owner": owner, "state": TopicState.INTENDED, "registered_ms": now_ms, "sealed": sealed}
            connection.execute(insert(self._table).values(row))
            return Registration(ref, owner, None, TopicState.INTENDED, now_ms, sealed=sealed)
        if known.owner is None and owner is not None:
            connection.execute(update(self._table).where(self._table.c.ref == ref).values(owner=owner))
            return replace(known, owner=owner)
        return known

    def reserve(self, connection: Connection, ref: str, *, now_ms: int) -> None:
        """Have a name of our own on record, that is no campaign's."""
        if self.find(connection, ref) is None:
            row = {"ref": ref, "state": TopicState.NONE, "registered_ms": now_ms}
            connection.execute(insert(self._table).values(row))

    def created(self, connection: Connection, ref: str, topic_id: TopicId) -> None:
        """The campaign's topic exists, or that of a name of our own; kept once, whatever comes later."""
        table = self._table
        state = case((table.c.state == TopicState.NONE, TopicState.NONE), else_=TopicState.CREATED)
        connection.execute(
            update(table)
            .where(table.c.ref == ref, table.c.topic_id.is_(None))
            .values(topic_id=str(topic_id), state=state)
        )

    def manifested(self, connection: Connection, ref: str, *, signed: bool) -> None:
        """The manifest is made: from here on this is what the topic's frames are, whatever is configured later."""
        connection.execute(update(self._table).where(self._table.c.ref == ref).values(signed=signed))

    def ready(self, connection: Connection, ref: str) -> None:
        """The manifest has reached consensus."""
        table = self._table
        connection.execute(
            update(table).where(table.c.ref == ref, table.c.state == TopicState.CREATED).values(state=TopicState.READY)
        )

    def close(self, connection: Connection, ref: str, *, now_ms: int) -> None:
        """The campaign is to close: what waits still goes out, and nothing new comes in. Once; there is no way back."""
        table = self._table
        connection.execute(
            update(table).where(table.c.ref == ref, table.c.closing_ms.is_(None)).values(closing_ms=now_ms)
        )

    def closed(self, connection: Connection, topic_id: TopicId) -> None:
        """The final message has reached consensus."""
        table = self._table
        connection.execute(update(table).where(table.c.topic_id == str(topic_id)).values(state=TopicState.CLOSED))

    def find(self, connection: Connection, ref: str) -> Registration | None:
        """The registration of a ref."""
        row = connection.execute(self._by_ref, {"wanted": ref}).one_or_none()
        return None if row is None else _registration(row)

    def find_all(self, connection: Connection, refs: Sequence[str]) -> dict[str, Registration]:
        """The registrations of these refs, as far as there are any."""
        return {row.ref: _registration(row) for row in connection.execute(self._by_refs, {"wanted": refs})}

    def endings(self, connection: Connection, refs: Sequence[str]) -> dict[str, str | None]:
        """For each of the refs that is registered, why nothing new may come: closing, or closed. None if it may."""
        rows = connection.execute(self._open, {"wanted": refs})
        return {
            ref: None if _takes_events(state, closing_ms) else status_of(state, closing_ms)
            for ref, state, closing_ms in rows
        }

    def sealed(self, connection: Connection, refs: Sequence[str]) -> set[str]:
        """Those of the refs whose frames are handed on unopened."""
        return set(connection.execute(self._sealed, {"wanted": refs}).scalars())

    def by_topic(self, connection: Connection, topic_id: TopicId) -> Registration | None:
        """The campaign that a topic belongs to, or None for a topic that is none's."""
        row = connection.execute(self._by_topic, {"wanted": str(topic_id)}).one_or_none()
        return None if row is None else _registration(row)

    def refs_unready(self, connection: Connection) -> list[str]:
        """The campaigns whose topic, or whose manifest, is still to be made."""
        unready = self._table.c.state.in_((TopicState.INTENDED, TopicState.CREATED))
        return list(connection.execute(select(self._table.c.ref).where(unready)).scalars())

    def all(self, connection: Connection) -> Iterator[Registration]:
        """Every registration, oldest first; names of our own are left out."""
        table = self._table
        campaigns = select(table).where(table.c.state != TopicState.NONE)
        rows = connection.execute(campaigns.order_by(table.c.registered_ms, table.c.ref))
        return (_registration(row) for row in rows)


def _takes_events(state: str, closing_ms: int | None) -> bool:
    return closing_ms is None and state not in {TopicState.CLOSED, TopicState.NONE}


def status_of(state: str, closing_ms: int | None) -> str:
    """A campaign's state as it is shown; `closing` while the final message is on its way."""
    return "closing" if closing_ms is not None and state != TopicState.CLOSED else str(state)


def _registration(row: Row[tuple[object, ...]]) -> Registration:
    fields = row._mapping
    topic_id = fields["topic_id"]
    return Registration(
        fields["ref"],
        fields["owner"],
        None if topic_id is None else TopicId.parse(topic_id),
        TopicState(fields["state"]),
        fields["registered_ms"],
        fields["signed"],
        fields["closing_ms"],
        fields["sealed"],
    )
