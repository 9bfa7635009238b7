"""COSE_Encrypt0 with A256GCM and COSE_Sign1 with Ed25519 (RFC 9052, RFC 9053), tag required, exact labels only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bridge.errors import EnvelopeRejected
from bridge.protocol.values import KID_BYTES
from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.epochs import Epoch

SigningKey = Ed25519PrivateKey

ENCRYPT0_TAG = 16
SIGN1_TAG = 18
ALG, KID, IV = 1, 4, 5  # COSE header labels
PRODUCER_SEQUENCE = -65537  # private use (RFC 9052 §11.1)
A256GCM = 3
EDDSA = -8
IV_BYTES = 12
GCM_TAG_BYTES = 16
SIGNATURE_BYTES = 64

_SIGN1_PROTECTED = cbor.encode({ALG: EDDSA})
_ENCRYPT0, _SIGNATURE1, _EMPTY = cbor.encode("Encrypt0"), cbor.encode("Signature1"), cbor.encode({})
_IV_IS = cbor.encode({IV: b""})[:-1]  # the map of an IV, up to the IV


def encrypt0(
    plaintext: bytes, epoch: Epoch, *, iv: bytes, external_aad: bytes, producer_sequence: int | None = None
) -> cbor.Tag:
    """Seal `plaintext`. An IV must never be used twice with a key: GCM would give both texts and the key's tag away."""
    if len(iv) != IV_BYTES:
        raise ValueError(f"an IV has {IV_BYTES} bytes, not {len(iv)}")
    protected = encrypt0_protected(epoch.kid, producer_sequence)
    sealed = AESGCM(epoch.key).encrypt(iv, plaintext, _enc_structure(protected, external_aad))
    return cbor.Tag(ENCRYPT0_TAG, [protected, {IV: iv}, sealed])


def encrypt0_protected(kid: bytes, producer_sequence: int | None = None) -> bytes:
    """The protected header that `encrypt0` writes; in a frame the signature inside the seal covers it."""
    header: dict[int, object] = {ALG: A256GCM, KID: kid}
    if producer_sequence is not None:
        header[PRODUCER_SEQUENCE] = producer_sequence
    return cbor.encode(header)


@dataclass(frozen=True, slots=True)
class Encrypt0:
    """A COSE_Encrypt0 taken apart. Nothing in it is authentic until `unseal` returned."""

    protected: bytes
    kid: bytes
    producer_sequence: int | None
    iv: bytes
    ciphertext: bytes

    @property
    def coded(self) -> bytes:
        """Its one encoding."""
        parts = (
            cbor.byte_string(self.protected),
            _IV_IS + cbor.byte_string(self.iv),
            cbor.byte_string(self.ciphertext),
        )
        return cbor.tagged(ENCRYPT0_TAG, cbor.array(parts))

    def unseal(self, key: bytes, *, external_aad: bytes) -> bytes:
        """The plaintext. Raises EnvelopeRejected."""
        try:
            return AESGCM(key).decrypt(self.iv, self.ciphertext, _enc_structure(self.protected, external_aad))
        except InvalidTag as exc:
            raise EnvelopeRejected("the seal does not open: changed, or made for another place") from exc


def read_encrypt0(data: bytes) -> Encrypt0:
    """A frame's bytes taken apart. Raises EnvelopeRejected, or CborInvalid for another encoding of the same."""
    found = parse_encrypt0(cbor.peek(data), with_producer_sequence=True)
    if found.coded != data:
        raise CborInvalid("not the deterministic encoding, or bytes follow it")
    return found


def parse_encrypt0(item: object, *, with_producer_sequence: bool = False) -> Encrypt0:
    """Take a decoded item apart. Raises EnvelopeRejected unless tag, labels, types and lengths are exactly ours."""
    protected, [unprotected, ciphertext] = _parts(item, tag=ENCRYPT0_TAG, count=3)
    kid, sequence = _encrypt0_header(protected, with_producer_sequence)
    if not isinstance(unprotected, Mapping) or unprotected.keys() != {IV}:
        raise EnvelopeRejected("the unprotected header is not an IV alone")
    iv = unprotected[IV]
    if not isinstance(iv, bytes) or len(iv) != IV_BYTES:
        raise EnvelopeRejected(f"the IV is not {IV_BYTES} bytes")
    if not isinstance(ciphertext, bytes) or len(ciphertext) < GCM_TAG_BYTES:
        raise EnvelopeRejected("the ciphertext is shorter than its tag")
    return Encrypt0(protected, kid, sequence, iv, ciphertext)


