"""Keys handed out over a real database: to whom, from which epoch on, and what is told and kept of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from structlog.testing import capture_logs

from bridge.config import Config
from bridge.demo.keys import make_demo_keys
from bridge.demo.setting import demo_config
from bridge.desk.granting import Granting
from bridge.errors import CampaignRefused
from bridge.gateway.grants import Handed
from bridge.keys.grants import Asker
from bridge.keys.people import Purpose, unwrap_from
from bridge.keys.ring import campaign_owner, user_owner
from bridge.publish import closing, outbox
from bridge.schema import registry
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from topics.values import AccountId

OWNER, FRIEND = "77", "88"


@dataclass
class Behind:
    """A campaign of OWNER's with two epochs. `woken` is what the submitter was told."""

    storage: Storage
    granting: Granting
    woken: list[str]
    reader: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    async def ask(self, user: str, **more: bool) -> Handed | None:
        return await self.granting.keys("1", Asker(user, **more), self.reader.public_key().public_bytes_raw())

    async def renew(self, owner: str) -> None:
        await self.storage.database.write(lambda c: self.storage.ring.renew(c, owner, now_ms=2))

    async def rotations(self) -> int:
        found = await self.storage.database.read(lambda c: outbox.waiting(c, "1", limit=100))
        return sum(entry.channel == "rotate:1" for entry in found)

    def numbers(self, handed: Handed | None) -> list[tuple[str, int]]:
        """The epochs that came, each by its owner and its place among the owner's; unwrapped, so they are these."""
        assert handed is not None
        for each in handed.epochs:
            purpose = Purpose("grant", handed.network, each.owner)
            unwrap_from(self.reader, each.wrapped, purpose=purpose, kid=each.kid)
        return [(each.owner, each.kid[0]) for each in handed.epochs]


def config_in(folder: Path) -> Config:
    make_demo_keys(folder)
    nodes = {AccountId(0, 0, 3): "127.0.0.1:1"}
    return demo_config(None, folder, nodes=nodes, mirror_url="http://127.0.0.1:1", operator=AccountId(0, 0, 1001))


@pytest_asyncio.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    woken: list[str] = []

    def wake(refs: Iterable[str]) -> None:
        woken.extend(refs)

    async with opened(config_in(tmp_path), alone=True) as storage, supervised({"database": storage.database.run}):
        made = Behind(storage, Granting(storage, wake=wake), woken)
        await storage.database.write(lambda c: registry.intend(c, "1", owner=OWNER, now_ms=1))
        for _ in range(2):
            await made.renew(campaign_owner("1"))
        await made.renew(user_owner(FRIEND))
        yield made


async def count(behind: Behind, user: str, **more: bool) -> list[str] | None:
    """The owners of the keys that came; None: refused."""
    handed = await behind.ask(user, **more)
    if handed is None:
        return None
    behind.numbers(handed)
    return [each.owner for each in handed.epochs]


async def test_the_owner_and_who_sees_all_get_every_epoch(behind: Behind) -> None:
    assert await count(behind, OWNER) == ["campaign:1"] * 2
    assert await count(behind, "99", sees_all=True) == ["campaign:1"] * 2
    assert await count(behind, "99") is None


async def test_a_users_own_keys_come_along(behind: Behind) -> None:
    assert await count(behind, FRIEND, sees_all=True) == ["campaign:1"] * 2 + [f"user:{FRIEND}"]


async def test_who_was_granted_gets_what_came_since(behind: Behind) -> None:
    await behind.granting.grant("1", FRIEND, from_start=False, by="backend")
    await behind.renew(campaign_owner("1"))
    assert await count(behind, FRIEND) == ["campaign:1"] * 2 + [f"user:{FRIEND}"]
    await behind.granting.grant("1", FRIEND, from_start=True, by="backend")
    assert await count(behind, FRIEND) == ["campaign:1"] * 3 + [f"user:{FRIEND}"]


async def test_whom_the_token_names_gets_what_came_since_the_first_request(behind: Behind) -> None:
    for _ in range(2):
        assert await count(behind, "99", named=True) == ["campaign:1"]
    await behind.renew(campaign_owner("1"))
    assert await count(behind, "99") == ["campaign:1"] * 2  # the grant stands without the token's word
    assert [each.user_id for each in await behind.granting.grants("1")] == ["99"]


async def test_who_is_revoked_gets_nothing_and_the_campaign_rotates_once(behind: Behind) -> None:
    await behind.granting.grant("1", FRIEND, from_start=False, by="backend")
    assert [await behind.granting.revoke("1", FRIEND, by="backend") for _ in range(2)] == [True, False]
    for more in ({}, {"named": True}, {"sees_all": True}):
        assert await count(behind, FRIEND, **more) is None
    assert await behind.rotations() == 1
    assert behind.woken == ["1", "1"]


async def test_the_owner_can_not_be_revoked(behind: Behind) -> None:
    with pytest.raises(CampaignRefused, match="can't be kept from its owner") as refused:
        await behind.granting.revoke("1", OWNER, by="backend")
    assert refused.value.status == 409
    assert await behind.rotations() == 0
    assert await count(behind, OWNER) == ["campaign:1"] * 2


async def test_a_campaign_that_ends_has_nothing_to_rotate(behind: Behind) -> None:
    storage = behind.storage
    await storage.database.write(lambda c: closing.intend(c, "1", storage.at_rest, api_key="", now_ms=1))
    assert await behind.granting.revoke("1", FRIEND, by="backend")
    assert await count(behind, FRIEND, named=True) is None
    assert await behind.rotations() == 0


async def test_a_campaign_that_is_not_there(behind: Behind) -> None:
    granting, key = behind.granting, behind.reader.public_key().public_bytes_raw()
    assert await granting.keys("2", Asker("99", named=True), key) is None
    for refused in (
        granting.keys("2", Asker("99", sees_all=True), key),
        granting.grant("2", FRIEND, from_start=False, by=""),
        granting.revoke("2", FRIEND, by=""),
        granting.grants("2"),
    ):
        with pytest.raises(CampaignRefused, match="is not registered"):
            await refused


async def test_handing_out_is_told_and_counted_without_naming_anybody(behind: Behind) -> None:
    await behind.granting.grant("1", FRIEND, from_start=True, by="backend")
    with capture_logs() as told:
        handed = await behind.ask(FRIEND)
    assert behind.granting.handed == {"answers": 1, "keys": 3}
    assert handed is not None
    [line] = [line for line in told if line["event"] == "keys handed out"]
    assert (line["campaign"], line["kids"]) == ("1", 3)
    assert re.fullmatch(r"[0-9a-f]{16}", line["user"])  # which may have these digits in it
    assert line["user"] != hashlib.sha256(FRIEND.encode()).hexdigest()[:16]  # nor can the id be found by trying all
    assert not any(each.wrapped.hex() in str(line) for each in handed.epochs)
