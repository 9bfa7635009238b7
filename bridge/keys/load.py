"""The bridge's own keys, read from the files that the configuration names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from bridge.config_sections import Keys
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.key_files import read_secret
from bridge.keys.people import recovery, wrap_to
from bridge.protocol.values import KEY_BYTES
from bridge.protocol.wire.cose import SigningKey, public_bytes
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class BridgeKeys:
    """The master key, the signing key, and the public half of the recovery pair where there is one."""

    master: bytes = field(repr=False)
    signing: SigningKey = field(repr=False)
    recovery: X25519PublicKey | None = None

    @property
    def public(self) -> bytes:
        """What readers pin: the signing key's public half, 32 bytes."""
        return public_bytes(self.signing)

    def wrap_for_recovery(self, key: bytes, *, network: str, topic_id: TopicId) -> bytes | None:
        """The key of an epoch of that topic for the recovery key, None without one."""
        if self.recovery is None:
            return None
        return wrap_to(self.recovery, key, purpose=recovery(network, topic_id))


def load_keys(section: Keys) -> BridgeKeys:
    """Read them. Raises ConfigInvalid that names the key file and what is wrong with it, never its content."""
    recovery = section.recovery_public_key_file
    return BridgeKeys(
        hex_key(section.master_key_file, "keys.master_key_file"),
        _signing_key(section),
        None
        if recovery is None
        else X25519PublicKey.from_public_bytes(hex_key(recovery, "keys.recovery_public_key_file", private=False)),
    )


def public_key_of(section: Keys) -> bytes:
    """What readers pin, where nothing else is needed. Raises ConfigInvalid as `load_keys` does."""
    return public_bytes(_signing_key(section))


def _signing_key(section: Keys) -> SigningKey:
    return Ed25519PrivateKey.from_private_bytes(hex_key(section.signing_key_file, "keys.signing_key_file"))


def hex_key(path: Path, key: str, *, private: bool = True) -> bytes:
    """32 bytes out of a file of hex digits; `key` is what names it. Raises ConfigInvalid as `load_keys` does."""
    text = read_secret(path, key=key, private=private)
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise ConfigInvalid([ConfigProblem("key file", key, str(path), f"must hold {KEY_BYTES * 2} hex digits")])
    return found
