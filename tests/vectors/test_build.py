"""The published vectors are what this code makes, and what it reads and refuses."""

from __future__ import annotations

import json
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bridge.errors import EnvelopeRejected
from bridge.keys.people import Purpose, unwrap_from
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.frame import open_frame
from bridge.protocol.wire.manifest import Belongs, parse_manifest
from tests.bridge.protocol.samples import CAMPAIGN, KEYS, PUBLIC_KEY, SIGNED, UNSIGNED
from tests.vectors.build import VECTORS, documents, text_of
from topics.values import TopicId

FRAMES = json.loads((VECTORS / "frames.json").read_text())


@pytest.mark.parametrize("name", sorted(documents()))
def test_the_files_are_what_the_code_makes(name: str) -> None:
    assert (VECTORS / name).read_text() == text_of(documents()[name]), "run `python -m tests.vectors.build`"


@pytest.mark.parametrize("vector", FRAMES["opens"], ids=lambda vector: vector["name"])
def test_frames_open_from_the_file_alone(vector: dict[str, object]) -> None:
    text = {name: value for name, value in vector.items() if isinstance(value, str)}
    keys = KeyTable(
        epochs=(Epoch.of(bytes.fromhex(text["epochKey"])),),
        users=tuple(Epoch.of(bytes.fromhex(key)) for key in vector["userKeys"].values()),  # type: ignore[attr-defined]
    )
    context = TopicContext(text["network"], TopicId.parse(text["topic"]), bool(vector["signed"]))
    public_key = bytes.fromhex(text["publicKey"]) if context.signed else None
    opened = open_frame(bytes.fromhex(text["frame"]), context=context, keys=keys, verify_with=public_key)
    assert opened.producer_sequence == vector["producerSequence"]
    assert [
        {
            "id": str(uuid.UUID(bytes=event.id)),
            "type": event.type,
            "timeMs": event.time_ms,
            "audience": event.audience,
            "data": event.data,
        }
        for event in opened.events
        if isinstance(event, Event)
    ] == vector["events"]


@pytest.mark.parametrize("vector", FRAMES["refused"], ids=lambda vector: vector["name"])
def test_frames_that_a_reader_refuses(vector: dict[str, str]) -> None:
    context = SIGNED if vector["signed"] else UNSIGNED
    with pytest.raises(EnvelopeRejected):
        open_frame(bytes.fromhex(vector["frame"]), context=context, keys=KEYS, verify_with=PUBLIC_KEY)


def test_the_manifests_read() -> None:
    for vector in json.loads((VECTORS / "manifest.json").read_text()):
        manifest = parse_manifest(
            bytes.fromhex(vector["message"]),
            network=vector["network"],
            topic_id=TopicId.parse(vector["topic"]),
            pinned=bytes.fromhex(vector["publicKey"]),
        )
        assert manifest.context.signed == vector["signed"]
        assert manifest.unseal(CAMPAIGN.key) == Belongs(vector["campaignId"], vector["ownerId"])


def test_the_key_wrapped_to_a_person_opens() -> None:
    vector = json.loads((VECTORS / "people.json").read_text())
    person = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["privateKey"]))
    purpose = Purpose(vector["purpose"], vector["network"], vector["owner"])
    key = unwrap_from(person, bytes.fromhex(vector["wrapped"]), purpose=purpose, kid=bytes.fromhex(vector["kid"]))
    assert key.hex() == vector["key"]
