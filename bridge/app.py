"""Composition root: builds every room from its section, and joins the two corridors."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection

from bridge import migrations, settings
from bridge.config import Config
from bridge.config_sections import Section
from bridge.database import Database, hold
from bridge.keys.at_rest import AtRest
from bridge.keys.load import BridgeKeys, load_keys
from bridge.keys.ring import STORE, KeyRing
from bridge.publish import flights, outbox
from bridge.publish.carrier import Carrier, Creations
from bridge.publish.ingest import Ingest
from bridge.publish.loading import Loader
from bridge.publish.outbox import Confirmation, Entry
from bridge.publish.submitter import Submitter
from bridge.relay.inbound import Handing, Inbound, Reading
from bridge.relay.store import News, Store
from bridge.relay.tail import Batch, TopicRules
from topics.creator import Creator, TopicTerms
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.nodes import Node
from topics.ledger.settings import LedgerSettings
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.mirror.sweep import Sweep
from topics.transaction_ids import TransactionIds
from topics.values import TopicId

TINYBAR = 100_000_000

S = TypeVar("S")


def section_as(kind: type[S], section: Section) -> S:
    """A section's values as the settings of a room that knows nothing of configuration files."""
    return kind(**{field.name: getattr(section, field.name) for field in fields(kind)})  # type: ignore[arg-type]
