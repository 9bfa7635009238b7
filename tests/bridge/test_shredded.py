"""A database made anew keeps nothing of what the topics say was shredded, though a key at hand could open it."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bridge.app import running
from bridge.commands import keys_acts
from bridge.commands.keys_made import backup
from bridge.commands.rebuilding import Request, rebuilt
from bridge.keys.taking_over import kept
from bridge.storage import opened
from tests.bridge.key_world import count, publish_all
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import SECRET, everything_that_opens, key_in
from tests.integration.world import world
from tests.rooms import until


async def test_a_rebuild_obeys_the_records(tmp_path: Path) -> None:
    private = X25519PrivateKey.generate()
    (tmp_path / "recovery.pub").write_text(private.public_key().public_bytes_raw().hex())
    (tmp_path / "recovery.key").write_text(private.private_bytes_raw().hex())
    (tmp_path / "recovery.key").chmod(0o600)
    async with world(tmp_path, keys__recovery_public_key_file=str(tmp_path / "recovery.pub")) as made:
        async with running(made.config):
            await publish_all(made)
            await backup(made.config, tmp_path / "users.keys")
            await keys_acts.shred(made.config, "user", "7", None)
            await keys_acts.shred(made.config, "campaign", "1", None)
            later = {"campaignId": "2", "message": SECRET + "later"}
            sent = {"event": "CAMPAIGN_CLOSED", "payload": later, "to": "user:7"}
            assert (await made.post("/v1/events", sent))[0] == 202
            await until(lambda: count(made, "entries WHERE state IN ('waiting', 'flying')") == 0)
            await until(lambda: count(made, "entries WHERE kind = 'shred' AND state = 'confirmed'") == 1)
            await until(lambda: count(made, "publications WHERE channel = 'user:7'") == 1)
            await backup(made.config, tmp_path / "newer.keys")
        for path in database_of(made).parent.glob(f"{database_of(made).name}*"):
            path.unlink()
        request = Request(
            payer=str(made.devnet.operator_id),
            recovery_key=tmp_path / "recovery.key",
            key_backup=tmp_path / "users.keys",  # from before
        )
        await rebuilt(made.config, request)
        async with opened(made.config, alone=False) as storage:
            owners = {each.owner for each in await storage.database.read(kept)}
            channel = await storage.database.read(lambda c: storage.store.read(c, "user:7", since=0, limit=9))
        assert owners == {"store", "campaign:2", "campaign:_account", "user:8"}
        assert channel == []
        assert everything_that_opens(made, [key_in(made.folder / "master.key")], [database_of(made)]) == {
            SECRET + name for name in ("campaign:2", "user:8")
        }
