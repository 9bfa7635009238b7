"""The sections of the configuration: each key with its type and default.

`config.toml` says in words what a key is for, and names the same defaults (a test compares them).
"""

from __future__ import annotations

from bridge.config_sections.corridors import Budgets, DeclaredEvent, Events, Publish, Relay, Topics
from bridge.config_sections.doors import ALL_SCOPES, ApiKey, Gateway, Http, Issuer, Scope, Tokens
from bridge.config_sections.intake import Ingest, PostgresSource, RedisSource, WatchedTable, WatchedValue
from bridge.config_sections.machine import Bus, Daemon, Database, Doctor, Keys, Lease, Log, Tracing
from bridge.config_sections.network import Ledger, Mirror, Network, Node, Operator, with_mirror

__all__ = [
    "ALL_SCOPES",
    "ApiKey",
    "Budgets",
    "Bus",
    "Daemon",
    "Database",
    "DeclaredEvent",
    "Doctor",
    "Events",
    "Gateway",
    "Http",
    "Ingest",
    "Issuer",
    "Keys",
    "Lease",
    "Ledger",
    "Log",
    "Mirror",
    "Network",
    "Node",
    "Operator",
    "PostgresSource",
    "Publish",
    "RedisSource",
    "Relay",
    "Scope",
    "Tokens",
    "Topics",
    "Tracing",
    "WatchedTable",
    "WatchedValue",
    "with_mirror",
]
