"""Reads verification keys, each for the one algorithm that the configuration names.

They come as a secret, PEM, a JWK, a JWK set, or the first user's key store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jwt

MAX_KEYS = 100
"""Keys in one set; more is no key set."""

_PUBLIC_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
_SECRET_MEMBERS = ("kty", "k")


def read_keys(text: bytes, algorithm: str) -> dict[str, Any]:
    """Key id → the key that `algorithm` verifies with; "" stands for a key without an id.

    Of a set, what is for another algorithm or not for signatures is left out, and only public halves are kept. Raises
    ValueError, which begins with a verb and repeats nothing of `text`, where no key is left.
    """
    document = _document(text)
    if document is None:
        return {"": _prepared(text, algorithm)}
    keys: dict[str, Any] = {}
    fault = "holds no key for signatures"
    for kid, material in _rows(document, algorithm):
        try:
            keys[kid] = _prepared(material, algorithm)
        except ValueError as error:
            fault = str(error)
    if not keys:
        raise ValueError(fault)
    return keys


def _document(text: bytes) -> Any:
    """The JSON that `text` is; None for secrets and PEM."""
    if not text.lstrip().startswith((b"{", b"[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rows(document: Any, algorithm: str) -> Iterator[tuple[str, bytes | Mapping[str, Any]]]:
    """Each key of the document with its id: a JWK as it is, a PEM as bytes."""
    rows = document.get("keys", [document]) if isinstance(document, dict) else document
    if not isinstance(rows, list) or len(rows) > MAX_KEYS:
        raise ValueError(f"is not a list of at most {MAX_KEYS} keys")
    for row in rows:
        kid = row.get("kid", "") if isinstance(row, dict) else None
        if not isinstance(kid, str):
            continue
        if isinstance(pem := row.get("publicKey"), str):  # the first user's; the private half beside it stays unread
            yield kid, pem.encode()
        elif row.get("alg", algorithm) == algorithm and row.get("use", "sig") == "sig":
            yield kid, row


def _prepared(material: bytes | Mapping[str, Any], algorithm: str) -> Any:
    """The key as pyjwt verifies with it."""
    kind = jwt.get_algorithm_by_name(algorithm)
    if not isinstance(material, bytes):
        names = _SECRET_MEMBERS if algorithm.startswith("HS") else _PUBLIC_MEMBERS
        material = {name: material[name] for name in names if name in material}
    try:  # prepare_key checks the curve, which from_jwk alone does not
        key = kind.prepare_key(material if isinstance(material, bytes) else kind.from_jwk(dict(material)))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"is not a key for {algorithm}") from error
    if kind.check_key_length(key) is not None:
        raise ValueError(f"is too short for {algorithm}")
    return key.public_key() if hasattr(key, "public_key") else key
