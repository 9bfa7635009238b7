"""What goes on between the doors and the network: changes on their way out, frames on their way in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bridge.config_rules import Amount, Budget, Count, EventName, FieldName, Seconds, Section

CHUNK_BYTES = 1024  # what HCS takes in one transaction


class Topics(Section):
    """How a campaign's topic is made."""

    create_on_demand: bool = True
    memo: Annotated[str, Field(max_length=100)] = "hcs-bridge:1"
    auto_renew_s: Annotated[int, Field(ge=2_592_000, le=8_000_001)] = 7_776_000
    admin_key: bool = False
    sign_frames: bool = True
    creations_per_s: Amount = 5.0
    max_creations: Count = 32
    pool_size: Annotated[int, Field(ge=0)] = 0
    directory: bool = False


class Publish(Section):
    """How changes become frames and flights."""

    pad_to: Count = 32
    max_frame_bytes: Annotated[int, Field(ge=CHUNK_BYTES, le=100 * CHUNK_BYTES)] = 20_480
    linger_ms: Annotated[int, Field(ge=0)] = 20
    linger_max_ms: Annotated[int, Field(ge=0)] = 1000
    max_events_per_frame: Annotated[int, Field(ge=1, le=1000)] = 1000
    max_flights: Count = 512
    max_chunks: Count = 4
    retry_initial_s: Seconds = 0.5
    retry_max_s: Seconds = 30.0
    drain_timeout_s: Seconds = 10.0
    keep_settled_days: Count = 90
    keep_settled_events: Count = 5_000_000


class Budgets(Section):
    """What may be spent, topics included; 0 is no limit. Those of API keys stand with the keys."""

    campaign_hbar: Budget = 0.0
    day_hbar: Budget = 0.0


class DeclaredEvent(Section):
    """An event of the user's own beside the built-in ones: its name, and the fields that may pass."""

    name: EventName
    type: Literal["CAMPAIGN", "BALANCE", "NOTIFICATION"]
    fields: tuple[FieldName, ...]
    to: Literal["campaign", "user"]


class Events(Section):
    """What the door lets in."""

    max_body_bytes: Count = 1_048_576
    max_batch: Count = 1000
    max_payload_bytes: Count = 16_384
    max_json_depth: Annotated[int, Field(ge=1, le=100)] = 16
    declared: tuple[DeclaredEvent, ...] = ()


class Relay(Section):
    """How frames are put together again from chunks, and how long users' channels keep what came of them."""

    max_open_bytes: Count = 4_194_304
    expire_sequences: Count = 1000
    expire_s: Seconds = 600.0
    batch_messages: Count = 100
    max_parallel_topics: Count = 16
    max_open_topics: Count = 10_000
    keep_user_publications: Count = 10_000
    keep_user_days: Count = 90
    keep_campaign_publications: Annotated[int, Field(ge=0)] = 0
    keep_campaign_days: Annotated[int, Field(ge=0)] = 0
    mode: Literal["plain", "sealed"] = "plain"
