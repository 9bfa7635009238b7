"""What can go wrong in the bridge, typed by what happens next.

BridgeError
├── Unavailable          something outside did not answer: the same again, later, with back-off
├── ConfigInvalid        the configuration can't be run: every problem at once, exit 2
├── ChangeRefused        a backend handed over what may not pass: 4xx that names the fields, nothing stored
├── EnvelopeRejected     a topic message is not a frame of ours that can be read here: skip and count
│   └── KeyMissing       it may be one, but its key isn't here
├── IntegrityBroken      what is stored or shown can't be true: halt that topic, loudly
│   ├── ProducerGap      a frame is missing between two that verified
│   ├── ReceiptContradicted  the network's receipt of ours and the mirror don't agree
│   └── SealBroken       something sealed at rest doesn't open under the key that should open it
├── DatabaseHeld         another process has the database, a later version made it, it is damaged: exit 2
│   └── LeasesLost       others have gone on for this daemon: it ends with 1, and is to be started again
├── AddressUnusable      nothing can listen there: exit 2
├── CampaignRefused      what is asked of a campaign contradicts what is registered: 4xx, nothing changed
├── KeysRefused          what is asked of the key ring can't be: 4xx, nothing changed
├── IdempotencyConflict  the key was used before, with another body: 409, nothing stored
├── BudgetSpent          what is to be spent next goes over a budget: it waits, and nothing is lost
└── SessionClosed        a client's session ends with this code
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class BridgeError(Exception):
    """Root of this package's errors. `hint`, where there is one, says what to do."""

    hint: str = ""


class Unavailable(BridgeError):
    """`remote` (a database, a key server) couldn't be used just now; nothing is known about the outcome."""

    def __init__(self, remote: str, reason: str, *, retry_after_s: float | None = None, hint: str = "") -> None:
        self.remote = remote
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.hint = hint
        super().__init__(f"{remote} is unavailable: {reason}")


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One mistake: where it stands (file or environment), the dotted key, what stood there, the rule it breaks."""

    source: str
    key: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"{self.source}: {self.key} = {self.value}: {self.rule}"


class ConfigInvalid(BridgeError):
    """Holds every problem that was found, in the order of the file."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        of_keys = all(problem.source == "key file" for problem in problems)
        more = "" if of_keys else "; `hcs-bridge default-config` says of each key what it takes"
        self.hint = f"mend {'the files' if of_keys else 'what is'} named{more}"
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a change. `index` counts in its batch from 0; `field` is dotted, "" for the document itself.

    `value_type` is the JSON type that stood there ("object", "number" …); the value itself is never repeated.
    """

    index: int
    field: str
    value_type: str
    rule: str

    def __str__(self) -> str:
        return f"event {self.index}: {self.field or 'document'} ({self.value_type}): {self.rule}"


class ChangeRefused(BridgeError):
    """Nothing of the batch was stored. `status` is the HTTP status; `field` and `reason` are the first problem's."""

    def __init__(self, problems: Sequence[Problem], *, status: int = 422) -> None:
        self.problems = tuple(problems)
        self.status = status
        self.field = self.problems[0].field
        self.reason = self.problems[0].rule
        super().__init__("; ".join(str(problem) for problem in self.problems))


class EnvelopeRejected(BridgeError):
    """The message can't be opened as what it should be; `reason` says why, in words that repeat no content."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"envelope rejected: {reason}")


class KeyMissing(EnvelopeRejected):
    """No key with this id is held here: foreign, not granted, or shredded."""

    def __init__(self, kid: bytes) -> None:
        self.kid = kid
        super().__init__(f"no key {kid.hex()}")


class IntegrityBroken(BridgeError):
    """What was read contradicts what must be true of it. State is unchanged."""

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        super().__init__(f"{what}: {text}")


class ProducerGap(IntegrityBroken):
    """A frame that verified is not the next one: something of ours in between is missing."""

    hint = "`hcs-bridge topic show` tells what stands against it; compare with another mirror"

    def __init__(self, topic_id: object, *, expected: int, got: int) -> None:
        self.topic_id = topic_id
        self.expected = expected
        self.got = got
        super().__init__(f"topic {topic_id}", f"expected producer sequence {expected}, got {got}")


class ReceiptContradicted(IntegrityBroken):
    """What the mirror shows at `sequence` is not what the receipt of `transaction_id` says is there."""

    hint = "compare with another mirror; if they agree, another program uses the payer's account"

    def __init__(self, topic_id: object, sequence: int, *, transaction_id: object, what: str) -> None:
        self.topic_id = topic_id
        self.sequence = sequence
        self.transaction_id = transaction_id
        super().__init__(
            f"topic {topic_id}",
            f"sequence number {sequence} contradicts the receipt of transaction {transaction_id}: {what} differs",
        )


class SealBroken(IntegrityBroken):
    """`what` doesn't open: it was changed, belongs to another row, or the key is not the one that sealed it."""

    hint = "check that the master key is the one that this database was written with"

    def __init__(self, what: str) -> None:
        super().__init__(what, "does not open under its key")


class SessionClosed(BridgeError):
    """A client's session ends: `code` and `reason` go to the peer, `reconnect` tells whether it may come back."""

    def __init__(self, code: int, reason: str, *, reconnect: bool) -> None:
        self.code = code
        self.reason = reason
        self.reconnect = reconnect
        super().__init__(f"session closed with {code}: {reason}")


class DatabaseHeld(BridgeError):
    """This process must not use the database; nothing in it was changed."""

    def __init__(self, reason: str, *, hint: str) -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


class HeldForNow(DatabaseHeld):
    """Others have the database in a way that passes: a command that is alone on it, or a daemon that is just gone."""


class LeasesLost(DatabaseHeld):
    """Others have gone on for a daemon that was away: what it knows is old, and it must begin anew."""


class CampaignRefused(BridgeError):
    """`status` is the HTTP status that tells a backend: 404 unknown, 409 another owner or closed.

    `problems` name every change of a batch that is for such a campaign, not only for this one.
    """

    def __init__(
        self, campaign_id: str, reason: str, *, status: int, hint: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        self.campaign_id = campaign_id
        self.reason = reason
        self.status = status
        self.hint = hint
        self.problems = tuple(problems)
        super().__init__(f"campaign {campaign_id} {reason}")


class EntryRefused(BridgeError):
    """What an operator wants of an event in the outbox can't be; nothing was changed. `status`: 404 unknown, 409."""

    def __init__(self, event_id: str, reason: str, *, status: int, hint: str = "") -> None:
        self.event_id = event_id
        self.reason = reason
        self.status = status
        self.hint = hint
        super().__init__(f"event {event_id} {reason}")


class KeysRefused(BridgeError):
    """What is wanted of the key ring can't be; nothing was changed. `status`: 404 unknown, 409 in use, 422 the file."""

    def __init__(self, reason: str, *, status: int, hint: str = "") -> None:
        self.reason = reason
        self.status = status
        self.hint = hint
        super().__init__(reason)


class IdempotencyConflict(BridgeError):
    """The key stands for another body; nothing was stored."""

    hint = "send a changed body under a new Idempotency-Key"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"idempotency key {key!r} was used before with another body")


class BudgetSpent(BridgeError):
    """Nothing was sent; what waits goes on when there is room. `reason` names the budget and the sums."""

    def __init__(self, reason: str, *, hint: str) -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


class AddressUnusable(BridgeError):
    """`host`:`port` can't be listened on; `reason` is the system's."""

    hint = "stop what listens there, or give another port in config.toml"

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
