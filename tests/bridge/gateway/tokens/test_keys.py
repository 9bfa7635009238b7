"""Verification keys: every form that they come in, and what is no key for an algorithm."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.gateway.tokens.keys import MAX_KEYS, read_keys
from tests.bridge.gateway.tokens.signers import ASYMMETRIC, HMAC, Signer, pem, rsa_key, signer


def opens(keys: dict[str, Any], kid: str, signed: Signer) -> bool:
    token = signed.token()
    return bool(
        jwt.decode(token, keys[kid], algorithms=[signed.algorithm], options={"verify_exp": False, "verify_iat": False})
    )


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_pem_jwk_and_set_hold_the_same_key(algorithm: str) -> None:
    made = signer(algorithm)
    jwk = made.jwk(kid="k1", use="sig")
    other = signer("ES384" if algorithm == "ES256" else "ES256").jwk(kid="other")
    assert opens(read_keys(made.public, algorithm), "", made)
    assert opens(read_keys(json.dumps(jwk).encode(), algorithm), "k1", made)
    found = read_keys(json.dumps({"keys": [other, jwk, 5, {"kid": 7}]}).encode(), algorithm)
    assert set(found) == {"k1"}
    assert opens(found, "k1", made)


@pytest.mark.parametrize("algorithm", HMAC)
def test_secrets_as_text_and_as_jwk(algorithm: str) -> None:
    made = signer(algorithm)
    assert opens(read_keys(made.public, algorithm), "", made)
    secret = base64.urlsafe_b64encode(made.public).decode()
    assert opens(read_keys(json.dumps({"kty": "oct", "kid": "s", "k": secret}).encode(), algorithm), "s", made)
    least = int(algorithm[2:]) // 8
    assert read_keys(b"s" * least, algorithm)
    with pytest.raises(ValueError, match="too short"):
        read_keys(b"s" * (least - 1), algorithm)


def test_the_first_users_key_store() -> None:
    """JSON in Redis: PKCS#1 PEM, and the private half beside it, which nobody here may hold."""
    old, new = signer("RS256"), signer("RS256", number=1)
    rows = [
        {
            "kid": kid,
            "privateKey": pem(made.private).decode(),
            "publicKey": made.private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode(),
            "createdAt": "2026-03-01T10:00:00.000Z",
        }
        for kid, made in (("old", old), ("new", new))
    ]
    found = read_keys(json.dumps(rows).encode(), "RS256")
    assert set(found) == {"old", "new"}
    assert opens(found, "old", old)
    assert opens(found, "new", new)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_of_a_private_key_only_the_public_half_is_kept(algorithm: str) -> None:
    made = signer(algorithm)
    kind = jwt.get_algorithm_by_name(algorithm)
    jwk = kind.to_jwk(made.private).encode()
    for text in (pem(made.private), jwk):
        [key] = read_keys(text, algorithm).values()
        assert not hasattr(key, "private_bytes")
        assert opens({"": key}, "", made)


@pytest.mark.parametrize(
    ("text", "algorithm", "says"),
    [
        (signer("RS256").public, "HS256", "not a key for HS256"),
        (json.dumps(signer("RS256").jwk()).encode(), "HS256", "not a key for HS256"),
        (signer("RS256").public, "ES256", "not a key for ES256"),
        (signer("ES384").public, "ES256", "not a key for ES256"),
        (json.dumps(signer("ES384").jwk()).encode(), "ES256", "not a key for ES256"),
        (signer("EdDSA").public, "RS256", "not a key for RS256"),
        (rsa_key(1024).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1), "RS256", "too short"),
        (json.dumps(signer("RS256").jwk(use="enc")).encode(), "RS256", "no key for signatures"),
        (json.dumps(signer("RS256").jwk(alg="RS512")).encode(), "RS256", "no key for signatures"),
        (b'{"keys": []}', "RS256", "no key for signatures"),
        (b'{"keys": 7}', "RS256", "not a list"),
        (json.dumps([{}] * (MAX_KEYS + 1)).encode(), "RS256", "not a list"),
        (b"[" * 100_000, "RS256", "not a key"),
        (b"nonsense", "EdDSA", "not a key for EdDSA"),
    ],
)
def test_what_is_no_key(text: bytes, algorithm: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        read_keys(text, algorithm)
    assert "PUBLIC KEY" not in str(caught.value)


MEMBERS = st.dictionaries(
    st.sampled_from(["kty", "n", "e", "x", "y", "crv", "k", "kid", "use", "alg", "publicKey", "keys"]),
    st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "AQAB", "", "sig"])
    | st.integers()
    | st.none()
    | st.text(max_size=5),
)


@settings(max_examples=50)
@given(
    st.binary(max_size=100) | (MEMBERS | st.lists(MEMBERS)).map(lambda rows: json.dumps(rows).encode()),
    st.sampled_from(ASYMMETRIC),
)
def test_any_text_is_a_key_or_refused(text: bytes, algorithm: str) -> None:
    try:
        read_keys(text, algorithm)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - refusing is fine, anything else is not
