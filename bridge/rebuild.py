"""Makes registry, publications and positions anew out of the topics themselves, with the keys that are at hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from bridge import settings, shards, shredded
from bridge.crossing import confirm
from bridge.errors import BridgeError, EnvelopeRejected, ProducerGap
from bridge.keys.ring import CampaignKeys, campaign_owner, stand_at
from bridge.keys.taking_over import RecoveredKeys, Recovery
from bridge.protocol.channels import ACCOUNT
from bridge.protocol.wire.control import Rotation, Shredded
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.manifest import Manifest, parse_manifest
from bridge.publish import flights
from bridge.relay import progress
from bridge.relay.placed import Noted
from bridge.relay.store import Source
from bridge.relay.tail import Batch, Progress, TopicTail
from bridge.rooms import topic_rules
from bridge.schema import registry
from bridge.storage import Storage, now_ms
from topics.errors import Unavailable
from topics.mirror.rest import Mirror
from topics.registry import TopicState
from topics.values import TopicId, TopicMessage


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a message came to, and the epochs that it brought."""

    batch: Batch
    epochs: Sequence[Epoch]


EPOCH_MISSING = "the epoch in force there is not at hand"
Names = Callable[[], Awaitable[Sequence[TopicId]]]


class TopicUnfit(BridgeError):
    """A topic can't be rebuilt as it is shown; nothing was put in place."""

    def __init__(self, topic_id: TopicId, why: str, *, hint: str = "") -> None:
        self.topic_id = topic_id
        self.hint = hint
        super().__init__(f"topic {topic_id}: {why}")


