"""The legacy framing, held against the tool that everyone has."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime.cbc import IV_BYTES, KEY_BYTES, encrypt
from tests.vectors.build import VECTORS


@pytest.mark.parametrize("vector", json.loads((VECTORS / "cbc.json").read_text()), ids=lambda vector: vector["text"])
def test_openssl_opens_the_vectors(vector: dict[str, str]) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.fail("the openssl command is needed")
    iv, _, sealed = vector["data"].partition(":")
    command = [openssl, "enc", "-d", "-aes-256-cbc", "-K", vector["key"], "-iv", iv]
    opened = subprocess.run(command, input=bytes.fromhex(sealed), capture_output=True, check=True)
    assert opened.stdout.decode() == vector["text"]


@given(length=st.integers(0, 100))
def test_padding_is_never_left_out(length: int) -> None:
    """PKCS#7: a text that fills its blocks gets a whole one."""
    sealed = encrypt(b"x" * length, bytes(KEY_BYTES), iv=bytes(IV_BYTES)).partition(":")[2]
    assert len(sealed) // 2 == (length // 16 + 1) * 16
