"""The network as the configuration names it: the ledger's client with the operator's key, and the mirror's."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.config import Config
from bridge.config_sections import Operator as OperatorSection
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.key_files import read_secret
from bridge.room_settings import section_as
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.nodes import Node
from topics.ledger.operator_key import InvalidKey, OperatorKey
from topics.ledger.port import Ledger
from topics.ledger.settings import LedgerSettings
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.transaction_ids import TransactionIds


@dataclass(frozen=True, slots=True)
class Remotes:
    """Where transactions go, under whose ids, and who tells what came of them."""

    ledger: Ledger
    mirror: Mirror
    ids: TransactionIds


@asynccontextmanager
async def connected(config: Config, *, last_valid_start_ns: int) -> AsyncIterator[Remotes]:
    """The clients; nothing is sent yet. Raises ConfigInvalid for an operator key that can't be used."""
    account = config.operator.account
    ids = TransactionIds(account, last_ns=last_valid_start_ns, now_ns=time.time_ns)
    ledger = GrpcLedger(
        [Node(node.account, node.address) for node in config.network.nodes],
        operator=Operator(account, operator_key(config.operator), ids.next),
        settings=section_as(LedgerSettings, config.ledger),
    )
    mirror = mirror_of(config)
    try:
        yield Remotes(ledger, mirror, ids)
    finally:
        await mirror.close()
        await ledger.close()


def mirror_of(config: Config) -> Mirror:
    """The first of the configured mirrors. The caller closes it."""
    return Mirror(config.mirror.urls[0], section_as(MirrorSettings, config.mirror))


def operator_key(section: OperatorSection) -> OperatorKey:
    """The operator's private key, from the environment or its file. Raises ConfigInvalid without its content."""
    if section.key is not None:
        source, where, text = "environment", "operator.key", section.key.get_secret_value()
    else:
        source, where = "key file", "operator.key_file"
        text = read_secret(section.key_file, key=where)
    try:
        return OperatorKey.parse(text, kind=section.key_kind)
    except InvalidKey as error:
        shown = "(not shown)" if section.key is not None else str(section.key_file)
        raise ConfigInvalid([ConfigProblem(source, where, shown, f"is no private key: {error}")]) from error
