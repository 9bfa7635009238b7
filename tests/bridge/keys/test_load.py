"""The bridge's own keys from their files: what is wrong is told by file and key, never by content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bridge.config_sections import Keys
from bridge.errors import ConfigInvalid
from bridge.keys.load import load_keys
from bridge.keys.people import recovery, unwrap_from
from bridge.protocol.wire.epochs import kid_of
from topics.values import TopicId

MASTER, SIGNING = os.urandom(32), os.urandom(32)
RECOVERY = X25519PrivateKey.generate()
TOPIC = TopicId(0, 0, 7)


def section(folder: Path, **content: str) -> Keys:
    files = {"master_key": MASTER.hex(), "signing_key": SIGNING.hex()} | content
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o600)
    return Keys.model_validate({f"{name}_file": folder / name for name in files})


def test_keys_are_read(tmp_path: Path) -> None:
    keys = load_keys(section(tmp_path))
    assert keys.master == MASTER
    assert keys.public == Ed25519PrivateKey.from_private_bytes(SIGNING).public_key().public_bytes_raw()
    assert keys.recovery is None
    assert keys.wrap_for_recovery(MASTER, network="devnet", topic_id=TOPIC) is None


def test_an_epoch_is_wrapped_for_the_recovery_key(tmp_path: Path) -> None:
    public = RECOVERY.public_key().public_bytes_raw().hex()
    keys = load_keys(section(tmp_path, recovery_public_key=f"# recovery\n{public}\n"))
    epoch = os.urandom(32)
    wrapped = keys.wrap_for_recovery(epoch, network="devnet", topic_id=TOPIC)
    assert wrapped is not None
    assert unwrap_from(RECOVERY, wrapped, purpose=recovery("devnet", TOPIC), kid=kid_of(epoch)) == epoch


@pytest.mark.parametrize("name", ["master_key", "signing_key", "recovery_public_key"])
@pytest.mark.parametrize("content", ["ab" * 31, "ab" * 33, "zz" * 32, "canary" * 12])
def test_a_file_that_holds_no_key_is_named_without_its_content(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load_keys(section(tmp_path, **{name: content}))
    [problem] = caught.value.problems
    assert (problem.key, problem.value) == (f"keys.{name}_file", str(tmp_path / name))
    assert "64 hex digits" in problem.rule
    assert content not in str(caught.value)


def test_a_key_open_to_others_is_refused(tmp_path: Path) -> None:
    keys = section(tmp_path)
    (tmp_path / "master_key").chmod(0o644)
    with pytest.raises(ConfigInvalid, match="chmod 600"):
        load_keys(keys)


def test_the_keys_stay_out_of_repr(tmp_path: Path) -> None:
    shown = repr(load_keys(section(tmp_path)))
    assert str(MASTER) not in shown
    assert MASTER.hex() not in shown
