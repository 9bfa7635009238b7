"""How the HTTP door says no: one JSON shape, and which error becomes which status."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.errors import (
    BridgeError,
    CampaignRefused,
    ChangeRefused,
    EntryRefused,
    IdempotencyConflict,
    KeysRefused,
    LeasesLost,
    Problem,
    Unavailable,
)
from bridge.protocol.values import JSON

RETRY_AFTER_S = 1


@dataclass(eq=False)
class Fault(Exception):
    """An answer that refuses a request. `code` is for programs, `message` for people."""

    status: int
    code: str
    message: str
    problems: Sequence[Problem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, JSON]:
        """`{"error": {"code", "message", "problems": [{"index", "field", "type", "rule"}]}}`."""
        problems: list[JSON] = [
            {"index": problem.index, "field": problem.field, "type": problem.value_type, "rule": problem.rule}
            for problem in self.problems
        ]
        return {"error": {"code": self.code, "message": self.message, "problems": problems}}


def unauthorized(message: str) -> Fault:
    """No key, or none that is known."""
    return Fault(401, "unauthorized", message, headers={"WWW-Authenticate": 'Bearer realm="hcs-bridge"'})


def too_many(wait_s: float, *, whose: str = "key") -> Fault:
    """The key's, or user's, rate is used up for `wait_s` seconds."""
    headers = {"Retry-After": str(max(1, math.ceil(wait_s)))}
    return Fault(429, "too_many_requests", f"this {whose}'s rate is used up", headers=headers)


def fault_for(error: BridgeError) -> Fault:
    """What a backend's error becomes for the one who asked."""
    match error:
        case ChangeRefused():
            return Fault(error.status, "refused", str(error), error.problems)
        case CampaignRefused():
            hint = f"; {error.hint}" if error.hint else ""
            return Fault(error.status, "campaign_refused", f"{error}{hint}", error.problems)
        case EntryRefused():
            hint = f"; {error.hint}" if error.hint else ""
            return Fault(error.status, "entry_refused", f"{error}{hint}")
        case KeysRefused():
            hint = f"; {error.hint}" if error.hint else ""
            return Fault(error.status, "keys_refused", f"{error}{hint}")
        case IdempotencyConflict():
            return Fault(409, "idempotency_conflict", f"{error}; {error.hint}")
        case LeasesLost():  # it ends, and whoever is sent here next goes on
            return Fault(503, "unavailable", f"{error}; try again", headers={"Retry-After": str(RETRY_AFTER_S)})
        case Unavailable():
            wait_s = RETRY_AFTER_S if error.retry_after_s is None else max(1, math.ceil(error.retry_after_s))
            return Fault(503, "unavailable", f"{error}; try again", headers={"Retry-After": str(wait_s)})
    raise error
