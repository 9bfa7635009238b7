"""The topics that an account made, as a mirror lists its transactions."""

from __future__ import annotations

from topics.mirror.rest import Mirror
from topics.values import AccountId, TopicId


async def made_by(mirror: Mirror, payer: AccountId) -> list[TopicId]:
    """Every topic that the payer made, oldest first. Raises as `Mirror` does."""
    page = await mirror.creations(payer)
    rows = list(page.rows)
    while page.more:
        page = await mirror.next_transactions(page)
        rows += page.rows
    return list(dict.fromkeys(row.topic_id for row in rows if row.id.payer == payer and row.topic_id is not None))