@dataclass(slots=True)
class Tally:
    """What came of the topics named. `locked` are ours, and no key at hand opens them; `empty` have no message.

    `foreign` begin with something else than a manifest of ours; `second` are of a campaign that has another topic;
    `lost` can't be read on, and why.
    """

    campaigns: dict[TopicId, str] = field(default_factory=dict)
    locked: set[TopicId] = field(default_factory=set)
    empty: set[TopicId] = field(default_factory=set)
    foreign: set[TopicId] = field(default_factory=set)
    second: set[TopicId] = field(default_factory=set)
    lost: dict[TopicId, str] = field(default_factory=dict)
    messages: int = 0
    publications: int = 0
    skipped: int = 0
    newest_ns: int = 0
    """The latest consensus time that was seen."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Reads topics into a storage whose writer goes. What it has read is kept: a second run goes on behind it.

    With `settle_s`, what the lost bridge had sent may reach the ledger until then: all topics are looked at again
    after that time. With `spare`, a topic whose epoch in force isn't at hand is told as lost, and the others go on.
    `on_topic` is told what was read, how many topics are done, and of how many.
    """

    storage: Storage
    mirror: Mirror
    recovery: Recovery | None = None
    settle_s: float = 0
    spare: bool = False
    on_topic: Callable[[str, int, int], None] = lambda _read, _done, _of: None

    async def run(self, names: Names) -> Tally:
        """Read all that the topics named have, and leave the storage ready for a daemon.

        Raises TopicUnfit, IntegrityError (topics) and ProducerGap for a topic that fails its checks, and as `Mirror`.
        """
        tally = Tally()
        reached_ns = await self.mirror.latest_consensus_ns()
        ends_s = time.monotonic() + self.settle_s
        await self._read_all(await names(), tally)
        if self.settle_s:
            await asyncio.sleep(ends_s - time.monotonic())
            await self._read_all(await names(), tally)
        tally.newest_ns = max(tally.newest_ns, await self.mirror.latest_consensus_ns())
        await self.storage.database.write(lambda c: self._finish(c, tally, reached_ns))
        return tally

    async def _read_all(self, topic_ids: Sequence[TopicId], tally: Tally) -> None:
        parallel, done = asyncio.Semaphore(self.storage.config.relay.max_parallel_topics), 0

        async def read(topic_id: TopicId) -> None:
            nonlocal done
            async with parallel:
                await self._read(topic_id, tally)
            done += 1
            self.on_topic(f"topics ({tally.messages} messages)", done, len(topic_ids))

        async with asyncio.TaskGroup() as group:
            for topic_id in topic_ids:
                group.create_task(read(topic_id), name=f"topic-{topic_id}")

    async def _read(self, topic_id: TopicId, tally: Tally) -> None:
        first, newest = await self.mirror.message(topic_id, 1), await self.mirror.newest_message(topic_id)
        if first is None or newest is None:
            if newest is not None or await self.mirror.topic(topic_id) is None:
                raise TopicUnfit(topic_id, "the mirror doesn't know it, or not its first message")
            tally.empty.add(topic_id)
            return
        tally.empty.discard(topic_id)
        tally.newest_ns = max(tally.newest_ns, newest.consensus_ns)
        network, pinned = self.storage.config.network.name, self.storage.keys.public
        try:
            manifest = parse_manifest(first.message, network=network, topic_id=topic_id, pinned=pinned)
        except EnvelopeRejected:
            tally.foreign.add(topic_id)
            return
        registered = await self.storage.database.write(lambda c: self._register(c, manifest, first))
        if registered is None:
            tally.locked.add(topic_id)
        elif registered[1] != topic_id:
            tally.second.add(topic_id)
        else:
            tally.campaigns[topic_id] = registered[0]
            try:
                await self._read_on(Source(topic_id, registered[0]), newest.sequence, tally)
            except ProducerGap as gap:  # behind frames that no key at hand opens
                if not self.spare:
                    raise
                tally.lost[topic_id] = str(gap)

    def _register(
        self, connection: Connection, manifest: Manifest, first: TopicMessage
    ) -> tuple[str, TopicId | None] | None:
        """The campaign that the manifest names, and the topic that it has on record; None: no key opens it."""
        if (epoch := self._first_epoch(connection, manifest)) is None:
            return None
        topic_id, made_ms = manifest.context.topic_id, first.consensus_ns // 1_000_000
        try:
            belongs = manifest.unseal(epoch.key)
        except EnvelopeRejected as rejected:  # signed by us, and not what we write
            raise TopicUnfit(topic_id, f"its manifest can't be believed: {rejected.reason}") from rejected
        ref, ring = belongs.campaign_id, self.storage.ring
        if ring.find(connection, campaign_owner(ref), manifest.kid) is None:
            if ring.find_campaign(connection, manifest.kid) is not None:
                raise TopicUnfit(topic_id, f"its manifest names campaign {ref}, and its key is kept for another")
            ring.keep(connection, campaign_owner(ref), epoch, now_ms=made_ms)
        sealed = self.storage.config.relay.mode == "sealed" and ref != ACCOUNT  # the ledger doesn't tell
        known = registry.intend(connection, ref, owner=belongs.owner_id, now_ms=made_ms, sealed=sealed)
        if known.topic_id is None:
            registry.created(connection, ref, topic_id)
        if known.topic_id in {None, topic_id} and known.state in {TopicState.INTENDED, TopicState.CREATED}:
            registry.manifested(connection, ref, signed=manifest.context.signed)
            registry.ready(connection, ref)
        return ref, known.topic_id or topic_id

    def _first_epoch(self, connection: Connection, manifest: Manifest) -> Epoch | None:
        """From the ring, or by the recovery key."""
        held = self.storage.ring.find_campaign(connection, manifest.kid)
        if held is not None or self.recovery is None:
            return held
        return self.recovery.open(manifest.wrapped, topic_id=manifest.context.topic_id, kid=manifest.kid)

    async def _read_on(self, source: Source, newest: int, tally: Tally) -> None:
        """From where the storage stands to the topic's end, at least to sequence number `newest`."""
        storage, topic_id = self.storage, source.topic_id
        sealed = await storage.database.read(lambda c: registry.sealed(c, [source.ref]))
        rules = replace(topic_rules(storage, topic_id), sealed=bool(sealed))
        tail = TopicTail(rules, await storage.database.read(partial(_progress, topic_id)))
        limit = storage.config.relay.batch_messages
        while messages := await self.mirror.messages(topic_id, after=tail.position.sequence, limit=limit):
            opened = await storage.database.read(partial(self._open, tail, messages, source.ref))
            await storage.database.write(partial(self._keep, source, opened))
            tally.messages += len(messages)
            tally.publications += sum(len(each.batch.events) + len(each.batch.frames) for each in opened)
        if tail.position.sequence < newest:  # one of several replicas, behind the one asked before
            raise Unavailable(f"mirror {self.mirror.url}", f"topic {topic_id} ends before message {newest} all at once")

    def _open(
        self, tail: TopicTail, messages: Sequence[TopicMessage], ref: str, connection: Connection
    ) -> list[_Opened]:
        """Each message by itself: one may bring the key of those behind it."""
        keys = RecoveredKeys(CampaignKeys(self.storage.ring, connection, ref))
        opened = []
        for message in messages:
            batch = tail.take([message], keys)
            found = [self._recovered(message.topic_id, noted, keys) for noted in batch.controls]
            opened.append(_Opened(batch, [epoch for epoch in found if epoch is not None]))
        return opened

    def _recovered(self, topic_id: TopicId, noted: Noted, keys: RecoveredKeys) -> Epoch | None:
        """The epoch that a rotation announces, if it isn't held and the recovery key opens it; `keys` learn it."""
        match noted.control.body:
            case Rotation(kid, wrapped) if self.recovery is not None and keys.epoch(kid) is None:
                if (epoch := self.recovery.open(wrapped, topic_id=topic_id, kid=kid)) is not None:
                    keys.learned[kid] = epoch
                return epoch
        return None

    def _keep(self, source: Source, opened: Sequence[_Opened], connection: Connection) -> None:
        owner = campaign_owner(source.ref)
        for each in opened:
            now_ms, since = each.batch.messages[-1].consensus_ns // 1_000_000, each.batch.progress.producer_sequence
            for noted in each.batch.controls:
                if isinstance(noted.control.body, Shredded):
                    shredded.note(connection, noted.control.body.kids, noted.place.consensus_ns)
            for epoch in each.epochs:
                self.storage.ring.keep(connection, owner, epoch, now_ms=now_ms, since=since)
        confirm(connection, [each.batch for each in opened])
        self.storage.store.append(connection, [(source, each.batch) for each in opened])

    def _finish(self, connection: Connection, tally: Tally, reached_ns: int) -> None:
        """Let the outbound corridor go on where the topics end, with ids that are new, and the sweep from `reached`."""
        tally.skipped = 0
        for topic_id, ref in tally.campaigns.items():
            read = _progress(topic_id, connection)
            if read.kid is None or not stand_at(connection, campaign_owner(ref), read.kid):
                if not self.spare:
                    raise TopicUnfit(topic_id, EPOCH_MISSING, hint="use a newer backup")
                tally.lost.setdefault(topic_id, EPOCH_MISSING)
            flights.stand_behind(connection, ref, topic_id, read.producer_sequence, now_ms=now_ms())
            tally.skipped += read.skipped
        shredded.obey(connection)
        shards.keep_cursor(connection, max(0, reached_ns - settings.SLACK_NS))
        settings.keep(connection, settings.IDS_BEGIN, str(tally.newest_ns))


def _progress(topic_id: TopicId, connection: Connection) -> Progress:
    return progress.of(connection, topic_id)
