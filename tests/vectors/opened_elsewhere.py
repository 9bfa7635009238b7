"""Opens the frames of our vectors by PyPI `cwt`, a COSE library that isn't ours, in an environment of its own.

`.venv/cwt/bin/python tests/vectors/opened_elsewhere.py tests/vectors/frames.json`: for each frame what was found in it,
as one line of JSON. Nothing of this project is imported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
from cwt import COSE, COSEKey

KTY, CRV, X, ALG, KID = 1, -1, -2, 3, 4  # RFC 9052 §7.1, RFC 9053 §7.2
OKP, ED25519, EDDSA = 1, 6, -8


def unsealed(sealed: Any, key: str, aad: str) -> bytes:
    """What is in a COSE_Encrypt0 (RFC 9052 §5.2); it raises where the key or what it is bound to is another."""
    kid = cbor2.loads(sealed.value[0])[KID]
    held = COSEKey.from_symmetric_key(bytes.fromhex(key), alg="A256GCM", kid=kid)
    return bytes(COSE.new().decode(cbor2.dumps(sealed), [held], external_aad=bytes.fromhex(aad)))


def verified(signed: Any, key: str, aad: str) -> bytes:
    """What is in a COSE_Sign1 (RFC 9052 §4.2); it raises where somebody else signed, or something else was."""
    public = COSEKey.new({KTY: OKP, CRV: ED25519, X: bytes.fromhex(key), ALG: EDDSA})
    return bytes(COSE.new().decode(cbor2.dumps(signed), [public], external_aad=bytes.fromhex(aad)))


def found(vector: dict[str, Any]) -> dict[str, Any]:
    """The plaintext, each event's own CBOR, users' unsealed, and whether what must not open stays shut."""
    plaintext = unsealed(cbor2.loads(bytes.fromhex(vector["frame"])), vector["epochKey"], vector["externalAad"])
    content = cbor2.loads(plaintext)  # the first item: zeros follow
    signed = content if vector["signed"] else None
    if signed is not None:
        content = cbor2.loads(verified(signed, vector["publicKey"], vector["signatureAad"]))
    events = []
    for index, item in enumerate(content):
        if isinstance(item, cbor2.CBORTag):
            [key] = vector["userKeys"].values()
            events.append(unsealed(item, key, vector["userAads"][str(index)]).hex())
        else:
            events.append(cbor2.dumps(item, canonical=True).hex())
    return {"name": vector["name"], "plaintext": plaintext.hex(), "events": events, "taken": taken(vector, signed)}


def taken(vector: dict[str, Any], signed: Any) -> list[str]:
    """What the library takes of that which it must refuse: moved elsewhere, a bit turned, another's signature."""
    sealed = cbor2.loads(bytes.fromhex(vector["frame"]))
    tries = {
        "another topic": lambda: unsealed(sealed, vector["epochKey"], vector["externalAad"] + "00"),
        "a bit turned": lambda: unsealed(turned(sealed, 2), vector["epochKey"], vector["externalAad"]),
    }
    if signed is not None:
        key, aad = vector["publicKey"], vector["signatureAad"]
        tries |= {
            "another seal": lambda: verified(signed, key, aad + "00"),
            "another signature": lambda: verified(turned(signed, 3), key, aad),
            "another content": lambda: verified(turned(signed, 2), key, aad),
        }
    return [name for name, attempt in tries.items() if not fails(attempt)]


def turned(tagged: Any, part: int) -> Any:
    """The same with the last bit of this part turned."""
    parts = list(tagged.value)
    parts[part] = bytes([*parts[part][:-1], parts[part][-1] ^ 1])
    return cbor2.CBORTag(tagged.tag, parts)


def fails(attempt: Callable[[], bytes]) -> bool:
    """Whether it raises, whatever the library calls it."""
    try:
        attempt()
    except Exception:  # noqa: BLE001
        return True
    return False


if __name__ == "__main__":
    for each in json.loads(Path(sys.argv[1]).read_text())["opens"]:
        sys.stdout.write(json.dumps(found(each)) + "\n")
