"""Checks the signatures that a transaction brings against the keys that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from Crypto.Hash import keccak
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from topics.ledger.hapi import basic_types

MAX_KEY_DEPTH = 15
# Only the digest's length is taken from SHA-256: the network signs keccak-256, which has the same.
_KECCAK = ec.ECDSA(Prehashed(SHA256()))


class Signatures:
    """The signature map of one transaction. Each key is verified at most once, and only when somebody asks."""

    def __init__(self, body: bytes, pairs: Sequence[basic_types.SignaturePair]) -> None:
        self._body = body
        self._pairs = pairs
        self._known: dict[bytes, bool] = {}
        self._trusted = False

    def __len__(self) -> int:
        return len(self._pairs)

    def trust(self) -> None:
        """Take every signature that will be asked for as given: these were verified when the transaction first ran."""
        self._trusted = True

    def satisfy(self, key: basic_types.Key, depth: int = 0) -> bool:
        """Whether enough of `key` has signed: itself, all of a list, as many as the threshold says."""
        if self._trusted:
            return True
        kind = key.WhichOneof("key")
        if kind == "ed25519":
            return self._signed(key.ed25519, "ed25519")
        if kind == "ECDSA_secp256k1":
            return self._signed(key.ECDSA_secp256k1, "ECDSA_secp256k1")
        if depth >= MAX_KEY_DEPTH:
            return False
        if kind == "keyList":
            return bool(key.keyList.keys) and all(self.satisfy(each, depth + 1) for each in key.keyList.keys)
        if kind == "thresholdKey":
            signed = sum(self.satisfy(each, depth + 1) for each in key.thresholdKey.keys.keys)
            return key.thresholdKey.threshold > 0 and signed >= key.thresholdKey.threshold
        return False

    def _signed(self, public: bytes, scheme: str) -> bool:
        known = self._known.get(public)
        if known is None:
            known = self._known[public] = any(
                verify(scheme, public, getattr(pair, scheme), self._body)
                for pair in self._pairs
                if pair.WhichOneof("signature") == scheme and public.startswith(pair.pubKeyPrefix)
            )
        return known


def verify(scheme: str, public: bytes, signature: bytes, body: bytes) -> bool:
    """Whether `signature` is `public`'s over `body`. Malformed keys and signatures are simply not."""
    if len(signature) != 64:
        return False
    try:
        if scheme == "ed25519":
            _ed25519(public).verify(signature, body)
        else:
            digest = keccak.new(digest_bits=256, data=body).digest()
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            _secp256k1(public).verify(encode_dss_signature(r, s), digest, _KECCAK)
    except (InvalidSignature, ValueError):
        return False
    return True


def well_formed(key: basic_types.Key, depth: int = 0) -> bool:
    """Whether the network would store this key. An empty list means "no key" only in an update, so not here."""
    kind = key.WhichOneof("key")
    if kind == "ed25519":
        return len(key.ed25519) == 32
    if kind == "ECDSA_secp256k1":
        return len(key.ECDSA_secp256k1) == 33
    if depth >= MAX_KEY_DEPTH:
        return False
    if kind == "keyList":
        return bool(key.keyList.keys) and all(well_formed(each, depth + 1) for each in key.keyList.keys)
    if kind == "thresholdKey":
        keys = key.thresholdKey.keys.keys
        return 1 <= key.thresholdKey.threshold <= len(keys) and all(well_formed(each, depth + 1) for each in keys)
    return False


def count_keys(key: basic_types.Key) -> int:
    """How many simple keys are in it: each of them is paid for."""
    kind = key.WhichOneof("key")
    if kind == "keyList":
        return sum(count_keys(each) for each in key.keyList.keys)
    if kind == "thresholdKey":
        return sum(count_keys(each) for each in key.thresholdKey.keys.keys)
    return 1


@lru_cache(maxsize=4096)
def _ed25519(public: bytes) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=4096)
def _secp256k1(public: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public)
