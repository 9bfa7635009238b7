"""The payer's private key: read from text as Hedera's tools write it, and used to sign transaction bodies."""

from __future__ import annotations

import re
from typing import Literal, assert_never

from Crypto.Hash import keccak
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from topics.ledger.hapi import basic_types

KeyKind = Literal["ed25519", "ecdsa"]

_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)")
# What Hedera's own tools put before a raw secp256k1 scalar: shaped like PKCS#8, but no strict DER reader takes it.
_HEDERA_ECDSA = bytes.fromhex("3030020100300706052b8104000a04220420")
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SIGN_DIGEST = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)


class InvalidKey(ValueError):
    """The text is no private key that this program can use. The message never shows any of it."""


class OperatorKey:
    """A private key of either kind that accounts have. Neither `repr` nor any error shows the secret."""

    __slots__ = ("_private", "public_bytes")

    def __init__(self, private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self.public_bytes = _public_bytes(private)
        """32 bytes of an Ed25519 key, 33 (compressed point) of a secp256k1 key."""

    @classmethod
    def parse(cls, text: str, *, kind: KeyKind | None = None) -> OperatorKey:
        """Read 64 hex digits, hex of DER, or PEM; `kind` matters only for the first, which could be either.

        Raises InvalidKey.
        """
        text = text.strip()
        if text.startswith("-----BEGIN "):
            return cls(_supported(_load_pem(text.encode())))
        match = _HEX.fullmatch(text)
        if match is None:
            raise InvalidKey("neither hex digits nor PEM")
        raw = bytes.fromhex(match[1])
        if len(raw) == 32:
            return cls(_from_raw(raw, kind))
        if raw.startswith(_HEDERA_ECDSA) and len(raw) == len(_HEDERA_ECDSA) + 32:
            return cls(_from_raw(raw[-32:], "ecdsa"))
        if not raw.startswith(b"\x30"):
            raise InvalidKey(f"{len(raw)} bytes of hex are neither a raw key (32 bytes) nor DER")
        return cls(_supported(_load_der(raw)))

    @property
    def kind(self) -> KeyKind:
        """Which of the two the key is."""
        return "ed25519" if isinstance(self._private, ed25519.Ed25519PrivateKey) else "ecdsa"

    def sign(self, body: bytes) -> bytes:
        """64 bytes: Ed25519 over the body, or r ‖ s of ECDSA over its Keccak-256 (proto: SignaturePair)."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(body)
        digest = keccak.new(digest_bits=256, data=body).digest()
        r, s = decode_dss_signature(self._private.sign(digest, _SIGN_DIGEST))
        # libsecp256k1, which nodes verify with, knows only the lower of the two valid values of s.
        s = min(s, _ORDER - s)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def proto_key(self) -> basic_types.Key:
        """The public key as transactions carry it."""
        if self.kind == "ed25519":
            return basic_types.Key(ed25519=self.public_bytes)
        return basic_types.Key(ECDSA_secp256k1=self.public_bytes)

    def signature_pair(self, body: bytes) -> basic_types.SignaturePair:
        """The signature of `body` under the whole public key as prefix."""
        signature = self.sign(body)
        if self.kind == "ed25519":
            return basic_types.SignaturePair(pubKeyPrefix=self.public_bytes, ed25519=signature)
        return basic_types.SignaturePair(pubKeyPrefix=self.public_bytes, ECDSA_secp256k1=signature)

    def __repr__(self) -> str:
        return f"OperatorKey({self.kind}, public {self.public_bytes.hex()})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an operator key isn't pickled: it would leave the process in clear")


def _public_bytes(private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.public_key().public_bytes_raw()
    return private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def _from_raw(raw: bytes, kind: KeyKind | None) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    match kind:
        case None:
            raise InvalidKey("64 hex digits can be an Ed25519 or an ECDSA key: say which, or give the key as DER")
        case "ed25519":
            return ed25519.Ed25519PrivateKey.from_private_bytes(raw)
        case "ecdsa":
            scalar = int.from_bytes(raw, "big")
            if not 0 < scalar < _ORDER:
                raise InvalidKey("not a secp256k1 private key: out of the curve's range")
            return ec.derive_private_key(scalar, ec.SECP256K1())
        case _:
            assert_never(kind)


def _supported(private: object) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private
    if isinstance(private, ec.EllipticCurvePrivateKey):
        if isinstance(private.curve, ec.SECP256K1):
            return private
        raise InvalidKey(f"an ECDSA key on {private.curve.name}: accounts have keys on secp256k1")
    raise InvalidKey("neither an Ed25519 nor an ECDSA secp256k1 private key")


def _load_pem(text: bytes) -> object:
    try:
        return serialization.load_pem_private_key(text, password=None)
    except TypeError:  # the library's way to say that a password is needed
        raise InvalidKey("the PEM is encrypted: store it decrypted, readable by this program only") from None
    except ValueError:  # its text isn't passed on: it may quote the input
        raise InvalidKey("PEM that holds no private key") from None


def _load_der(raw: bytes) -> object:
    try:
        return serialization.load_der_private_key(raw, password=None)
    except (TypeError, ValueError):
        raise InvalidKey("DER that holds no private key") from None
