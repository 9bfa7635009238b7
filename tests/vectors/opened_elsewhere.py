"""Opens the frames of our vectors by PyPI `cwt`, a COSE library that isn't ours, in an environment of its own.

`.venv/cwt/bin/python tests/vectors/opened_elsewhere.py tests/vectors/frames.json`: for each frame what was found in it,
as one line of JSON. Nothing of this project is imported.
"""

from __future__ import annotations

import json
import sys
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
    """The plaintext, and the events' own CBOR."""
    plaintext = unsealed(cbor2.loads(bytes.fromhex(vector["frame"])), vector["epochKey"], vector["externalAad"])
    content = cbor2.loads(plaintext)  # the first item: zeros follow
    if vector["signed"]:
        content = cbor2.loads(verified(content, vector["publicKey"], vector["signatureAad"]))
    events = []
    for index, item in enumerate(content):
        if isinstance(item, cbor2.CBORTag):
            [key] = vector["userKeys"].values()
            events.append(unsealed(item, key, vector["userAads"][str(index)]).hex())
        else:
            events.append(cbor2.dumps(item).hex())
    return {"name": vector["name"], "plaintext": plaintext.hex(), "events": len(events), "refused": refused(vector)}


def refused(vector: dict[str, Any]) -> bool:
    """Whether it opens for no other topic, and not with a bit turned."""
    sealed = cbor2.loads(bytes.fromhex(vector["frame"]))
    flipped = cbor2.CBORTag(sealed.tag, [*sealed.value[:2], bytes([sealed.value[2][0] ^ 1, *sealed.value[2][1:]])])
    for item, aad in ((sealed, vector["externalAad"] + "00"), (flipped, vector["externalAad"])):
        try:
            unsealed(item, vector["epochKey"], aad)
        except Exception:  # noqa: BLE001, S112 # whatever the library calls it
            continue
        return False
    return True


if __name__ == "__main__":
    for each in json.loads(Path(sys.argv[1]).read_text())["opens"]:
        sys.stdout.write(json.dumps(found(each)) + "\n")
