"""The frames of the vectors: what opens, with every step on the way, and what a reader must refuse."""

from __future__ import annotations

import dataclasses

from bridge.protocol.values import JSON, Event, TopicContext
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.events import code_event, encode_event
from bridge.protocol.wire.frame import seal_frame, signature_aad, topic_aad, user_aad
from tests.bridge.protocol.samples import CAMPAIGN, PUBLIC_KEY, SIGNED, SIGNING_KEY, UNSIGNED, USER, sealing
from tests.vectors.payloads import event_of, shown
from topics.values import TopicId


def frames() -> list[dict[str, JSON]]:
    """Signed and unsigned, one event and many, for everyone and for one user."""
    to_user = [event_of(0), event_of(4, audience="77"), event_of(9)]
    return [
        _frame("one event, unsigned", [event_of(0)], UNSIGNED, sequence=1),
        _frame("one event, signed", [event_of(0)], SIGNED, sequence=1),
        _frame("one event, signed, not padded", [event_of(0)], SIGNED, sequence=24, pad_to=1),
        _frame("events for everyone and one for user 77, signed", to_user, SIGNED, sequence=256),
        _frame("an event for user 77 alone, unsigned", [event_of(7, audience="77")], UNSIGNED, sequence=2),
    ]


def _frame(
    name: str, events: list[Event], context: TopicContext, *, sequence: int, pad_to: int = 32
) -> dict[str, JSON]:
    made = seal_frame(
        [code_event(each) for each in events],
        context=context,
        producer_sequence=sequence,
        sealing=sealing(pad_to=pad_to),
    )
    outer = cose.parse_encrypt0(cbor.decode(made), with_producer_sequence=True)
    aad = topic_aad(context)
    return {
        "name": name,
        "network": context.network,
        "topic": str(context.topic_id),
        "signed": context.signed,
        "producerSequence": sequence,
        "padTo": pad_to,
        "epochKey": CAMPAIGN.key.hex(),
        "userKeys": {"77": USER.key.hex()},
        "signingKey": SIGNING_KEY.private_bytes_raw().hex() if context.signed else None,
        "publicKey": PUBLIC_KEY.hex() if context.signed else None,
        "ivs": [iv.to_bytes(12).hex() for iv in range(1 + sum(event.audience is not None for event in events))],
        "ivsAre": "the users' events in their order, then the frame",
        "events": [dict(shown(event)) for event in events],
        "protected": outer.protected.hex(),
        "externalAad": aad.hex(),
        "signatureAad": signature_aad(context, outer.protected).hex() if context.signed else None,
        "userAads": {
            str(index): user_aad(context, (sequence, index)).hex()
            for index, event in enumerate(events)
            if event.audience is not None
        },
        "plaintext": outer.unseal(CAMPAIGN.key, external_aad=aad).hex(),
        "frame": made.hex(),
    }


def refused_frames() -> list[dict[str, JSON]]:
    """Each would open with the keys above, in topic 0.0.7001 of devnet, but for the fault that it is named for."""
    good = seal_frame([code_event(event_of(0))], context=SIGNED, producer_sequence=1, sealing=sealing())
    one = cbor.encode([encode_event(event_of(0))])
    elsewhere = dataclasses.replace(SIGNED, topic_id=TopicId(0, 0, 7002))
    signed = cose.parse_encrypt0(cbor.decode(good), with_producer_sequence=True).unseal(
        CAMPAIGN.key, external_aad=topic_aad(SIGNED)
    )
    coded = encode_event(event_of(0))
    spelled_out = cbor.encode([{**coded, 2: "CAMPAIGN_STATUS_UPDATE"}])
    return [
        _refused("made for topic 0.0.7002", seal_frame(
            [code_event(event_of(0))], context=elsewhere, producer_sequence=1, sealing=sealing()), signed=True),
        _refused("made for mainnet", seal_frame(
            [code_event(event_of(0))], context=dataclasses.replace(SIGNED, network="mainnet"), producer_sequence=1,
            sealing=sealing()), signed=True),
        _refused("no tag", good[1:], signed=True),
        _refused("a byte behind", good + b"\x00", signed=True),
        _refused("last bit flipped", good[:-1] + bytes([good[-1] ^ 1]), signed=True),
        _refused("array length in two bytes", good[:1] + b"\x98\x03" + good[2:], signed=True),
        _refused("unsigned where the manifest says signed", _sealed(one, sequence=1), signed=True),
        _refused("signed where the manifest says unsigned", good, signed=False),
        _refused("signature of producer sequence 1 under 2", _sealed(signed, sequence=2), signed=True),
        _refused("a byte other than zero in the padding", _sealed(one + b"\x00\x01", sequence=1), signed=False),
        _refused("no events", _sealed(b"\x80", sequence=1), signed=False),
        _refused("an audience outside its seal", _sealed(cbor.encode([{**coded, 4: "77"}]), sequence=1), signed=False),
        _refused("a type spelled out that has a code", _sealed(spelled_out, sequence=1), signed=False),
        _refused("indefinite array", _sealed(b"\x9f" + one[1:] + b"\xff", sequence=1), signed=False),
    ]  # fmt: skip


def _sealed(content: bytes, *, sequence: int) -> bytes:
    return cbor.encode(
        cose.encrypt0(content, CAMPAIGN, iv=bytes(12), external_aad=topic_aad(UNSIGNED), producer_sequence=sequence)
    )


def _refused(name: str, frame: bytes, *, signed: bool) -> dict[str, JSON]:
    return {"name": name, "signed": signed, "frame": frame.hex()}
