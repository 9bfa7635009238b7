"""Keys made on the spot, in the forms in which SDKs take private ones and the ledger public ones."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from topics.ledger.hapi import basic_types


@dataclass(frozen=True, slots=True)
class MadeKey:
    """`private_der_hex` is PKCS#8, DER, as hex: what every SDK reads."""

    private_der_hex: str
    public: basic_types.Key

    def __repr__(self) -> str:
        return f"MadeKey(public={self.public.SerializeToString().hex()})"


def make_ed25519() -> MadeKey:
    """A new Ed25519 key."""
    return _ed25519(ed25519.Ed25519PrivateKey.generate())


def read_ed25519(private_der_hex: str) -> MadeKey:
    """An Ed25519 key that was made before. Raises ValueError."""
    private = serialization.load_der_private_key(bytes.fromhex(private_der_hex), None)
    if not isinstance(private, ed25519.Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 # the text is wrong, not the caller's type
    return _ed25519(private)


def make_ecdsa() -> MadeKey:
    """A new ECDSA key on secp256k1."""
    private = ec.generate_private_key(ec.SECP256K1())
    point = private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return MadeKey(_der_hex(private), basic_types.Key(ECDSA_secp256k1=point))


def _ed25519(private: ed25519.Ed25519PrivateKey) -> MadeKey:
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return MadeKey(_der_hex(private), basic_types.Key(ed25519=raw))


def _der_hex(private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).hex()
