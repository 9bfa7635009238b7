"""Frames that were changed, moved or put together by someone else are refused."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.errors import EnvelopeRejected
from bridge.protocol.values import TopicContext
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.events import encode_event
from bridge.protocol.wire.frame import frame_kid, open_frame, signature_aad, topic_aad, user_aad
from tests.bridge.protocol.samples import CAMPAIGN, KEYS, PUBLIC_KEY, SIGNED, SIGNING_KEY, UNSIGNED, USER, event
from tests.bridge.protocol.wire.test_frame import opened, seal
from topics.values import TopicId

ELSEWHERE = [
    dataclasses.replace(SIGNED, network="mainnet"),
    dataclasses.replace(SIGNED, topic_id=TopicId(0, 0, 7002)),
]


def forge(content: bytes, *, context: TopicContext = UNSIGNED, sequence: int = 1) -> bytes:
    """A frame with any content, by someone who holds the epoch's key."""
    sealed = cose.encrypt0(content, CAMPAIGN, iv=bytes(12), external_aad=topic_aad(context), producer_sequence=sequence)
    return cbor.encode(sealed)


@pytest.mark.parametrize("context", [SIGNED, UNSIGNED])
def test_every_single_bit_flip_is_refused(context: TopicContext) -> None:
    frame = seal(event(0), event(1, audience="77"), context=context)
    for position in range(len(frame) * 8):
        changed = bytearray(frame)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(EnvelopeRejected):
            opened(bytes(changed), context=context)


def test_every_truncation_and_every_tail_is_refused() -> None:
    frame = seal(event())
    for length in range(len(frame)):
        with pytest.raises(EnvelopeRejected):
            opened(frame[:length])
    for tail in (b"\x00", frame):
        with pytest.raises(EnvelopeRejected):
            opened(frame + tail)


@pytest.mark.parametrize("context", ELSEWHERE)
def test_a_frame_moved_to_another_topic_or_network_is_refused(context: TopicContext) -> None:
    with pytest.raises(EnvelopeRejected):
        opened(seal(event()), context=context)


def test_a_signature_moved_under_another_seal_is_refused() -> None:
    """Someone who was granted the epoch takes a signed plaintext and seals it again as the next frame."""
    frame = cose.parse_encrypt0(cbor.decode(seal(event())), with_producer_sequence=True)
    signed = frame.unseal(CAMPAIGN.key, external_aad=topic_aad(SIGNED))
    assert opened(forge(signed, context=SIGNED, sequence=1))
    with pytest.raises(EnvelopeRejected, match="signature"):
        opened(forge(signed, context=SIGNED, sequence=2))
    assert open_frame(forge(signed, context=SIGNED, sequence=2), context=SIGNED, keys=KEYS).producer_sequence == 2


def test_another_bridges_signature_is_refused() -> None:
    with pytest.raises(EnvelopeRejected, match="signature"):
        open_frame(seal(event()), context=SIGNED, keys=KEYS, verify_with=bytes([*PUBLIC_KEY[:-1], PUBLIC_KEY[-1] ^ 1]))


def test_a_topic_that_signs_takes_no_unsigned_frame_nor_the_other_way_round() -> None:
    with pytest.raises(EnvelopeRejected, match="tag 18"):
        opened(seal(event(), context=UNSIGNED))
    with pytest.raises(EnvelopeRejected, match="list"):
        opened(seal(event()), context=UNSIGNED)


@pytest.mark.parametrize("place", [(1, 1), (2, 0)])
def test_a_users_event_moved_to_another_place_is_refused(place: tuple[int, int]) -> None:
    inner = cose.encrypt0(
        cbor.encode(encode_event(event(audience="77"))),
        USER,
        iv=bytes(12),
        external_aad=user_aad(UNSIGNED, (1, 0)),
    )
    assert opened(forge(cbor.encode([inner])), context=UNSIGNED).user_kids == (USER.kid,)
    items = [encode_event(event())] * place[1] + [inner]
    with pytest.raises(EnvelopeRejected, match="does not open"):
        opened(forge(cbor.encode(items), sequence=place[0]), context=UNSIGNED)


GOOD = encode_event(event())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(32),
        cbor.encode([]),
        cbor.encode({1: 2}),
        cbor.encode([[]]),
        cbor.encode([GOOD]) + b"\x01",  # something other than padding
        cbor.encode([GOOD]) + bytes(31) + b"\x01",
        cbor.encode([GOOD] * 1001),
        cbor.encode([{**GOOD, 4: "77"}]),  # an audience outside its seal
        cbor.encode([cbor.Tag(18, [b"", {}, b"", b""])]),
        b"\x98\x01" + cbor.encode(GOOD),  # the array's length in two bytes
        b"\x9f" + cbor.encode(GOOD) + b"\xff",
    ],
)
def test_content_that_no_writer_makes_is_refused(content: bytes) -> None:
    with pytest.raises(EnvelopeRejected):
        opened(forge(content), context=UNSIGNED)


def test_signed_content_is_one_item_and_nothing_else() -> None:
    protected = cose.encrypt0_protected(CAMPAIGN.kid, 1)
    payload = cbor.encode([GOOD]) + b"\x00"  # padding belongs outside the signature
    signed = cose.sign1(payload, SIGNING_KEY, external_aad=signature_aad(SIGNED, protected))
    with pytest.raises(EnvelopeRejected, match="CBOR"):
        opened(forge(cbor.encode(signed), context=SIGNED))


@pytest.mark.parametrize("message", [b"", b"hello", b"\xd0", bytes(1024), b'{"p":"hcs-2"}', b"\xd0\x83\x40\xa0\x40"])
def test_foreign_messages_are_refused(message: bytes) -> None:
    with pytest.raises(EnvelopeRejected):
        opened(message)
    with pytest.raises(EnvelopeRejected):
        frame_kid(message)