def sign1(payload: bytes, key: SigningKey, *, external_aad: bytes) -> cbor.Tag:
    """Sign `payload`, which is carried inside."""
    signature = key.sign(_sig_structure(payload, external_aad))
    return cbor.Tag(SIGN1_TAG, [_SIGN1_PROTECTED, {}, payload, signature])


@dataclass(frozen=True, slots=True)
class Sign1:
    """A COSE_Sign1 taken apart; `verify` says whether the payload is anyone's."""

    payload: bytes
    signature: bytes

    @property
    def coded(self) -> bytes:
        """Its one encoding."""
        protected, payload = cbor.byte_string(_SIGN1_PROTECTED), cbor.byte_string(self.payload)
        return cbor.tagged(SIGN1_TAG, cbor.array((protected, _EMPTY, payload, cbor.byte_string(self.signature))))

    def verify(self, public_key: bytes, *, external_aad: bytes) -> None:
        """Check the signature against 32 bytes of Ed25519 public key. Raises EnvelopeRejected."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self.signature, _sig_structure(self.payload, external_aad)
            )
        except (InvalidSignature, ValueError) as exc:
            raise EnvelopeRejected("the signature is not this key's, or was made for another place") from exc


def read_sign1(data: bytes) -> tuple[Sign1, int]:
    """What `data` begins with taken apart, and its length. Raises as `read_encrypt0`."""
    found = parse_sign1(cbor.peek(data))
    coded = found.coded
    if not data.startswith(coded):
        raise CborInvalid("not the deterministic encoding")
    return found, len(coded)


def parse_sign1(item: object) -> Sign1:
    """Take a decoded item apart. Raises EnvelopeRejected."""
    protected, [unprotected, payload, signature] = _parts(item, tag=SIGN1_TAG, count=4)
    if protected != _SIGN1_PROTECTED or not isinstance(unprotected, Mapping) or unprotected:
        raise EnvelopeRejected("the signature's headers are not alg EdDSA alone")
    if not isinstance(payload, bytes) or not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        raise EnvelopeRejected(f"not a payload with a signature of {SIGNATURE_BYTES} bytes")
    return Sign1(payload, signature)


def public_bytes(key: SigningKey) -> bytes:
    """The 32 bytes of the key that verifies."""
    return key.public_key().public_bytes_raw()


def _parts(item: object, *, tag: int, count: int) -> tuple[bytes, list[object]]:
    if not isinstance(item, cbor.Tag) or item.tag != tag:
        raise EnvelopeRejected(f"not an item with CBOR tag {tag}")
    if not isinstance(item.value, (list, tuple)) or len(item.value) != count:
        raise EnvelopeRejected(f"not an array of {count}")
    protected, *rest = item.value
    if not isinstance(protected, bytes):
        raise EnvelopeRejected("the protected header is not a byte string")
    return protected, rest


def _encrypt0_header(protected: bytes, with_producer_sequence: bool) -> tuple[bytes, int | None]:
    """kid and producer sequence. Exact, because only the bytes that we would have written pass."""
    try:
        header = cbor.peek(protected)
    except cbor.CborInvalid as exc:
        raise EnvelopeRejected("the protected header is not CBOR") from exc
    kid, sequence = (header.get(KID), header.get(PRODUCER_SEQUENCE)) if isinstance(header, dict) else (None, None)
    if not isinstance(kid, bytes) or len(kid) != KID_BYTES:
        raise EnvelopeRejected(f"the kid is not {KID_BYTES} bytes")
    if not with_producer_sequence:
        sequence = None
    elif type(sequence) is not int or sequence < 1:
        raise EnvelopeRejected("the producer sequence is not an integer from 1")
    if protected != encrypt0_protected(kid, sequence):
        raise EnvelopeRejected("the protected header is not alg A256GCM and the labels of this format")
    return kid, sequence


def _enc_structure(protected: bytes, external_aad: bytes) -> bytes:
    return cbor.array((_ENCRYPT0, cbor.byte_string(protected), cbor.byte_string(external_aad)))


def _sig_structure(payload: bytes, external_aad: bytes) -> bytes:
    protected = cbor.byte_string(_SIGN1_PROTECTED)
    return cbor.array((_SIGNATURE1, protected, cbor.byte_string(external_aad), cbor.byte_string(payload)))
