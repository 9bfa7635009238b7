"""The manifest: the first message of a topic, signed, which says what the topic is and who may be believed in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.errors import EnvelopeRejected
from bridge.protocol.values import KEY_BYTES, KID_BYTES, TopicContext
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.epochs import Epoch, kid_of, topic_ref
from bridge.protocol.wire.frame import FORMAT, topic_aad
from topics.values import TopicId

VERSION = 1
REF_BYTES = 16

# Labels of the payload map, and of the map that is sealed inside it.
_VERSION, _NETWORK, _TOPIC, _REF, _SIGNED, _PUBLIC_KEY, _KID, _WRAPPED, _PRIVATE = range(1, 10)
_CAMPAIGN, _OWNER = 1, 2


@dataclass(frozen=True, slots=True)
class Belongs:
    """What only a holder of the first epoch's key reads: whose topic this is. `owner_id` None: nobody was named."""

    campaign_id: str
    owner_id: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest whose signature is that of the key it names.

    `pinned` tells whether that key is the one the reader had from elsewhere; without it nothing in the topic is
    better than unverified. `wrapped` is the first epoch's key for the recovery key, or None.
    """

    context: TopicContext
    ref: bytes
    public_key: bytes
    kid: bytes
    wrapped: bytes | None
    pinned: bool
    private: cose.Encrypt0 = field(repr=False)

    def unseal(self, first_epoch_key: bytes) -> Belongs:
        """Read the sealed part. Raises EnvelopeRejected if the key isn't the first epoch's, or the ref isn't its."""
        if kid_of(first_epoch_key) != self.kid:
            raise EnvelopeRejected("the key is not that of the topic's first epoch")
        plaintext = self.private.unseal(first_epoch_key, external_aad=_private_aad(self.context))
        try:
            content = cbor.decode(plaintext)
        except CborInvalid as exc:
            raise EnvelopeRejected(f"the manifest's sealed part is not this format's CBOR: {exc}") from exc
        if not isinstance(content, dict) or content.keys() != {_CAMPAIGN, _OWNER}:
            raise EnvelopeRejected("the manifest's sealed part does not have exactly its labels")
        campaign_id, owner_id = content[_CAMPAIGN], content[_OWNER]
        if not isinstance(campaign_id, str) or not isinstance(owner_id, (str, type(None))):
            raise EnvelopeRejected("the manifest's sealed part holds other types")
        if topic_ref(first_epoch_key, campaign_id) != self.ref:
            raise EnvelopeRejected("the manifest's ref is not that of its campaign")
        return Belongs(campaign_id, owner_id)


def build_manifest(
    belongs: Belongs,
    *,
    context: TopicContext,
    epoch: Epoch,
    iv: bytes,
    wrapped: bytes | None,
    signing_key: cose.SigningKey,
) -> bytes:
    """The first message of `context`'s topic. `epoch` is its first; `wrapped` that epoch's key for the recovery key."""
    content = cbor.encode({_CAMPAIGN: belongs.campaign_id, _OWNER: belongs.owner_id})
    payload = {
        _VERSION: VERSION,
        _NETWORK: context.network,
        _TOPIC: str(context.topic_id),
        _REF: topic_ref(epoch.key, belongs.campaign_id),
        _SIGNED: context.signed,
        _PUBLIC_KEY: cose.public_bytes(signing_key),
        _KID: epoch.kid,
        _WRAPPED: wrapped,
        _PRIVATE: cose.encrypt0(content, epoch, iv=iv, external_aad=_private_aad(context)),
    }
    return cbor.encode(cose.sign1(cbor.encode(payload), signing_key, external_aad=topic_aad(context)))


def parse_manifest(message: bytes, *, network: str, topic_id: TopicId, pinned: bytes | None = None) -> Manifest:
    """Read and verify a topic's first message. `pinned` is the bridge's public key, had from elsewhere.

    Raises EnvelopeRejected: not a manifest, of another version or topic, or signed by another key than the pinned.
    """
    try:
        signed = cose.parse_sign1(cbor.decode(message))
        payload = cbor.decode(signed.payload)
    except CborInvalid as exc:
        raise EnvelopeRejected(f"not this format's CBOR: {exc}") from exc
    if not isinstance(payload, dict) or type(payload.get(_VERSION)) is not int:
        raise EnvelopeRejected("not a manifest")
    if payload[_VERSION] != VERSION:
        raise EnvelopeRejected(f"a manifest of version {payload[_VERSION]}; this reader knows {VERSION}")
    manifest = _manifest(payload, pinned)
    if (manifest.context.network, manifest.context.topic_id) != (network, topic_id):
        raise EnvelopeRejected("a manifest of another topic")
    if pinned is not None and not manifest.pinned:
        raise EnvelopeRejected("the manifest names another key than the pinned one")
    signed.verify(manifest.public_key, external_aad=topic_aad(manifest.context))
    return manifest


def _manifest(payload: dict[object, object], pinned: bytes | None) -> Manifest:
    if payload.keys() != set(range(1, 10)):
        raise EnvelopeRejected("the manifest does not have exactly its labels")
    network, topic, signed = payload[_NETWORK], payload[_TOPIC], payload[_SIGNED]
    wrapped, public_key = payload[_WRAPPED], _sized(payload[_PUBLIC_KEY], KEY_BYTES)
    if not isinstance(network, str) or not isinstance(signed, bool):
        raise EnvelopeRejected("the manifest's network or signed flag has another type")
    if wrapped is not None and not isinstance(wrapped, bytes):
        raise EnvelopeRejected("the manifest's wrapped key is not bytes")
    kid = _sized(payload[_KID], KID_BYTES)
    private = cose.parse_encrypt0(payload[_PRIVATE])
    if private.kid != kid:
        raise EnvelopeRejected("the manifest's sealed part is under another key than the first epoch's")
    return Manifest(
        context=TopicContext(network, _topic_id(topic), signed),
        ref=_sized(payload[_REF], REF_BYTES),
        public_key=public_key,
        kid=kid,
        wrapped=wrapped,
        pinned=public_key == pinned,
        private=private,
    )


def _private_aad(context: TopicContext) -> bytes:
    return cbor.encode([FORMAT, context.network, str(context.topic_id), "manifest"])


def _topic_id(value: object) -> TopicId:
    try:
        topic_id = TopicId.parse(value) if isinstance(value, str) else None
    except ValueError as exc:
        raise EnvelopeRejected("the manifest's topic is not a topic id") from exc
    if topic_id is None or str(topic_id) != value:
        raise EnvelopeRejected("the manifest's topic is not a topic id")
    return topic_id


def _sized(value: object, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise EnvelopeRejected(f"the manifest holds something else where {length} bytes stand")
    return value
