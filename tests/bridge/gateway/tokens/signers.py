"""Keys made on the spot for every algorithm, and tokens signed with them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import strategies as st

NOW_S = 1_800_000_000
HMAC = ("HS256", "HS384", "HS512")
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ASYMMETRIC = (*RSA, "ES256", "ES384", "EdDSA")


def claims(**changes: Any) -> dict[str, Any]:
    """A good token's claims; None takes one away."""
    rows = {"id": "77", "iat": NOW_S - 10, "exp": NOW_S + 110, **changes}
    return {name: value for name, value in rows.items() if value is not None}


@dataclass(frozen=True)
class Signer:
    """One issuer's key: how it signs, and what its readers are given."""

    algorithm: str
    private: Any
    public: bytes

    def token(self, *, kid: str | None = None, **changes: Any) -> str:
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(claims(**changes), self.private, self.algorithm, headers=headers)

    def jwk(self, **members: Any) -> dict[str, Any]:
        kind = jwt.get_algorithm_by_name(self.algorithm)
        found: dict[str, Any] = kind.to_jwk(kind.prepare_key(self.public), as_dict=True)
        return {name: value for name, value in found.items() if name != "key_ops"} | members


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """Made once for a run: they cost."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def signer(algorithm: str, *, number: int = 0) -> Signer:
    """A key for the algorithm; RSA's differ by `number`, others always."""
    if algorithm in HMAC:
        secret = secrets.token_urlsafe(64).encode()
        return Signer(algorithm, secret, secret)
    private: Any
    if algorithm in RSA:
        private = rsa_key(number=number)
    elif algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = ec.generate_private_key(ec.SECP256R1() if algorithm == "ES256" else ec.SECP384R1())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Signer(algorithm, private, public)


def pem(private: Any) -> bytes:
    """The private half, as it must never be handed out."""
    found: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


_NAMES = ["id", "userId", "sub", "iat", "exp", "nbf", "jti", "campaigns", "role", "channels", "subs", "channel"]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["77", "campaign:1", "user:77", NOW_S, NOW_S + 60]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
ODD_CLAIMS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(_NAMES), _VALUES)
"""Claims that may stand in a token, and seldom make sense."""
