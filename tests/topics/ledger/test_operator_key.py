"""Keys are read in every form that Hedera's tools write, sign what nodes can verify, and never show themselves."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from Crypto.Hash import keccak
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from topics.ledger.operator_key import InvalidKey, KeyKind, OperatorKey

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
RAW = bytes(range(1, 33))
EDWARDS = ed25519.Ed25519PrivateKey.from_private_bytes(RAW)
KOBLITZ = ec.derive_private_key(int.from_bytes(RAW), ec.SECP256K1())

_DER, _PEM = serialization.Encoding.DER, serialization.Encoding.PEM
_PKCS8, _SEC1 = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


def written(key: Any, encoding: serialization.Encoding, form: serialization.PrivateFormat) -> bytes:
    out: bytes = key.private_bytes(encoding, form, serialization.NoEncryption())
    return out


FORMS: list[tuple[str, KeyKind | None, KeyKind]] = [
    (RAW.hex(), "ed25519", "ed25519"),
    (RAW.hex(), "ecdsa", "ecdsa"),
    ("0x" + RAW.hex().upper(), "ecdsa", "ecdsa"),
    ("302e020100300506032b657004220420" + RAW.hex(), None, "ed25519"),
    ("3030020100300706052b8104000a04220420" + RAW.hex(), None, "ecdsa"),
    (written(EDWARDS, _DER, _PKCS8).hex(), "ecdsa", "ed25519"),  # DER says what it is
    (written(KOBLITZ, _DER, _PKCS8).hex(), None, "ecdsa"),
    (written(KOBLITZ, _DER, _SEC1).hex(), None, "ecdsa"),
    (written(EDWARDS, _PEM, _PKCS8).decode(), None, "ed25519"),
    ("\n" + written(KOBLITZ, _PEM, _PKCS8).decode() + "\n", None, "ecdsa"),
    (written(KOBLITZ, _PEM, _SEC1).decode(), None, "ecdsa"),
]


def verifies(key: OperatorKey, body: bytes, signature: bytes) -> None:
    if key.kind == "ed25519":
        EDWARDS.public_key().verify(signature, body)
        return
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    digest = keccak.new(digest_bits=256, data=body).digest()
    KOBLITZ.public_key().verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert s <= ORDER // 2


@pytest.mark.parametrize(("text", "kind", "expected"), FORMS)
def test_every_form_gives_the_same_key(text: str, kind: KeyKind | None, expected: KeyKind) -> None:
    key = OperatorKey.parse(text, kind=kind)
    assert key.kind == expected
    assert len(key.public_bytes) == (32 if expected == "ed25519" else 33)
    verifies(key, b"body", key.sign(b"body"))


@given(st.binary(max_size=200))
def test_signatures_verify_and_are_the_same_each_time(body: bytes) -> None:
    kinds: tuple[KeyKind, ...] = ("ed25519", "ecdsa")
    for kind in kinds:
        key = OperatorKey.parse(RAW.hex(), kind=kind)
        signature = key.sign(body)
        assert len(signature) == 64
        assert key.sign(body) == signature
        verifies(key, body, signature)


def test_protobufs_name_the_kind() -> None:
    edwards, koblitz = (OperatorKey.parse(text, kind=kind) for text, kind, _ in FORMS[:2])
    assert edwards.proto_key().ed25519 == edwards.public_bytes
    assert koblitz.proto_key().ECDSA_secp256k1 == koblitz.public_bytes
    pair = edwards.signature_pair(b"body")
    assert (pair.pubKeyPrefix, pair.ed25519) == (edwards.public_bytes, edwards.sign(b"body"))
    pair = koblitz.signature_pair(b"body")
    assert (pair.pubKeyPrefix, pair.ECDSA_secp256k1) == (koblitz.public_bytes, koblitz.sign(b"body"))


def encrypted() -> str:
    return EDWARDS.private_bytes(_PEM, _PKCS8, serialization.BestAvailableEncryption(b"word")).decode()


P256 = ec.derive_private_key(int.from_bytes(RAW), ec.SECP256R1())


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        (RAW.hex(), None, "Ed25519 or an ECDSA"),
        ("", "ecdsa", "neither hex digits nor PEM"),
        (RAW.hex()[:-1], "ecdsa", "neither hex digits nor PEM"),
        (RAW.hex()[:-2], "ecdsa", "31 bytes"),
        (RAW.hex() + "zz", "ecdsa", "neither hex digits nor PEM"),
        ("00" * 32, "ecdsa", "out of the curve's range"),
        ("ff" * 32, "ecdsa", "out of the curve's range"),
        ("3030020100300706052b8104000a04220420" + "00" * 32, None, "out of the curve's range"),
        ("302e020100300506032b657004220420" + RAW.hex()[:-2], None, "DER that holds no private key"),
        (written(P256, _DER, _PKCS8).hex(), None, "secp256r1"),
        (encrypted(), None, "encrypted"),
        ("-----BEGIN PRIVATE KEY-----\n" + RAW.hex() + "\n-----END PRIVATE KEY-----", None, "PEM that holds no"),
    ],
)
def test_refusals_say_why_and_show_nothing_of_the_key(text: str, kind: KeyKind | None, why: str) -> None:
    with pytest.raises(InvalidKey, match=why) as caught:
        OperatorKey.parse(text, kind=kind)
    assert caught.value.__cause__ is None
    assert RAW.hex()[:8] not in str(caught.value)


def test_a_key_that_accounts_cannot_have_is_refused() -> None:
    pem = written(rsa.generate_private_key(65537, 1024), _PEM, _PKCS8).decode()  # noqa: S505 - only to be refused
    with pytest.raises(InvalidKey, match="neither an Ed25519 nor"):
        OperatorKey.parse(pem)


def test_neither_repr_nor_pickle_gives_the_secret_away() -> None:
    for text, kind, _ in FORMS:
        key = OperatorKey.parse(text, kind=kind)
        assert RAW.hex()[:8] not in repr(key)
        assert key.public_bytes.hex() in repr(key)
        with pytest.raises(TypeError, match="isn't pickled"):
            pickle.dumps(key)
