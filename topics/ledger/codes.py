"""What each answer of a node's precheck means for the caller: the one table of response codes.

Names and numbers: proto ResponseCodeEnum (response_code.proto).
"""

from __future__ import annotations

from enum import Enum

from topics.ledger.hapi import response_code


class Verdict(Enum):
    """What to do after a precheck code."""

    TAKEN = "a node has it, now or since earlier: ask for the receipt"
    BUSY = "throttled: back off, then the same id at another node"
    ELSEWHERE = "this node can't: the same id at another node"
    MOVED = "another node answers at this address: look the addresses up, then the same id"
    LATER = "nothing is wrong with node or transaction but the time: an earlier start, or the same id much later"
    EXPIRED = "the window is over: settle the id first"
    REFUSED = "a permanent no"


_VERDICTS = {
    "OK": Verdict.TAKEN,
    "DUPLICATE_TRANSACTION": Verdict.TAKEN,
    "BUSY": Verdict.BUSY,
    "PLATFORM_NOT_ACTIVE": Verdict.ELSEWHERE,
    "PLATFORM_TRANSACTION_NOT_CREATED": Verdict.ELSEWHERE,
    "CREATING_SYSTEM_ENTITIES": Verdict.ELSEWHERE,
    "WAITING_FOR_LEDGER_ID": Verdict.ELSEWHERE,
    "INVALID_NODE_ACCOUNT": Verdict.MOVED,
    "INVALID_TRANSACTION_START": Verdict.LATER,
    "TRANSACTION_EXPIRED": Verdict.EXPIRED,
}

PENDING = frozenset({"UNKNOWN", "OK"})
"""Receipt statuses of a transaction that a node holds but consensus has not decided."""

NOT_FOUND = "RECEIPT_NOT_FOUND"
_NAMELESS = "RESPONSE_CODE_"


def code_name(code: int) -> str:
    """The name of a response code; a code newer than our protobufs shows as its number."""
    try:
        return response_code.ResponseCodeEnum.Name(code)
    except ValueError:
        return f"{_NAMELESS}{code}"


def counted_as(status: str) -> str:
    """The status; "other" for a code that has no name here, since there is no end to those that a node may send."""
    return "other" if status.startswith(_NAMELESS) else status


def verdict(status: str) -> Verdict:
    """What a precheck's `status` asks for. What the table doesn't name is a no."""
    return _VERDICTS.get(status, Verdict.REFUSED)
