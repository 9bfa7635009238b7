"""How long a frame will be, before it is sealed: what a writer needs to know to fill one."""

from __future__ import annotations

from bridge.protocol.values import KID_BYTES
from bridge.protocol.wire import cbor, cose
from bridge.protocol.wire.events import Coded

_KID = bytes(KID_BYTES)
_USER_PROTECTED = len(cose.encrypt0_protected(_KID))
_FRAME_PROTECTED = len(cose.encrypt0_protected(_KID, 0)) - 1  # without the producer sequence, whose 0 is one byte
_SIGN1_PROTECTED = len(cbor.encode({cose.ALG: cose.EDDSA}))
_UNPROTECTED = len(cbor.encode({cose.IV: bytes(cose.IV_BYTES)}))


def element_size(event: Coded) -> int:
    """Bytes that an event takes in its frame, the seal for its user included."""
    plain = len(event.cbor)
    if event.audience is None:
        return plain
    return 2 + _bstr(_USER_PROTECTED) + _UNPROTECTED + _bstr(plain + cose.GCM_TAG_BYTES)


def frame_size(elements: int, *, count: int, producer_sequence: int, signed: bool, pad_to: int) -> int:
    """Bytes of the frame of `count` events whose element sizes sum up to `elements`."""
    content = _head(count) + elements
    if signed:
        content = 2 + _bstr(_SIGN1_PROTECTED) + 1 + _bstr(content) + _bstr(cose.SIGNATURE_BYTES)
    padded = content + -content % pad_to
    return 2 + _bstr(_FRAME_PROTECTED + _head(producer_sequence)) + _UNPROTECTED + _bstr(padded + cose.GCM_TAG_BYTES)


def _bstr(length: int) -> int:
    return _head(length) + length


def _head(argument: int) -> int:
    """Bytes of a CBOR head with this argument (RFC 8949 §3)."""
    if argument < 24:
        return 1
    return 2 if argument < 2**8 else 3 if argument < 2**16 else 5 if argument < 2**32 else 9
