"""Builds the test vectors of wire format version 1: `python -m tests.vectors.build` writes them beside this file.

Bytes are hexadecimal. Keys are SHA-256 of a public label, worth nothing; IVs count from 0.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bridge.keys.people import recovery, wrap_to
from bridge.protocol.channels import Channel, campaign_offset, channel_epoch
from bridge.protocol.realtime import cbc
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire import cbor, dictionary
from bridge.protocol.wire.control import (
    Close,
    Control,
    ControlBody,
    Rotation,
    Shredded,
    Successor,
    control_code,
    successor_statement,
)
from bridge.protocol.wire.epochs import topic_ref
from bridge.protocol.wire.events import encode_event
from bridge.protocol.wire.manifest import Belongs, build_manifest
from bridge.protocol.wire.wrapping import seal_body, wrap_key
from tests.bridge.protocol.samples import (
    AT_MS,
    CAMPAIGN,
    NETWORK,
    SIGNED,
    SIGNING_KEY,
    TOPIC,
    UNSIGNED,
    USER,
    fixed_key,
)
from tests.vectors.frames import frames, refused_frames
from tests.vectors.payloads import PAYLOADS, event_of, shown
from topics.values import TopicId

VECTORS = Path(__file__).parent
MASTER = fixed_key("master key")
NEXT_SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(fixed_key("bridge signing key, successor"))
RECOVERY = X25519PrivateKey.from_private_bytes(fixed_key("recovery key"))
PURPOSE = recovery(NETWORK, TOPIC)


def documents() -> dict[str, object]:
    """Every file by its name, except `people.json`, which holds something random."""
    return {
        "channels.json": _channels(),
        "dictionary.json": _dictionary(),
        "events.json": [_event(event_of(number)) for number in range(len(PAYLOADS))]
        + [_event(event_of(4, audience="77"))]
        + [_control(number, body) for number, body in enumerate(_bodies())],
        "frames.json": {"opens": frames(), "refused": refused_frames()},
        "keys.json": _keys(),
        "manifest.json": [_manifest(SIGNED, "77", bytes(range(80))), _manifest(UNSIGNED, None, None)],
        "wrapping.json": _wrapping(),
        "cbc.json": _cbc(),
    }


def people() -> dict[str, Any]:
    """An HPKE wrap; new in every run, so it is built once and from then on only opened."""
    return {
        "purpose": PURPOSE.name,
        "network": PURPOSE.network,
        "owner": PURPOSE.owner,
        "kid": CAMPAIGN.kid.hex(),
        "privateKey": RECOVERY.private_bytes_raw().hex(),
        "publicKey": RECOVERY.public_key().public_bytes_raw().hex(),
        "wrapped": wrap_to(RECOVERY.public_key(), CAMPAIGN.key, purpose=PURPOSE).hex(),
        "key": CAMPAIGN.key.hex(),
    }


def _cbc() -> list[dict[str, str]]:
    """The plain socket's legacy framing, which is no part of the wire format."""
    key, data = (
        fixed_key("plain socket"),
        json.dumps({"type": "BALANCE", "payload": {"newBalance": "9007199254740993"}}),
    )
    texts = ["", "sixteen bytes ok", data, "\N{EURO SIGN}"]
    ivs = [bytes([number]).rjust(cbc.IV_BYTES, b"\0") for number in range(len(texts))]
    return [
        {"key": key.hex(), "text": text, "data": cbc.encrypt(text.encode(), key, iv=iv)}
        for text, iv in zip(texts, ivs, strict=True)
    ]


