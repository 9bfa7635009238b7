"""Frames: events signed, sealed and padded into one HCS message, and the strict way back (docs/wire-format.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from bridge.errors import EnvelopeRejected, KeyMissing
from bridge.protocol.channels import EVENTS_PER_FRAME
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.control import Control
from bridge.protocol.wire.epochs import Epoch, KeyLookup
from bridge.protocol.wire.events import Coded, decode_event

FORMAT = "hcs-bridge/1"
PAD_TO = 32
AADS_KEPT = 1000  # of topics that are read or written again and again; none is longer than 100 bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """Stands where an event for a user is whose key isn't held here: not granted, or shredded. Not an error."""

    kid: bytes


Opened: TypeAlias = Event | Control | Sealed


@dataclass(frozen=True, slots=True)
class OpenedFrame:
    """A frame's content. An event's index is its place in `events`, placeholders and control messages counted.

    `kid` is the epoch that sealed it; `user_kids` has the user epoch's kid at the index of each event for a user.
    """

    producer_sequence: int
    kid: bytes
    events: tuple[Opened, ...]
    user_kids: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Sealing:
    """What a writer seals with. `new_iv` gives 12 bytes that no seal under the same key ever had."""

    epoch: Epoch
    new_iv: Callable[[], bytes]
    user_epoch: Callable[[str], Epoch]
    signing_key: cose.SigningKey | None = None
    pad_to: int = PAD_TO


def seal_frame(events: Sequence[Coded], *, context: TopicContext, producer_sequence: int, sealing: Sealing) -> bytes:
    """One HCS message with these events in this order, 1 to 1000 of them. `producer_sequence` counts from 1.

    Raises ValueError (a mistake of the caller).
    """
    if not 1 <= len(events) <= EVENTS_PER_FRAME:
        raise ValueError(f"a frame holds 1 to {EVENTS_PER_FRAME} events, not {len(events)}")
    if producer_sequence < 1:
        raise ValueError(f"a producer sequence counts from 1, got {producer_sequence}")
    elements = [_element(event, context, (producer_sequence, index), sealing) for index, event in enumerate(events)]
    plaintext = cbor.array(elements)
    if context.signed:
        if sealing.signing_key is None:
            raise ValueError("this topic's frames are signed, and there is no signing key")
        aad = signature_aad(context, cose.encrypt0_protected(sealing.epoch.kid, producer_sequence))
        plaintext = cbor.encode(cose.sign1(plaintext, sealing.signing_key, external_aad=aad))
    sealed = cose.encrypt0(
        plaintext + bytes(-len(plaintext) % sealing.pad_to),
        sealing.epoch,
        iv=sealing.new_iv(),
        external_aad=topic_aad(context),
        producer_sequence=producer_sequence,
    )
    return cbor.encode(sealed)


def open_frame(
    frame: bytes,
    *,
    context: TopicContext,
    keys: KeyLookup,
    expected_kid: bytes | None = None,
    verify_with: bytes | None = None,
) -> OpenedFrame:
    """Open a frame. `expected_kid` is the epoch in force; `verify_with` the bridge's public key, where it is to be
    checked that the bridge itself wrote this (an Ed25519 verify; not needed where a receipt pins the running hash).

    Raises KeyMissing, or EnvelopeRejected for anything that `seal_frame` would not have written here.
    """
    try:
        outer = cose.read_encrypt0(frame)
        return _open(outer, context=context, keys=keys, expected_kid=expected_kid, verify_with=verify_with)
    except CborInvalid as exc:
        raise EnvelopeRejected(f"not this format's CBOR: {exc}") from exc


def frame_kid(frame: bytes) -> tuple[bytes, int]:
    """kid and producer sequence as they stand in clear: claims, until `open_frame`. Raises EnvelopeRejected."""
    try:
        outer = cose.read_encrypt0(frame)
    except CborInvalid as exc:
        raise EnvelopeRejected(f"not this format's CBOR: {exc}") from exc
    return outer.kid, outer.producer_sequence or 0


@lru_cache(maxsize=AADS_KEPT)
def topic_aad(context: TopicContext) -> bytes:
    """Binds a seal to one topic of one network."""
    return cbor.encode([FORMAT, context.network, str(context.topic_id)])


def signature_aad(context: TopicContext, protected: bytes) -> bytes:
    """Binds a signature to the topic and to the seal around it, so that it can't be moved under another."""
    return cbor.encode([FORMAT, context.network, str(context.topic_id), protected])


def user_aad(context: TopicContext, place: tuple[int, int]) -> bytes:
    """Binds a user's event to its topic and `place`: producer sequence, index."""
    return cbor.encode([FORMAT, context.network, str(context.topic_id), *place])


def _element(event: Coded, context: TopicContext, place: tuple[int, int], sealing: Sealing) -> bytes:
    if event.audience is None:
        return event.cbor
    sealed = cose.encrypt0(
        event.cbor, sealing.user_epoch(event.audience), iv=sealing.new_iv(), external_aad=user_aad(context, place)
    )
    return cbor.encode(sealed)


def _open(
    outer: cose.Encrypt0,
    *,
    context: TopicContext,
    keys: KeyLookup,
    expected_kid: bytes | None,
    verify_with: bytes | None,
) -> OpenedFrame:
    if expected_kid is not None and outer.kid != expected_kid:
        raise EnvelopeRejected(f"sealed under {outer.kid.hex()}, which is not the epoch in force")
    key = keys.epoch(outer.kid)
    if key is None:
        raise KeyMissing(outer.kid)
    plaintext = outer.unseal(key, external_aad=topic_aad(context))
    if context.signed:
        signed, length = cose.read_sign1(plaintext)
        if verify_with is not None:
            signed.verify(verify_with, external_aad=signature_aad(context, outer.protected))
        content = cbor.decode(signed.payload)
    else:
        content, length = cbor.decode_first(plaintext)
    if any(plaintext[length:]):
        raise EnvelopeRejected("something other than padding follows the content")
    if not isinstance(content, list) or not 1 <= len(content) <= EVENTS_PER_FRAME:
        raise EnvelopeRejected(f"not a list of 1 to {EVENTS_PER_FRAME} events")
    sequence = outer.producer_sequence or 0
    opened = [_opened(item, context, (sequence, index), keys) for index, item in enumerate(content)]
    return OpenedFrame(
        sequence, outer.kid, tuple(event for event, _ in opened), tuple(user_kid for _, user_kid in opened)
    )


def _opened(
    item: object, context: TopicContext, place: tuple[int, int], keys: KeyLookup
) -> tuple[Opened, bytes | None]:
    if not isinstance(item, cbor.Tag):
        return decode_event(item, sealed_for_user=False), None
    inner = cose.parse_encrypt0(item)
    key = keys.user(inner.kid)
    if key is None:
        return Sealed(inner.kid), inner.kid
    coded = cbor.decode(inner.unseal(key, external_aad=user_aad(context, place)))
    return decode_event(coded, sealed_for_user=True), inner.kid
