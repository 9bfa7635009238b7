"""Made keys are read by the SDK's own reader, and never show themselves."""

from __future__ import annotations

import pytest
from hiero_sdk_python import PrivateKey

from topics.devnet.made_keys import make_ecdsa, make_ed25519, read_ed25519


def test_the_sdk_reads_them() -> None:
    ed25519, ecdsa = make_ed25519(), make_ecdsa()
    assert PrivateKey.from_string_der(ed25519.private_der_hex).public_key().to_bytes_raw() == ed25519.public.ed25519
    read = PrivateKey.from_string_der(ecdsa.private_der_hex).public_key()
    assert read.to_bytes_raw() == ecdsa.public.ECDSA_secp256k1


def test_each_is_new_and_silent() -> None:
    one, two = make_ed25519(), make_ed25519()
    assert one != two
    assert one.private_der_hex not in repr(one)
    assert one.private_der_hex[-64:] not in repr(one)


def test_a_made_key_is_read_again() -> None:
    made = make_ed25519()
    assert read_ed25519(made.private_der_hex) == made
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        read_ed25519(make_ecdsa().private_der_hex)
