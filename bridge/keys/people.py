"""Wraps keys to people: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from bridge.errors import EnvelopeRejected
from bridge.protocol.values import KEY_BYTES
from bridge.protocol.wire import cbor
from bridge.protocol.wire.epochs import kid_of
from bridge.protocol.wire.frame import FORMAT
from topics.values import TopicId

WRAPPED_BYTES = 80
"""Encapsulated key (32), then the sealed key (32) with its tag (16)."""

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a wrapped key is for; bound into it, so that it opens for nothing else.

    `name` is "recovery" or "grant"; `owner` the name of the channel whose key it is, for recovery the topic's.
    """

    name: str
    network: str
    owner: str


def recovery(network: str, topic_id: TopicId) -> Purpose:
    """For the recovery key, out of the messages of that topic."""
    return Purpose("recovery", network, f"topic:{topic_id}")


def new_pair() -> tuple[bytes, bytes]:
    """A private key and its public half, 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def wrap_to(public_key: X25519PublicKey, key: bytes, *, purpose: Purpose) -> bytes:
    """80 bytes that only the private half opens. Different each time: the encapsulation is random."""
    return _SUITE.encrypt(key, public_key, info=_info(purpose, kid_of(key)))


def unwrap_from(private_key: X25519PrivateKey, wrapped: bytes, *, purpose: Purpose, kid: bytes) -> bytes:
    """The key. Raises EnvelopeRejected: for another person, purpose, network, owner or kid."""
    try:
        key = _SUITE.decrypt(wrapped, private_key, info=_info(purpose, kid))
    except (InvalidTag, ValueError) as exc:
        raise EnvelopeRejected("the wrapped key does not open for this key and purpose") from exc
    if len(key) != KEY_BYTES or kid_of(key) != kid:  # anyone can wrap anything to a public key
        raise EnvelopeRejected("the wrapped key is not the one that its kid names")
    return key


def seal_for(public_key: X25519PublicKey, content: bytes, *, purpose: str, network: str) -> bytes:
    """Content of any length that only the private half opens, for this purpose and network."""
    return _SUITE.encrypt(content, public_key, info=cbor.encode([FORMAT, purpose, network]))


def open_for(private_key: X25519PrivateKey, sealed: bytes, *, purpose: str, network: str) -> bytes:
    """The way back. Raises EnvelopeRejected: for another key, purpose or network, or changed."""
    try:
        return _SUITE.decrypt(sealed, private_key, info=cbor.encode([FORMAT, purpose, network]))
    except (InvalidTag, ValueError) as exc:
        raise EnvelopeRejected(f"the {purpose} does not open under this key") from exc


def _info(purpose: Purpose, kid: bytes) -> bytes:
    return cbor.encode([FORMAT, purpose.name, purpose.network, purpose.owner, kid])
