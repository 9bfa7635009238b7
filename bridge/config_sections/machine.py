"""What is the bridge's own on its machine: keys, database, bus, log, and the doctor's limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bridge.config_rules import BusUrl, Count, DatabaseUrl, Name, OptionalPath, OptionalWebUrl, Seconds, Section
from bridge.config_sections.network import DEVNET_DIRECTORY


class Keys(Section):
    """The bridge's own keys."""

    master_key_file: Path = DEVNET_DIRECTORY / "master.key"
    signing_key_file: Path = DEVNET_DIRECTORY / "signing.key"
    recovery_public_key_file: OptionalPath = None
    max_cached: Count = 10_000
    max_granted: Count = 500
    rotate_after_days: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    rotate_after_frames: Annotated[int, Field(ge=0)] = 0


Role = Literal["ingest", "publish", "relay", "gateway"]
ROLES: tuple[Role, ...] = ("ingest", "publish", "relay", "gateway")


class Database(Section):
    """Where state lies."""

    url: DatabaseUrl = "sqlite:///var/hcs-bridge.db"
    schema_name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "hcs_bridge_store"
    upgrade_at_start: bool = True
    max_pending_writes: Count = 10_000
    max_group: Count = 500
    max_conflicts: Count = 50
    max_read_together: Count = 4
    read_threads: Count = 4
    busy_timeout_s: Seconds = 10.0


class Daemon(Section):
    """Which one of the daemons on a database this is, and what it does."""

    number: Annotated[int, Field(ge=0, le=99)] = 0
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = ROLES

    @field_validator("roles")
    @classmethod
    def _corridors_together(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        """What was sent and what has come out are settled in one process."""
        if ("publish" in roles) != ("relay" in roles):
            raise ValueError("must have publish and relay both, or neither")
        return roles


class Lease(Section):
    """How daemons on one database share the campaigns out."""

    ttl_s: Seconds = 15.0
    keep_tenures: Count = 20


class Bus(Section):
    """How nodes tell each other what is new."""

    url: Annotated[BusUrl, Field(repr=False)] = ""
    prefix: Name = "hcs-bridge"
    ca_file: OptionalPath = None
    max_pending: Count = 10_000
    max_batch: Count = 100
    timeout_s: Seconds = 3.0
    reconnect_max_s: Seconds = 5.0
    poll_interval_s: Seconds = 1.0
    check_interval_s: Seconds = 10.0
    answer_timeout_s: Seconds = 0.5
    max_questions: Count = 100


class Log(Section):
    """What is told, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Tracing(Section):
    """Where traces go. None are made without an endpoint."""

    endpoint: OptionalWebUrl = ""
    service: str = "hcs-bridge"
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    max_open: Count = 10_000
    max_spans: Count = 2048
    timeout_s: Seconds = 10.0


class Doctor(Section):
    """How long `hcs-bridge doctor` waits, and from where on it warns."""

    timeout_s: Seconds = 15.0
    low_balance_events: Count = 10_000
    low_disk_bytes: Count = 1_073_741_824
    max_clock_skew_s: Seconds = 2.0
    max_mirror_lag_s: Seconds = 60.0
    shared_payer_s: Seconds = 3600.0