def text_of(document: object) -> str:
    """The text of a file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _keys() -> list[dict[str, str]]:
    named = {"campaign 1234, first epoch": CAMPAIGN, "user 77, first epoch": USER}
    return [
        {
            "label": label,
            "key": epoch.key.hex(),
            "kid": epoch.kid.hex(),
            "refOfCampaign1234": topic_ref(epoch.key, "1234").hex(),
        }
        for label, epoch in named.items()
    ]


def _dictionary() -> dict[str, object]:
    return {
        "version": 1,
        "events": dict(dictionary.EVENTS),
        "fields": {name: {"code": code, "kind": kind} for name, (code, kind) in dictionary.FIELDS.items()},
        "values": {name: list(values) for name, values in dictionary.VALUES.items()},
    }


def _event(event: Event) -> dict[str, object]:
    return {**shown(event), "cbor": cbor.encode(encode_event(event)).hex()}


def _bodies() -> list[ControlBody]:
    successor = NEXT_SIGNING_KEY.public_key().public_bytes_raw()
    return [
        Rotation(USER.kid, None),
        Rotation(USER.kid, bytes(range(80))),
        Successor(successor, SIGNING_KEY.sign(successor_statement(SIGNED, successor))),
        Close(),
        Shredded((CAMPAIGN.kid, USER.kid)),
    ]


def _control(number: int, body: ControlBody) -> dict[str, object]:
    control = Control(event_of(number).id, AT_MS + number, body)
    return {
        "id": str(uuid.UUID(bytes=control.id)),
        "control": type(body).__name__,
        "code": control_code(body),
        "timeMs": control.time_ms,
        "cbor": cbor.encode(encode_event(control)).hex(),
    }


def _manifest(context: TopicContext, owner_id: str | None, wrapped: bytes | None) -> dict[str, object]:
    iv = bytes(12)
    message = build_manifest(
        Belongs("1234", owner_id), context=context, epoch=CAMPAIGN, iv=iv, wrapped=wrapped, signing_key=SIGNING_KEY
    )
    return {
        "network": context.network,
        "topic": str(context.topic_id),
        "signed": context.signed,
        "campaignId": "1234",
        "ownerId": owner_id,
        "epochKey": CAMPAIGN.key.hex(),
        "iv": iv.hex(),
        "wrapped": None if wrapped is None else wrapped.hex(),
        "signingKey": SIGNING_KEY.private_bytes_raw().hex(),
        "publicKey": SIGNING_KEY.public_key().public_bytes_raw().hex(),
        "ref": topic_ref(CAMPAIGN.key, "1234").hex(),
        "message": message.hex(),
    }


def _wrapping() -> dict[str, object]:
    nonce = bytes(range(12))
    wrapped = wrap_key(CAMPAIGN.key, master_key=MASTER, nonce=nonce, owner="campaign:1234")
    row: tuple[str | int | bytes, ...] = ("1234", 7, b"\x01")
    body = seal_body(b"body", key=USER.key, nonce=nonce, label="outbox", row=row)
    return {
        "key": {
            "masterKey": MASTER.hex(),
            "owner": "campaign:1234",
            "key": CAMPAIGN.key.hex(),
            "kid": CAMPAIGN.kid.hex(),
            "nonce": nonce.hex(),
            "wrapped": wrapped.hex(),
        },
        "body": {
            "storeKey": USER.key.hex(),
            "aad": cbor.encode(["outbox", *row]).hex(),
            "nonce": nonce.hex(),
            "body": b"body".hex(),
            "sealed": body.hex(),
        },
    }


def _channels() -> dict[str, object]:
    places = [(1, 0), (2, 999), (17, 1), (9_007_199_254_740, 990)]
    return {
        "offsets": [
            {"sequence": sequence, "index": index, "offset": campaign_offset(sequence, index)}
            for sequence, index in places
        ],
        "epochs": [
            {
                "topic": str(topic_id),
                "runningHashOfMessage1": bytes(range(48)).hex(),
                "epoch": channel_epoch(topic_id, bytes(range(48))),
            }
            for topic_id in (TOPIC, TopicId(0, 0, 1001))
        ],
        "names": [str(Channel.parse(name)) for name in ("campaign:1234", "user:77")],
    }


def main() -> None:
    """Write the files; `people.json` only if it isn't there."""
    for name, document in documents().items():
        (VECTORS / name).write_text(text_of(document))
    if not (VECTORS / "people.json").exists():
        (VECTORS / "people.json").write_text(text_of(people()))


if __name__ == "__main__":
    main()
