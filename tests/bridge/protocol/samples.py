"""Keys, contexts and events for the tests of the wire format; keys are hashes of labels, worth nothing."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.control import Close, Control, Rotation, Shredded, Successor
from bridge.protocol.wire.dictionary import EVENTS, FIELDS, VALUES
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.events import MAX_TIME_MS, uuid7
from bridge.protocol.wire.frame import Sealing
from topics.values import TopicId

NETWORK = "devnet"
TOPIC = TopicId(0, 0, 7001)
SIGNED = TopicContext(NETWORK, TOPIC, signed=True)
UNSIGNED = TopicContext(NETWORK, TOPIC, signed=False)
AT_MS = 1_793_600_000_123


def fixed_key(label: str) -> bytes:
    """32 bytes that anyone can make again."""
    return hashlib.sha256(b"hcs-bridge test key: " + label.encode()).digest()


CAMPAIGN = Epoch.of(fixed_key("campaign 1234, first epoch"))
USER = Epoch.of(fixed_key("user 77, first epoch"))
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(fixed_key("bridge signing key"))
PUBLIC_KEY = SIGNING_KEY.public_key().public_bytes_raw()
KEYS = KeyTable(epochs=(CAMPAIGN,), users=(USER,))


def counted_ivs() -> Callable[[], bytes]:
    """IVs 0, 1, 2 …: never twice in a test, and the same in every run."""
    counter = itertools.count()
    return lambda: next(counter).to_bytes(12)


def sealing(*, pad_to: int = 32) -> Sealing:
    return Sealing(CAMPAIGN, counted_ivs(), lambda _user: USER, SIGNING_KEY, pad_to)


def event(number: int = 0, *, audience: str | None = None, **data: Any) -> Event:
    return Event(
        id=uuid7(AT_MS + number, bytes([number % 256]) * 10),
        type="CAMPAIGN_STATUS_UPDATE",
        time_ms=AT_MS + number,
        audience=audience,
        data=data or {"campaignId": "1234", "oldStatus": "CampaignApproved", "newStatus": "CampaignRunning"},
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
digits = st.integers(-(2**70), 2**70).map(str) | st.from_regex(r"\A[-+]?0?[0-9]{1,25}\Z")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
known_values = st.sampled_from(sorted({value for values in VALUES.values() for value in values}))
field_names = st.sampled_from(sorted(FIELDS)) | texts
payloads = st.dictionaries(
    field_names,
    digits | known_values | json_values | st.dictionaries(field_names, digits | known_values | json_values, max_size=3),
    max_size=5,
)
ids = st.builds(uuid7, st.integers(0, MAX_TIME_MS), st.binary(min_size=10, max_size=10))
times = st.integers(0, MAX_TIME_MS)
event_names = st.sampled_from(sorted(EVENTS)) | texts.filter(lambda name: bool(name) and name not in EVENTS)
events = st.builds(Event, ids, event_names, times, st.none() | st.from_regex(r"\A[A-Za-z0-9]{1,20}\Z"), payloads)
kids = st.binary(min_size=8, max_size=8)
bodies = (
    st.builds(Rotation, kids, st.none() | st.binary(max_size=100))
    | st.builds(Successor, st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
    | st.builds(Close)
    | st.builds(Shredded, st.lists(kids, min_size=1, max_size=5).map(tuple))
)
controls = st.builds(Control, ids, times, bodies)
