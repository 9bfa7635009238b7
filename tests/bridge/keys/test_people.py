"""A key wrapped to a person opens for that person, for that purpose, and for no other."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bridge.errors import EnvelopeRejected
from bridge.keys.people import WRAPPED_BYTES, Purpose, unwrap_from, wrap_to
from bridge.protocol.wire import cbor
from bridge.protocol.wire.epochs import Epoch
from tests.bridge.protocol.samples import CAMPAIGN, USER, fixed_key

PERSON = X25519PrivateKey.from_private_bytes(fixed_key("recovery"))
PURPOSE = Purpose("recovery", "devnet", "campaign:1234")


def wrap(epoch: Epoch = CAMPAIGN) -> bytes:
    return wrap_to(PERSON.public_key(), epoch.key, purpose=PURPOSE)


def test_round_trip_and_never_the_same_twice() -> None:
    one, other = wrap(), wrap()
    assert one != other
    assert len(one) == WRAPPED_BYTES
    for wrapped in (one, other):
        assert unwrap_from(PERSON, wrapped, purpose=PURPOSE, kid=CAMPAIGN.kid) == CAMPAIGN.key


@pytest.mark.parametrize("change", [{"name": "grant"}, {"network": "mainnet"}, {"owner": "campaign:1235"}])
def test_it_opens_for_nothing_else(change: dict[str, str]) -> None:
    with pytest.raises(EnvelopeRejected, match="purpose"):
        unwrap_from(PERSON, wrap(), purpose=dataclasses.replace(PURPOSE, **change), kid=CAMPAIGN.kid)


def test_it_opens_for_nobody_else_and_under_no_other_id() -> None:
    with pytest.raises(EnvelopeRejected):
        unwrap_from(X25519PrivateKey.generate(), wrap(), purpose=PURPOSE, kid=CAMPAIGN.kid)
    with pytest.raises(EnvelopeRejected):
        unwrap_from(PERSON, wrap(), purpose=PURPOSE, kid=USER.kid)


def test_changed_or_cut_it_does_not_open() -> None:
    wrapped = wrap()
    for at in (0, 31, 32, WRAPPED_BYTES - 1):
        with pytest.raises(EnvelopeRejected):
            unwrap_from(
                PERSON, bytes([*wrapped[:at], wrapped[at] ^ 1, *wrapped[at + 1 :]]), purpose=PURPOSE, kid=CAMPAIGN.kid
            )
    for length in (0, 31, 32, 79):
        with pytest.raises(EnvelopeRejected):
            unwrap_from(PERSON, wrapped[:length], purpose=PURPOSE, kid=CAMPAIGN.kid)


@pytest.mark.parametrize("key", [b"short", bytes(32)])
def test_a_stranger_cannot_pass_another_key_off_for_this_one(key: bytes) -> None:
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info = cbor.encode(["hcs-bridge/1", "recovery", "devnet", "campaign:1234", CAMPAIGN.kid])
    with pytest.raises(EnvelopeRejected, match="not the one"):
        unwrap_from(PERSON, suite.encrypt(key, PERSON.public_key(), info=info), purpose=PURPOSE, kid=CAMPAIGN.kid)
