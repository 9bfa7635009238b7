"""A change becomes an event: with an id of its own, or with the one that it comes with."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bridge.protocol.channels import ACCOUNT, Channel
from bridge.protocol.values import Change, Event
from bridge.protocol.wire.events import uuid7


@dataclass(frozen=True, slots=True)
class Arrival:
    """A change that has become an event: where it goes, and as what it will be told."""

    event: Event
    data_type: str
    ref: str

    @property
    def channel(self) -> str:
        """Who gets it: its user, or everyone on the campaign."""
        if self.event.audience is not None:
            return str(Channel("user", self.event.audience))
        return str(Channel("campaign", self.ref))


@dataclass(frozen=True, slots=True)
class Given:
    """A change from somewhere that may hand it over twice, under the same event id (16 bytes) then.

    `owner`: whose its campaign is, by user id: for one that isn't registered yet, or without an owner.
    """

    change: Change
    event_id: bytes
    owner: str | None = None


def arrival_of(change: Change, now_ms: int, event_id: bytes | None = None) -> Arrival:
    """The change as the event with that id, or with a new one; it has come at `now_ms`."""
    time_ms = now_ms if change.time_ms is None else change.time_ms
    event = Event(event_id or uuid7(now_ms, os.urandom(10)), change.event, time_ms, change.user_id, change.payload)
    return Arrival(event, change.data_type, change.campaign_id or ACCOUNT)
