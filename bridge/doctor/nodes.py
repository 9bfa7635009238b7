"""The consensus nodes: does each answer a free query, and over TLS with the address book's certificate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from bridge.doctor.findings import Finding, Status, failed, ok, text_of, warning
from bridge.doctor.ground import Ground
from bridge.room_settings import section_as
from topics.errors import TopicsError
from topics.ledger.address_book import nodes_in
from topics.ledger.node_calls import NodeCalls
from topics.ledger.nodes import Node
from topics.ledger.probe import probe
from topics.ledger.settings import LedgerSettings
from topics.mirror.answers import MirrorNode
from topics.mirror.rest import Mirror
from topics.values import AccountId

NAME = "nodes"
_HINT = "check network.nodes, network.tls, and that the firewall lets ports 50211 and 50212 out"
_ONE_OF_MANY = "the bridge asks the others; if it stays so, see network.nodes and the network's status page"


async def nodes(ground: Ground) -> Sequence[Finding]:
    """A line for each node that the daemon would use. One that fails is a warning where others answer."""
    try:
        used = await used_nodes(ground)
    except TopicsError as error:
        return [failed(NAME, f"the address book can't be read: {text_of(error)}", "see the lines about the mirrors")]
    if not used:
        return [failed(NAME, "the address book names none that can be used", _HINT)]
    settings = section_as(LedgerSettings, ground.config.ledger, request_timeout_s=ground.request_timeout_s)
    found = await ask_all(used, settings, ground.config.operator.account)
    if any(finding.status is Status.OK for finding in found):
        return [_forgiven(finding) for finding in found]
    return found


async def used_nodes(ground: Ground) -> list[Node]:
    """Those of the configuration, or of the address book where the daemon goes by that. Raises TopicsError."""
    network, ledger = ground.config.network, ground.config.ledger
    named = [Node(node.account, node.address, tls=network.uses_tls) for node in network.nodes]
    if network.looks_up_nodes or network.uses_tls:
        book = nodes_in(await ground.first(_book), tls=network.uses_tls)
        hashes = {node.account: node.certificate_hash for node in book}
        named = [replace(node, certificate_hash=hashes.get(node.account, "")) for node in named]
        if network.looks_up_nodes:
            named = book
    return named[: ledger.max_connections]


async def ask_all(used: Sequence[Node], settings: LedgerSettings, payer: AccountId) -> list[Finding]:
    """All side by side."""
    calls = NodeCalls(used, settings)
    try:
        return list(await asyncio.gather(*(_ask(calls, node, payer) for node in used)))
    finally:
        await calls.close()


async def _ask(calls: NodeCalls, node: Node, payer: AccountId) -> Finding:
    name, started = str(node), time.monotonic()
    try:
        await probe(calls, node, payer)
    except TopicsError as error:
        return failed(name, text_of(error), _HINT)
    took_ms = (time.monotonic() - started) * 1000
    return ok(name, f"answers, in {took_ms:.0f} ms{', with the certificate of the address book' if node.tls else ''}")


def _forgiven(finding: Finding) -> Finding:
    is_down = finding.status is Status.FAILED
    return warning(finding.name, finding.found, _ONE_OF_MANY) if is_down else finding


async def _book(mirror: Mirror) -> list[MirrorNode]:
    return await mirror.network_nodes()
