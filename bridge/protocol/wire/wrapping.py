"""Sealing at rest: keys under the master key, and outbox and publication bodies under a store key.

Both are nonce (12 bytes) ‖ AES-256-GCM ciphertext; the nonce comes from the caller and is never used twice with a key.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import SealBroken
from bridge.protocol.wire import cbor
from bridge.protocol.wire.epochs import kid_of

NONCE_BYTES = 12


def wrap_key(key: bytes, *, master_key: bytes, nonce: bytes, owner: str) -> bytes:
    """`key`, to be stored in the row of `owner` (a channel's name, or a name of our own) under its kid."""
    return _seal(key, master_key, nonce, _wrap_aad(owner, kid_of(key)))


def unwrap_key(wrapped: bytes, *, master_key: bytes, owner: str, kid: bytes) -> bytes:
    """The key. Raises SealBroken: another master key, or a wrapped key moved from another row."""
    return _open(wrapped, master_key, _wrap_aad(owner, kid), f"key {kid.hex()} of {owner}")


def seal_body(body: bytes, *, key: bytes, nonce: bytes, label: str, row: tuple[str | int | bytes, ...]) -> bytes:
    """`body`, to be stored in the row that `label` (the table) and `row` (its identity) name."""
    return _seal(body, key, nonce, cbor.encode([label, *row]))


def open_body(sealed: bytes, *, key: bytes, label: str, row: tuple[str | int | bytes, ...]) -> bytes:
    """The body. Raises SealBroken: another key, changed, or moved from another row."""
    identity = " ".join(part.hex() if isinstance(part, bytes) else str(part) for part in row)
    return _open(sealed, key, cbor.encode([label, *row]), f"{label} {identity}")


def _wrap_aad(owner: str, kid: bytes) -> bytes:
    return cbor.encode(["hcs-bridge/1 wrap", owner, kid])


def _seal(plaintext: bytes, key: bytes, nonce: bytes, aad: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def _open(sealed: bytes, key: bytes, aad: bytes, what: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError) as exc:  # ValueError: cut so short that there is no nonce
        raise SealBroken(what) from exc
