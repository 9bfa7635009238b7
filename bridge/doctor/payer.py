"""Whether somebody else submits messages with our payer: then a foreign receipt may look like ours."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from bridge.doctor.findings import Finding, failed, ok, text_of, warning
from bridge.doctor.ground import Ground
from bridge.publish.costs import by_payer
from bridge.schema import positions, transactions
from topics.errors import TopicsError
from topics.mirror.answers import TransactionOutcome
from topics.mirror.rest import Mirror
from topics.values import NANOS, AccountId, TransactionId

NAME = "payer of our own"
MAX_PAGES = 10
_HINT = (
    "give the bridge an account of its own: with a shared payer a foreign receipt can look like ours, and the other "
    "side can write into our topics; two bridges on one payer need different daemon.number"
)


async def payer(ground: Ground) -> Sequence[Finding]:
    """Compares what the mirror shows of the payer's last submissions with those on record here."""
    config = ground.config
    since_ns = ground.now_ns() - round(config.doctor.shared_payer_s * NANOS)

    async def ask(mirror: Mirror) -> list[TransactionOutcome]:
        page = await mirror.transactions(config.operator.account, after_ns=max(0, since_ns))
        rows = list(page.rows)
        for _ in range(MAX_PAGES - 1):
            if not page.more:
                break
            page = await mirror.next_transactions(page)
            rows += page.rows
        return [row for row in rows if row.id.payer == config.operator.account]

    while_s = f"{config.doctor.shared_payer_s:g} s"
    try:
        rows = await ground.first(ask)
    except TopicsError as error:
        return [failed(NAME, f"no mirror tells: {text_of(error)}", "see the lines about the mirrors")]
    shown = {row.id for row in rows}
    recorded = await ground.look(lambda connection: on_record(connection, shown) | relayed(connection, rows))
    foreign = shown - (recorded or set())
    if not foreign:
        return [ok(NAME, f"{len(shown)} messages in the last {while_s}, all of them ours")]
    newest = max(foreign, key=lambda id_: id_.valid_start_ns)
    where = "this database" if recorded is not None else "any database of this schema here"
    text = f"{len(foreign)} of {len(shown)} messages in the last {while_s} are not in {where}; the newest is {newest}"
    return [warning(NAME, text, _HINT)]


def on_record(connection: Connection, wanted: set[TransactionId]) -> set[TransactionId]:
    """Those of these ids that this bridge made."""
    found: set[TransactionId] = set()
    for chosen in by_payer(sorted(wanted), transactions):
        rows = connection.execute(select(transactions.c.payer, transactions.c.valid_start_ns).where(chosen))
        found |= {TransactionId(AccountId.parse(payer), start_ns) for payer, start_ns in rows}
    return found


def relayed(connection: Connection, rows: Sequence[TransactionOutcome]) -> set[TransactionId]:
    """Those in topics of ours in which every message was verified, as far as they were read: a restored database has no
    record of what was sent after the backup.
    """
    whole = select(positions.c.topic_id, positions.c.consensus_ns).where(positions.c.skipped == 0)
    read_ns: dict[str, int] = dict(connection.execute(whole).all())
    landed = (row for row in rows if row.result == "SUCCESS")
    return {row.id for row in landed if row.consensus_ns <= read_ns.get(str(row.topic_id), 0)}
