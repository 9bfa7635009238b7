"""The revocations of clients' tokens, on disk, and told to the other daemons."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, select

from bridge import schema
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.revocations import Revocation, Revocations
from bridge.room_settings import section_as
from bridge.statements import upsert
from bridge.storage import Storage


async def kept_revocations(storage: Storage, tell: Callable[[Revocation], None] = lambda _row: None) -> Revocations:
    """The clients' tokens that were revoked, in this run or before: on disk until they have expired anyway.

    `tell` is for the other nodes.
    """
    table, database = schema.revocations, storage.database
    settings = section_as(TokenSettings, storage.config.tokens, issuers=())

    async def keep(revocation: Revocation) -> None:
        def write(connection: Connection) -> None:
            connection.execute(delete(table).where(table.c.until_ms <= revocation.at_ms))
            upsert(connection, table, [revocation._asdict()])

        await database.write(write)
        tell(revocation)

    return Revocations(settings, await revoked(storage), keep=keep)


async def revoked(storage: Storage) -> list[Revocation]:
    """All that are on disk."""
    return await storage.database.read(lambda c: [Revocation(*row) for row in c.execute(select(schema.revocations))])
