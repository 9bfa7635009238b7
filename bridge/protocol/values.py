"""The values of the event layer: what a backend hands over, and what goes on the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from topics.values import TopicId

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

KEY_BYTES = 32
KID_BYTES = 8
EVENT_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Change:
    """A state change as the door let it in: names resolved, fields checked, ids and amounts as strings.

    `data_type` is CAMPAIGN, BALANCE or NOTIFICATION. `user_id` is set when it is for one person only;
    `campaign_id` None means the `_account` topic. `time_ms` None means the moment of acceptance.
    """

    event: str
    data_type: str
    payload: dict[str, JSON]
    campaign_id: str | None
    user_id: str | None
    time_ms: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a frame. `id` is a UUIDv7; `audience` a user's id, None for everyone on the campaign."""

    id: bytes
    type: str
    time_ms: int
    audience: str | None
    data: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class TopicContext:
    """What every seal in a topic is bound to, and whether the topic's manifest says that its frames are signed."""

    network: str
    topic_id: TopicId
    signed: bool
