"""Whose topics are whose."""

from __future__ import annotations

from tests.topics.client import Client
from topics.devnet.devnet import Devnet
from topics.mirror.made import made_by
from topics.values import AccountId


async def test_an_accounts_topics_oldest_first(devnet: Devnet, client: Client) -> None:
    made = [await client.topic() for _ in range(5)]
    assert await made_by(client.mirror, devnet.operator_id) == made
    assert await made_by(client.mirror, AccountId(0, 0, 2)) == []
