"""A transaction counts as signed exactly where the right keys signed exactly these bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topics.devnet.ground import sign
from topics.devnet.made_keys import MadeKey, make_ecdsa, make_ed25519
from topics.devnet.signatures import MAX_KEY_DEPTH, Signatures, count_keys, well_formed
from topics.ledger.hapi import basic_types

BODY = b"the bytes that are signed"
ONE, TWO, THREE = make_ed25519(), make_ecdsa(), make_ed25519()


def listed(*keys: basic_types.Key) -> basic_types.Key:
    return basic_types.Key(keyList=basic_types.KeyList(keys=keys))


def threshold(least: int, *keys: basic_types.Key) -> basic_types.Key:
    nested = basic_types.ThresholdKey(threshold=least, keys=basic_types.KeyList(keys=keys))
    return basic_types.Key(thresholdKey=nested)


def by(*keys: MadeKey, body: bytes = BODY) -> Signatures:
    return Signatures(BODY, [sign(key, body) for key in keys])


@pytest.mark.parametrize("key", [ONE, TWO])
def test_a_single_key(key: MadeKey) -> None:
    assert by(key).satisfy(key.public)
    assert not by(THREE).satisfy(key.public)
    assert not by(key, body=b"other bytes").satisfy(key.public)
    assert not by().satisfy(key.public)


@pytest.mark.parametrize("length", [0, 3])
def test_a_prefix_is_enough_to_find_the_key(length: int) -> None:
    pair = sign(ONE, BODY)
    pair.pubKeyPrefix = pair.pubKeyPrefix[:length]
    assert Signatures(BODY, [sign(TWO, BODY), pair]).satisfy(ONE.public)


def test_a_prefix_of_another_key_is_not() -> None:
    pair = sign(ONE, BODY)
    pair.pubKeyPrefix = THREE.public.ed25519
    assert not Signatures(BODY, [pair]).satisfy(ONE.public)


def test_a_list_needs_all_and_a_threshold_enough() -> None:
    both = listed(ONE.public, TWO.public)
    assert by(ONE, TWO).satisfy(both)
    assert not by(ONE).satisfy(both)
    two_of_three = threshold(2, ONE.public, TWO.public, THREE.public)
    assert by(ONE, THREE).satisfy(two_of_three)
    assert not by(TWO).satisfy(two_of_three)
    assert by(TWO, THREE).satisfy(threshold(1, both, listed(TWO.public, THREE.public)))


def test_empty_and_unknown_keys_are_never_satisfied() -> None:
    for key in (listed(), threshold(0, ONE.public), basic_types.Key(), basic_types.Key(RSA_3072=b"x")):
        assert not by(ONE).satisfy(key)
        assert not well_formed(key)


def test_depth_is_bounded() -> None:
    key = ONE.public
    for _ in range(MAX_KEY_DEPTH):
        key = listed(key)
    assert well_formed(key)
    assert by(ONE).satisfy(key)
    assert not well_formed(listed(listed(key)))
    assert not by(ONE).satisfy(listed(listed(key)))


def test_form() -> None:
    assert well_formed(ONE.public)
    assert well_formed(TWO.public)
    assert well_formed(threshold(1, ONE.public))
    assert not well_formed(threshold(2, ONE.public))
    assert not well_formed(basic_types.Key(ed25519=b"short"))


@given(signature=st.binary(max_size=80), public=st.binary(max_size=40))
def test_garbage_is_not_a_signature(signature: bytes, public: bytes) -> None:
    for pair, key in (
        (basic_types.SignaturePair(ed25519=signature), basic_types.Key(ed25519=public)),
        (basic_types.SignaturePair(ECDSA_secp256k1=signature), basic_types.Key(ECDSA_secp256k1=public)),
    ):
        assert not Signatures(BODY, [pair]).satisfy(key)


def test_every_simple_key_counts() -> None:
    assert count_keys(ONE.public) == 1
    assert count_keys(listed()) == 0
    assert count_keys(threshold(2, ONE.public, listed(TWO.public, THREE.public))) == 3


def test_what_was_verified_before_is_taken_as_given() -> None:
    signatures = by(ONE)
    signatures.trust()
    assert signatures.satisfy(listed(TWO.public, THREE.public))
    assert len(signatures) == 1
