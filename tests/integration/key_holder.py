"""A reader that trusts nobody, in a few lines of its own: keys by HPKE, frames and signatures by COSE, hashes by hand.

Nothing here is the bridge's code but its CBOR: what it reads, a reader in another language can.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = "hcs-bridge/1"
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


@dataclass
class KeyHolder:
    """One client with a key pair of its own. `keys` are those it was granted, by owner and kid."""

    http: str
    token: str
    campaign: str
    pin: bytes
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    keys: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    network: str = ""
    topic: str = ""

    async def get(self, path: str) -> tuple[int, Any]:
        """Ask the door about the campaign, with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.http}/v1/campaigns/{self.campaign}/{path}"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status, await answer.json()

    async def fetch_keys(self) -> int:
        """What the campaign grants, unwrapped; the HTTP status."""
        public = base64.urlsafe_b64encode(self.private.public_key().public_bytes_raw()).decode().rstrip("=")
        status, answer = await self.get(f"keys?publicKey={public}")
        if status == 200:
            self.network, self.topic = answer["network"], answer["topicId"]
            for each in answer["epochs"]:
                owner, kid = each["owner"], bytes.fromhex(each["kid"])
                info = cbor2.dumps([FORMAT, "grant", self.network, owner, kid], canonical=True)
                key = SUITE.decrypt(base64.b64decode(each["wrapped"]), self.private, info=info)
                assert hashlib.sha256(b"hcs-bridge/1 kid" + key).digest()[:8] == kid
                self.keys[owner, kid] = key
        return status

    def open(self, frame: bytes) -> list[Any] | None:
        """The elements of a frame whose signature is the pinned key's; None: no key that is held opens it."""
        protected, unprotected, ciphertext = cbor2.loads(frame).value
        key = self.keys.get((f"campaign:{self.campaign}", cbor2.loads(protected)[4]))
        if key is None:
            return None
        context = [FORMAT, self.network, self.topic]
        plaintext = _unseal(key, protected, unprotected[5], ciphertext, context)
        signed_protected, _, payload, signature = cbor2.loads(plaintext).value
        to_sign = cbor2.dumps(["Signature1", signed_protected, cbor2.dumps([*context, protected]), payload])
        Ed25519PublicKey.from_public_bytes(self.pin).verify(signature, to_sign)
        elements: list[Any] = cbor2.loads(payload)
        return elements

    def open_own(self, user: str, frame: bytes, index: int) -> Any:
        """An element of a frame that is for this user alone; None: not with the keys that are held."""
        elements = self.open(frame)
        assert elements is not None
        protected, unprotected, ciphertext = elements[index].value
        key = self.keys.get((f"user:{user}", cbor2.loads(protected)[4]))
        sequence = cbor2.loads(cbor2.loads(frame).value[0])[-65537]
        place = [FORMAT, self.network, self.topic, sequence, index]
        return None if key is None else cbor2.loads(_unseal(key, protected, unprotected[5], ciphertext, place))


def _unseal(key: bytes, protected: bytes, iv: bytes, ciphertext: bytes, context: list[Any]) -> bytes:
    aad = cbor2.dumps(["Encrypt0", protected, cbor2.dumps(context)])
    try:
        return AESGCM(key).decrypt(iv, ciphertext, aad)
    except InvalidTag as broken:
        raise AssertionError("a frame that does not open") from broken


def running_hash(before: bytes, row: dict[str, Any]) -> bytes:
    """What stands behind a message of a proof, given what stood before it; written down from HCS's own description."""
    array = bytes.fromhex("aced0005757200025b42acf317f8060854e00200007870") + struct.pack(">I", 48)
    seconds, nanos = map(int, row["consensus_timestamp"].split("."))
    ids = [int(part) for entity in (row["payer_account_id"], row["topic_id"]) for part in entity.split(".")]
    fields = struct.pack(">q6qqiq", 3, *ids, seconds, nanos, row["sequence_number"])
    digest = hashlib.sha384(base64.b64decode(row["message"])).digest()
    again = bytes.fromhex("7571007e0000") + struct.pack(">I", 48)
    return hashlib.sha384(array + before + bytes.fromhex("774c") + fields + again + digest).digest()


def frame_of(rows: list[dict[str, Any]]) -> bytes:
    """The message that these rows, its chunks, make."""
    ordered = sorted(rows, key=lambda row: row["chunk_info"]["number"] if row["chunk_info"] else 1)
    return b"".join(base64.b64decode(row["message"]) for row in ordered)
