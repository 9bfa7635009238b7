"""The fault table as one side of one mirror asks it."""

from __future__ import annotations

from itertools import chain

from topics.devnet.faults import Fault, Faults, Place, Side, Standing
from topics.devnet.mirror_index import MirrorIndex, MirrorTopic
from topics.devnet.mirror_lies import Lies
from topics.devnet.mirror_parameters import MAX_INT64
from topics.devnet.mirror_view import MirrorView
from topics.devnet.settings import DevnetSettings
from topics.values import NANOS, TopicId


class MirrorFaults:
    """What goes wrong on this `side` of mirror `number`. The topic is the one that a call is about, None for none."""

    def __init__(self, faults: Faults, settings: DevnetSettings, *, number: int, side: Side) -> None:
        self._faults = faults
        self._settings = settings
        self._place = Place(mirror=number, side=side)

    def strike(self, fault: Fault, topic: TopicId | None = None) -> Standing | None:
        """The fault that happens to this call. Counts it."""
        return self._faults.strike(fault, self._place._replace(topic=topic))

    def find(self, fault: Fault, topic: TopicId | None = None) -> Standing | None:
        """The fault that would. Doesn't count it."""
        return self._faults.find(fault, self._place._replace(topic=topic))

    def strike_stream(self, fault: Fault, topic: TopicId, given: int) -> Standing | None:
        """The fault that happens to a stream which has given so many messages. Counts it."""
        found = self.find(fault, topic)
        return self.strike(fault, topic) if found is not None and given >= (found.asked.get("after") or 0) else None

    def view(self, index: MirrorIndex, topic: TopicId | None) -> MirrorView:
        """What one REST answer is made from."""
        horizon_ns = self.horizon_ns(topic, lag_ns=self.replica_lag_ns(topic), counted=True)
        shown = None if topic is None else index.topics.get(topic)
        if shown is None:
            return MirrorView(index, horizon_ns=horizon_ns)
        lies = self.lies(shown)
        return MirrorView(index, horizon_ns=horizon_ns, tell=lambda messages: chain(lies.tell(messages), lies.rest()))

    def lies(self, topic: MirrorTopic) -> Lies:
        """What is made of that topic's messages on one page or in one stream."""
        place = self._place._replace(topic=topic.entity.id)
        return Lies(
            topic.messages,
            strike=lambda fault, sequence: self._faults.strike(fault, place._replace(sequence=sequence)),
            find=lambda fault, sequence: self._faults.find(fault, place._replace(sequence=sequence)),
        )

    def horizon_ns(self, topic: TopicId | None, *, lag_ns: int = 0, counted: bool = False) -> int:
        """The consensus time behind which nothing is known yet; far away where the mirror is neither late nor frozen.

        `lag_ns` is how late the replica is that answers. A REST request counts as a call, a stream's look doesn't.
        """
        ask = self.strike if counted else self.find
        lag, frozen = ask(Fault.MIRROR_LAG, topic), ask(Fault.MIRROR_FREEZE, topic)
        lag_ns += 0 if lag is None else _lag_ns(lag)
        delay_ns = self._settings.mirror_delay_ns
        return min(
            self._settings.clock() - delay_ns - lag_ns if lag_ns else MAX_INT64,
            MAX_INT64 if frozen is None else frozen.since_ns - delay_ns,
        )

    def replica_lag_ns(self, topic: TopicId | None) -> int:
        """How late the replica is whose turn it is."""
        replicas = self.strike(Fault.MIRROR_REPLICAS, topic)
        if replicas is None:
            return 0
        replicas.turns += 1
        return 0 if replicas.turns % 2 else _lag_ns(replicas)


def _lag_ns(standing: Standing) -> int:
    return round((standing.asked.get("lag_s") or 0) * NANOS)
