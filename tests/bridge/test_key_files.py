"""Secrets from files: closed to others, clearly refused otherwise, and demo keys kept from real networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import key_files as key_files_module
from bridge.config import Config, load
from bridge.errors import ConfigInvalid
from bridge.key_files import DEMO_MARK, check_key_files, is_demo_key, key_files, read_secret, refuse_demo_keys

DEMO_KEY = f"{DEMO_MARK}\n{'s' * 32}\n"


def key_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def config_with_keys(directory: Path, text: str, network: str) -> Config:
    environ = {
        "HCS_BRIDGE_NETWORK__NAME": network,
        "HCS_BRIDGE_OPERATOR__KEY_FILE": str(directory / "operator.key"),
        "HCS_BRIDGE_KEYS__MASTER_KEY_FILE": str(directory / "master.key"),
        "HCS_BRIDGE_KEYS__SIGNING_KEY_FILE": str(directory / "signing.key"),
        "HCS_BRIDGE_HTTP__API_KEYS": f'[{{"name": "a", "key_file": "{directory}/api.key"}}]',
        "HCS_BRIDGE_TOKENS__ISSUERS": f'[{{"name": "a", "algorithm": "HS256", "key_file": "{directory}/token.key"}}]',
    }
    if network == "custom":  # which has no addresses of its own
        environ |= {"HCS_BRIDGE_MIRROR__URLS": "http://127.0.0.1:1"}
        environ |= {"HCS_BRIDGE_NETWORK__NODES": '[{"account": "0.0.3", "address": "127.0.0.1:1"}]'}
    config = load(None, environ)
    for _, path, _ in key_files(config):
        key_file(path, text)
    return config


def test_a_secret_comes_without_comments_and_white_space(tmp_path: Path) -> None:
    for mark in ("", "\ufeff"):  # the latter is what some editors begin with
        path = key_file(tmp_path / "k", f"{mark}{DEMO_MARK}\n# made today\n\n  abc\n")
        assert read_secret(path, key="x.key_file") == "abc"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_open_to_others_is_refused_with_the_command_that_closes_it(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path / "k", "abc", mode)
    with pytest.raises(ConfigInvalid, match=f"chmod 600 {path}"):
        read_secret(path, key="x.key_file")
    assert read_secret(path, key="x.key_file", private=False) == "abc"


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"", "holds no key"), (b"# only words\n", "holds no key"), (b"\xff", "not text"), (b"x" * 70_000, "too big")],
)
def test_a_file_without_a_key_is_refused_without_showing_it(tmp_path: Path, content: bytes, rule: str) -> None:
    path = key_file(tmp_path / "k", "")
    path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match=rule) as caught:
        read_secret(path, key="x.key_file")
    assert str(path) in str(caught.value)
    assert "x.key_file" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "path", "maker"),
    [
        ("keys.master_key_file", "mine/master.key", "; `hcs-bridge keys init` makes it"),
        ("keys.recovery_public_key_file", "mine/recovery.pub", "; `hcs-bridge keys recovery-init` makes it"),
        ("keys.master_key_file", "var/devnet/master.key", "; `hcs-bridge devnet` makes it"),
        ("--new-master-key", "new.key", ""),
    ],
)
def test_who_makes_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, path: str, maker: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigInvalid) as caught:
        read_secret(Path(path), key=key)
    assert [problem.rule for problem in caught.value.problems] == [f"does not exist{maker}"]


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"none\.key: does not exist"):
        read_secret(tmp_path / "none.key", key="x.key_file")
    with pytest.raises(ConfigInvalid, match="is a folder"):
        read_secret(tmp_path, key="x.key_file")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    with pytest.raises(ConfigInvalid, match="can't be read"):
        read_secret(tmp_path / "itself", key="x.key_file")


def test_all_bad_key_files_are_told_at_once(tmp_path: Path) -> None:
    config = config_with_keys(tmp_path, "s" * 32, "devnet")
    check_key_files(config)
    (tmp_path / "master.key").unlink()
    (tmp_path / "api.key").chmod(0o644)
    with pytest.raises(ConfigInvalid) as caught:
        check_key_files(config)
    assert {problem.key for problem in caught.value.problems} == {"keys.master_key_file", "http.api_keys.0.key_file"}


@pytest.mark.parametrize(
    ("name", "text", "key", "rule"),
    [
        ("token", "s" * 31, "tokens.issuers.0.key_file", "less than 32 characters"),
        ("api", "s" * 31, "http.api_keys.0.key_file", "`openssl rand -hex 32` makes one"),
        ("api", "correct horse battery staple and more", "http.api_keys.0.key_file", "without blanks"),
        ("api", f"{'s' * 32}\n{'t' * 32}", "http.api_keys.0.key_file", "without blanks"),
        ("api", "ö" * 32, "http.api_keys.0.key_file", "ASCII"),
    ],
)
def test_what_can_be_guessed_or_never_be_sent_is_refused(
    tmp_path: Path, name: str, text: str, key: str, rule: str
) -> None:
    config = config_with_keys(tmp_path, "s" * 32, "devnet")
    key_file(tmp_path / f"{name}.key", text)
    with pytest.raises(ConfigInvalid, match=rule) as caught:
        check_key_files(config)
    assert [problem.key for problem in caught.value.problems] == [key]
    assert text not in str(caught.value)


def test_demo_keys_are_known_by_their_first_line() -> None:
    assert is_demo_key(f"{DEMO_MARK}\nabc")
    assert not is_demo_key(f"abc\n{DEMO_MARK}")


@pytest.mark.parametrize("network", ["mainnet", "testnet", "previewnet", "custom"])
def test_demo_keys_are_refused_on_any_network_but_the_devnet(tmp_path: Path, network: str) -> None:
    demo = config_with_keys(tmp_path, DEMO_KEY, network)
    with pytest.raises(ConfigInvalid, match="demo key") as caught:
        refuse_demo_keys(demo)
    assert len(caught.value.problems) == 5
    with pytest.raises(ConfigInvalid, match="demo key"):
        check_key_files(demo)
    refuse_demo_keys(config_with_keys(tmp_path, "abc", network))


def test_demo_keys_are_fine_on_the_devnet(tmp_path: Path) -> None:
    refuse_demo_keys(config_with_keys(tmp_path, DEMO_KEY, "devnet"))


def test_a_key_in_the_environment_needs_no_file() -> None:
    config = load(None, {"HEDERA_PRIVATE_KEY": "ab"})
    assert "operator.key_file" not in {key for key, _, _ in key_files(config)}


def test_a_credential_of_systemd_may_show_the_mask_of_its_acl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "master.key"
    path.write_text("00")
    path.chmod(0o440)
    with pytest.raises(ConfigInvalid, match="open to others"):
        read_secret(path, key="keys.master_key_file")
    monkeypatch.setattr(key_files_module, "CREDENTIALS", tmp_path)
    assert read_secret(path, key="keys.master_key_file") == "00"
    path.chmod(0o444)
    with pytest.raises(ConfigInvalid, match="open to others"):
        read_secret(path, key="keys.master_key_file")
