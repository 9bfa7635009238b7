"""COSE messages that are exactly ours, and every other shape refused."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import EnvelopeRejected
from bridge.protocol.wire import cbor, cose
from tests.bridge.protocol.samples import CAMPAIGN, PUBLIC_KEY, SIGNING_KEY, USER

IV = bytes(range(12))


def sealed(**options: Any) -> cbor.Tag:
    return cose.encrypt0(b"text", CAMPAIGN, iv=IV, external_aad=b"here", **options)


def reread(item: object) -> object:
    return cbor.decode(cbor.encode(item))


def test_seal_and_open() -> None:
    message = cose.parse_encrypt0(reread(sealed(producer_sequence=7)), with_producer_sequence=True)
    assert (message.kid, message.producer_sequence, message.iv) == (CAMPAIGN.kid, 7, IV)
    assert message.unseal(CAMPAIGN.key, external_aad=b"here") == b"text"
    for key, aad in ((USER.key, b"here"), (CAMPAIGN.key, b"there")):
        with pytest.raises(EnvelopeRejected, match="does not open"):
            message.unseal(key, external_aad=aad)


def test_the_seal_is_rfc_9052s() -> None:
    # Enc_structure written out by hand, RFC 9052 §5.3.
    protected = cose.encrypt0_protected(CAMPAIGN.kid)
    structure = b"\x83\x68Encrypt0" + bytes([0x40 + len(protected)]) + protected + b"\x44here"
    ciphertext = cose.parse_encrypt0(sealed()).ciphertext
    assert AESGCM(CAMPAIGN.key).decrypt(IV, ciphertext, structure) == b"text"


def test_the_signature_is_rfc_9052s() -> None:
    # Sig_structure written out by hand, RFC 9052 §4.4.
    signed = cose.parse_sign1(reread(cose.sign1(b"text", SIGNING_KEY, external_aad=b"here")))
    SIGNING_KEY.public_key().verify(signed.signature, b"\x84\x6aSignature1\x43\xa1\x01\x27\x44here\x44text")


def test_sign_and_verify() -> None:
    signed = cose.parse_sign1(cose.sign1(b"text", SIGNING_KEY, external_aad=b"here"))
    assert signed.payload == b"text"
    signed.verify(PUBLIC_KEY, external_aad=b"here")
    for key, aad in ((PUBLIC_KEY, b"there"), (bytes(32), b"here"), (b"short", b"here")):
        with pytest.raises(EnvelopeRejected, match="signature"):
            signed.verify(key, external_aad=aad)


def test_an_iv_has_twelve_bytes() -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        cose.encrypt0(b"", CAMPAIGN, iv=b"short", external_aad=b"")


GOOD = cose.encrypt0_protected(CAMPAIGN.kid)


@pytest.mark.parametrize(
    "item",
    [
        None,
        [GOOD, {5: IV}, bytes(16)],  # no tag
        cbor.Tag(18, [GOOD, {5: IV}, bytes(16)]),  # another tag
        cbor.Tag(16, GOOD),
        cbor.Tag(16, [GOOD, {5: IV}]),
        cbor.Tag(16, [GOOD, {5: IV}, bytes(16), []]),
        cbor.Tag(16, [{}, {5: IV}, bytes(16)]),  # the header bare
        cbor.Tag(16, [b"", {5: IV}, bytes(16)]),
        cbor.Tag(16, [b"\xa0", {5: IV}, bytes(16)]),
        cbor.Tag(16, [b"\x01", {5: IV}, bytes(16)]),
        cbor.Tag(16, [GOOD + b"\x00", {5: IV}, bytes(16)]),
        cbor.Tag(16, [cbor.encode({1: 1, 4: CAMPAIGN.kid}), {5: IV}, bytes(16)]),  # A128GCM
        cbor.Tag(16, [cbor.encode({1: 3.0, 4: CAMPAIGN.kid}), {5: IV}, bytes(16)]),  # equal, and yet not the same
        cbor.Tag(16, [cbor.encode({1: 3, 4: b"short"}), {5: IV}, bytes(16)]),
        cbor.Tag(16, [cbor.encode({1: 3, 4: CAMPAIGN.kid, 2: [1]}), {5: IV}, bytes(16)]),  # crit
        cbor.Tag(16, [cose.encrypt0_protected(CAMPAIGN.kid, 1), {5: IV}, bytes(16)]),  # a sequence where none stands
        cbor.Tag(16, [GOOD, {}, bytes(16)]),
        cbor.Tag(16, [GOOD, {5: IV, 6: b""}, bytes(16)]),
        cbor.Tag(16, [GOOD, {5: IV[:8]}, bytes(16)]),
        cbor.Tag(16, [GOOD, [5], bytes(16)]),
        cbor.Tag(16, [GOOD, {5: IV}, bytes(15)]),
        cbor.Tag(16, [GOOD, {5: IV}, None]),  # detached
    ],
)
def test_other_encrypt0s_are_refused(item: object) -> None:
    with pytest.raises(EnvelopeRejected):
        cose.parse_encrypt0(item)


@pytest.mark.parametrize("sequence", [None, 0, -1, True, 1.0, "1"])
def test_a_frame_needs_its_producer_sequence(sequence: object) -> None:
    header = {1: 3, 4: CAMPAIGN.kid} | ({} if sequence is None else {-65537: sequence})
    with pytest.raises(EnvelopeRejected, match="producer sequence"):
        cose.parse_encrypt0(cbor.Tag(16, [cbor.encode(header), {5: IV}, bytes(16)]), with_producer_sequence=True)


@pytest.mark.parametrize(
    "item",
    [
        [b"\xa1\x01\x27", {}, b"", bytes(64)],
        cbor.Tag(16, [b"\xa1\x01\x27", {}, b"", bytes(64)]),
        cbor.Tag(18, [b"\xa1\x01\x26", {}, b"", bytes(64)]),  # ES256
        cbor.Tag(18, [b"\xa0", {}, b"", bytes(64)]),
        cbor.Tag(18, [b"\xa1\x01\x27", {1: -8}, b"", bytes(64)]),
        cbor.Tag(18, [b"\xa1\x01\x27", None, b"", bytes(64)]),
        cbor.Tag(18, [b"\xa1\x01\x27", {}, None, bytes(64)]),
        cbor.Tag(18, [b"\xa1\x01\x27", {}, b"", bytes(63)]),
        cbor.Tag(18, [b"\xa1\x01\x27", {}, b""]),
    ],
)
def test_other_sign1s_are_refused(item: object) -> None:
    with pytest.raises(EnvelopeRejected):
        cose.parse_sign1(item)
