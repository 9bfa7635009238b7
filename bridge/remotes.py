"""The network as the configuration names it: the ledger's client with the operator's key, and the mirror's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from bridge.config import Config
from bridge.config_sections import Operator as OperatorSection
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.key_files import read_secret
from bridge.room_settings import section_as
from topics.errors import TopicsError
from topics.ledger import jvm_ledger, jvm_process
from topics.ledger.address_book import nodes_in
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.node_calls import AddressBook
from topics.ledger.nodes import Node
from topics.ledger.operator_key import InvalidKey, OperatorKey
from topics.ledger.settings import LedgerSettings
from topics.mirror.host import Hosts
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings, StreamSettings
from topics.mirror.streams import Streams
from topics.mirror.subscription import StreamAddress
from topics.network_time import NetworkTime
from topics.networks import TLS_PORT
from topics.settlement import Witness
from topics.transaction_ids import TransactionIds
from topics.values import TransactionId

LOOK_UP_S = 5.0
"""How long the start waits for the address book."""


@dataclass(frozen=True, slots=True)
class Remotes:
    """Where transactions go, under whose ids, and who tells what came of them."""

    ledger: GrpcLedger
    witness: Witness
    mirror: Mirror
    hosts: Hosts
    streams: Streams
    ids: TransactionIds
    submit_key: bytes
    """The public key that goes into topics."""


@asynccontextmanager
async def connected(
    config: Config, *, last_valid_start_ns: int, is_taken: Callable[[TransactionId], bool] = lambda _: False
) -> AsyncIterator[Remotes]:
    """The clients; nothing is sent yet, but a public network's nodes are looked up. `is_taken` tells ids on record.

    Raises ConfigInvalid for an operator key that can't be used, or a backend that isn't installed.
    """
    account = config.operator.account
    network_time = NetworkTime(time.time_ns)
    ids = TransactionIds(
        account,
        last_ns=last_valid_start_ns,
        now_ns=time.time_ns,
        node_number=config.daemon.number,
        network=network_time,
        is_taken=is_taken,
    )
    operator = Operator(account, operator_key(config.operator), ids.next, network_time.refused, network_time.expired)
    hosts = Hosts(section_as(MirrorSettings, config.mirror))
    mirror = mirror_of(config, hosts=hosts, network_time=network_time)
    streams = streams_of(config, mirror, hosts)
    try:
        look_up = partial(_address_book, mirror, tls=config.network.uses_tls)
        ledger = _ledger_of(config, operator, await _nodes(config, look_up), look_up)
        try:
            yield Remotes(ledger, ledger, mirror, hosts, streams, ids, operator.key.public_bytes)
        finally:
            await ledger.close()
    finally:
        await streams.close()
        await mirror.close()


async def _address_book(mirror: Mirror, *, tls: bool) -> Sequence[Node]:
    return nodes_in(await mirror.network_nodes(), tls=tls)


async def _nodes(config: Config, look_up: AddressBook) -> Sequence[Node]:
    """Those of a public network as they are now, if the mirror tells in time; else those of the configuration."""
    if config.network.looks_up_nodes:
        with suppress(TimeoutError, TopicsError):
            async with asyncio.timeout(LOOK_UP_S):
                if found := await look_up():
                    return found
    return [Node(node.account, node.address, tls=config.network.uses_tls) for node in config.network.nodes]


def _ledger_of(config: Config, operator: Operator, nodes: Sequence[Node], look_up: AddressBook) -> GrpcLedger:
    settings = section_as(LedgerSettings, config.ledger)
    if config.ledger.backend == "grpc":
        return GrpcLedger(nodes, operator=operator, settings=settings, address_book=look_up)
    lacking = jvm_process.missing()
    if lacking is None and not any(map(jvm_ledger.is_reachable, nodes)):
        lacking = (
            f"reaches no node: to the Java SDK, port {TLS_PORT} is TLS and no other is (network.nodes, network.tls)"
        )
    if lacking is not None:
        raise ConfigInvalid([ConfigProblem("configuration", "ledger.backend", config.ledger.backend, lacking)])
    return jvm_ledger.JvmLedger(nodes, operator=operator, settings=settings, address_book=look_up)


def mirror_of(config: Config, *, hosts: Hosts | None = None, network_time: NetworkTime | None = None) -> Mirror:
    """The configured mirrors, best first, compared by `network_time`, which learns from them. The caller closes it.

    Whoever else asks the same addresses must be given the same `hosts`.
    """
    first, *others = config.mirror.urls
    settings = section_as(MirrorSettings, config.mirror)
    return Mirror(first, settings, others=others, hosts=hosts, network_time=network_time)


def streams_of(config: Config, mirror: Mirror, hosts: Hosts) -> Streams:
    """The configured mirrors' gRPC sides; without any, or with `mirror.streams` off, its capacity is 0."""
    addresses = config.mirror.grpc_addresses if config.mirror.streams else ()
    return Streams(
        [StreamAddress(address, tls=config.mirror.uses_tls(address)) for address in addresses],
        section_as(StreamSettings, config.mirror),
        mirror=mirror,
        payer=config.operator.account,
        hosts=hosts,
    )


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
