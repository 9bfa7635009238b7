"""Takes a changed configuration while the bridge runs (SIGHUP): all of it that can be, or nothing where it is wrong."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.config import Config
from bridge.config_sections import Doctor, Log, Tokens
from bridge.errors import ConfigInvalid
from bridge.front import Front
from bridge.key_files import fingerprints
from bridge.log import get_logger, set_up
from bridge.protocol.door.changes import Limits
from bridge.room_settings import (
    budgets_of,
    gateway_settings,
    http_settings,
    section_as,
    token_settings,
    told_as_invalid,
)
from bridge.rooms import Outbound
from bridge.systemd import Service

log = get_logger(__name__)

LIVE = {
    "budgets": ("campaign_hbar", "day_hbar"),
    "events": ("max_batch", "max_payload_bytes", "max_json_depth"),
    "http": ("api_keys", "max_connections", "request_timeout_s"),
    "gateway": (
        "origins", "cookie", "query_token", "plain_socket", "plain_socket_key_file", "trusted_proxies",
        "max_connections", "max_connections_per_user", "max_connections_per_address", "max_pending_bytes",
        "max_channels_per_connection", "max_commands_per_s", "channel_max_length", "presence_max_clients",
        "ping_interval_s", "pong_timeout_s", "expired_grace_s", "drain_timeout_s",
        "recovery_max_publications", "history_max_publications", "proof_max_messages",
    ),
    "tokens": tuple(Tokens.model_fields),
    "log": tuple(Log.model_fields),
    "doctor": tuple(Doctor.model_fields),  # which the doctor itself reads
}  # fmt: skip
"""What can change while the bridge runs, by section. All other keys need a restart."""
CERTIFICATE = ("tls_certificate_file", "tls_key_file")
"""Whose files are read anew; which files those are stays."""


@dataclass(slots=True)
class Reloading:
    """Hears SIGHUP from its making on; `run` beside it.

    `config` is the one in force. `read` gets the one that is there now, with its key files; it raises ConfigInvalid.
    """

    config: Config
    read: Callable[[], Config]
    out: Outbound
    front: Front
    unit: Service
    _asked: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _held: dict[str, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._held = fingerprints(self.config)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)

    async def run(self) -> None:
        """Reload at each SIGHUP until cancelled; what is refused is logged, and changes nothing."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            self.unit.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                self.reload()
            except ConfigInvalid as invalid:
                problems = [str(problem) for problem in invalid.problems]
                log.error("configuration not taken, the old one goes on", problems=problems, hint=invalid.hint)
            self.unit.tell("READY=1")

    def reload(self) -> None:
        """Hand each room what is new to it. Raises ConfigInvalid, and then nothing has changed."""
        told = self.read()
        config, held = with_live(self.config, told), fingerprints(told)
        http, gateway, budgets = http_settings(config), gateway_settings(config), budgets_of(config)
        with told_as_invalid():
            self.front.authenticator.reconfigure(token_settings(config))  # the only one that may refuse, and so first
        self.front.gateway.reconfigure(gateway)
        self.front.api.reconfigure(http)
        self.front.backend.reconfigure(section_as(Limits, config.events))
        if budgets != self.out.budgets:
            self.out.budgets.reconfigure(budgets)
            self.out.submitter.hurry(tuple(self.out.submitter.waits))
        if config.log != self.config.log:
            set_up(config.log)
        for certificate in self.front.tls.values():
            certificate.look()
        changed, late = differing(self.config, config), differing(config, told)
        for key in self._refilled(held):
            names = changed if is_live(key) else late
            if key not in names:
                names.append(key)
        log.info("configuration taken", changed=changed)
        if late:
            log.warning("needs a restart", keys=late)
        self.config = config
        self._held |= {key: held[key] for key in held if is_live(key) or key not in self._held}

    def _refilled(self, held: Mapping[str, bytes]) -> list[str]:
        """The keys whose files hold another secret now; a new master key comes by `keys rewrap`, in force already."""
        known = held.keys() & self._held.keys() - {"keys.master_key_file"}
        return [key for key in held if key in known and held[key] != self._held[key]]


def with_live(config: Config, told: Config) -> Config:
    """`config`, with what `told` says of the keys that can change."""
    sections = {
        name: getattr(config, name).model_copy(update={key: getattr(getattr(told, name), key) for key in keys})
        for name, keys in LIVE.items()
    }
    return config.model_copy(update=sections)


def is_live(key: str) -> bool:
    """Whether a dotted key, or what is in the file that it names, can change while the bridge runs."""
    section, name = key.split(".")[:2]
    return name in LIVE.get(section, ()) or name in CERTIFICATE


def differing(one: Config, other: Config) -> list[str]:
    """The keys in which they differ, dotted."""
    sections = [(name, getattr(one, name), getattr(other, name)) for name in Config.model_fields]
    return [
        f"{name}.{key}"
        for name, mine, theirs in sections
        for key in type(mine).model_fields
        if getattr(mine, key) != getattr(theirs, key)
    ]
