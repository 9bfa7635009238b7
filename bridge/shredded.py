"""What the topics say was shredded stays so in a database made anew, whatever keys were at hand to make it with.

Functions over the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from bridge import schema, settings
from bridge.schema import epochs, publications

_NAME = "shredded:"


def note(connection: Connection, kids: Sequence[bytes], consensus_ns: int) -> None:
    """Keep that the keys with these ids were destroyed before that time."""
    for kid in kids:
        settings.keep(connection, f"{_NAME}{kid.hex()}", str(consensus_ns))


def obey(connection: Connection) -> int:
    """Take those of them that are here away, and what had been published under them; how many keys.

    Everything of the same owner up to then was sealed under keys that were destroyed together.
    """
    table, count = schema.settings, 0
    noted = select(table.c.name, table.c.value).where(table.c.name.startswith(_NAME, autoescape=True))
    for name, consensus_ns in connection.execute(noted).all():
        kid = bytes.fromhex(name.removeprefix(_NAME))
        for owner in connection.execute(select(epochs.c.owner).where(epochs.c.kid == kid)).scalars().all():
            before = publications.c.consensus_ns <= int(consensus_ns)
            connection.execute(delete(publications).where(publications.c.channel == owner, before))  # named alike
            connection.execute(delete(epochs).where(epochs.c.owner == owner, epochs.c.kid == kid))
            count += 1
    return count
