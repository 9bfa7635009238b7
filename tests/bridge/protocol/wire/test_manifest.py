"""A manifest says who may be believed in a topic; a forged, moved or odd one is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bridge.errors import EnvelopeRejected
from bridge.protocol.values import TopicContext
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.epochs import topic_ref
from bridge.protocol.wire.frame import topic_aad
from bridge.protocol.wire.manifest import Belongs, Manifest, build_manifest, parse_manifest
from tests.bridge.protocol.samples import (
    CAMPAIGN,
    NETWORK,
    PUBLIC_KEY,
    SIGNED,
    SIGNING_KEY,
    TOPIC,
    UNSIGNED,
    USER,
)
from topics.values import TopicId

BELONGS = Belongs("1234", "77")


def build(context: TopicContext = SIGNED, belongs: Belongs = BELONGS, wrapped: bytes | None = bytes(80)) -> bytes:
    return build_manifest(
        belongs, context=context, epoch=CAMPAIGN, iv=bytes(12), wrapped=wrapped, signing_key=SIGNING_KEY
    )


def parse(message: bytes, pinned: bytes | None = PUBLIC_KEY) -> Manifest:
    return parse_manifest(message, network=NETWORK, topic_id=TOPIC, pinned=pinned)


def resigned(**changes: Any) -> bytes:
    """A manifest whose payload differs in these labels (`l6=…`), signed again by the same key; `...` deletes."""
    payload = cbor.decode(cose.parse_sign1(cbor.decode(build())).payload)
    assert isinstance(payload, dict)
    payload = {**payload, **{int(label[1:]): value for label, value in changes.items()}}
    payload = {label: value for label, value in payload.items() if value is not ...}
    return cbor.encode(cose.sign1(cbor.encode(payload), SIGNING_KEY, external_aad=topic_aad(SIGNED)))


@pytest.mark.parametrize("context", [SIGNED, UNSIGNED])
@pytest.mark.parametrize("belongs", [BELONGS, Belongs("_account", None), Belongs("1234", None)])
@pytest.mark.parametrize("wrapped", [None, bytes(80)])
def test_round_trip(context: TopicContext, belongs: Belongs, wrapped: bytes | None) -> None:
    manifest = parse(build(context, belongs, wrapped))
    assert (manifest.context, manifest.public_key, manifest.kid) == (context, PUBLIC_KEY, CAMPAIGN.kid)
    assert (manifest.ref, manifest.wrapped) == (topic_ref(CAMPAIGN.key, belongs.campaign_id), wrapped)
    assert manifest.pinned
    assert manifest.unseal(CAMPAIGN.key) == belongs


def test_without_a_pin_it_is_read_but_not_believed() -> None:
    assert not parse(build(), pinned=None).pinned
    with pytest.raises(EnvelopeRejected, match="pinned"):
        parse(build(), pinned=bytes(32))


def test_nothing_of_the_campaign_shows() -> None:
    belongs = Belongs("campaign-canary", "owner-canary")
    assert b"canary" not in build(SIGNED, belongs)
    with pytest.raises(EnvelopeRejected, match="first epoch"):
        parse(build()).unseal(USER.key)


def test_every_single_bit_flip_is_refused() -> None:
    message = build()
    for position in range(len(message) * 8):
        changed = bytearray(message)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(EnvelopeRejected):
            parse(bytes(changed))


def test_every_truncation_is_refused() -> None:
    message = build()
    for length in range(len(message)):
        with pytest.raises(EnvelopeRejected):
            parse(message[:length])


@pytest.mark.parametrize(
    "context",
    [dataclasses.replace(SIGNED, network="mainnet"), dataclasses.replace(SIGNED, topic_id=TopicId(0, 0, 7002))],
)
def test_a_manifest_of_another_topic_is_refused(context: TopicContext) -> None:
    with pytest.raises(EnvelopeRejected, match="another topic"):
        parse(build(context))
    with pytest.raises(EnvelopeRejected, match="signature"):
        parse(
            cbor.encode(
                cose.sign1(cose.parse_sign1(cbor.decode(build())).payload, SIGNING_KEY, external_aad=topic_aad(context))
            )
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"l1": 2},
        {"l1": True},
        {"l1": ...},
        {"l2": 1},
        {"l2": "mainnet"},
        {"l3": "7001"},
        {"l3": "0.0.07001"},
        {"l3": 7001},
        {"l4": bytes(15)},
        {"l5": 1},
        {"l5": None},
        {"l6": bytes(31)},
        {"l6": bytes(32)},
        {"l7": bytes(7)},
        {"l7": USER.kid},  # not the one of the sealed part
        {"l8": "text"},
        {"l8": ...},
        {"l9": None},
        {"l10": 0},
    ],
)
def test_other_payloads_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeRejected):
        parse(resigned(**changes))


def test_the_unchanged_payload_signed_again_passes() -> None:
    assert parse(resigned()) == parse(build())


@pytest.mark.parametrize("payload", [b"", cbor.encode([]), cbor.encode(1)])
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(EnvelopeRejected):
        parse(cbor.encode(cose.sign1(payload, SIGNING_KEY, external_aad=topic_aad(SIGNED))))


def private_part(content: bytes) -> bytes:
    aad = cbor.encode(["hcs-bridge/1", NETWORK, str(TOPIC), "manifest"])
    return resigned(l9=cose.encrypt0(content, CAMPAIGN, iv=bytes(12), external_aad=aad))


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        cbor.encode([]),
        cbor.encode({1: "1234"}),
        cbor.encode({1: 1234, 2: None}),
        cbor.encode({1: "1234", 2: 77}),
        cbor.encode({1: "1235", 2: None}),  # another campaign than the ref's
    ],
)
def test_an_odd_sealed_part_is_refused(content: bytes) -> None:
    with pytest.raises(EnvelopeRejected):
        parse(private_part(content)).unseal(CAMPAIGN.key)


def test_a_frame_is_no_manifest() -> None:
    with pytest.raises(EnvelopeRejected, match="tag 18"):
        parse(cbor.encode(cose.encrypt0(b"", CAMPAIGN, iv=bytes(12), external_aad=b"")))
