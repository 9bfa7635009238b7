"""Recorded answers are read; any field that is missing or of another form is named, and nothing else is raised."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import recorded
from topics.errors import MalformedAnswer
from topics.fees import ExchangeRate
from topics.mirror import decode
from topics.mirror.answers import MirrorKey, MirrorNode, TransactionOutcome
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

ID = "0.0.1001-1700000000-000000042"
MESSAGE: dict[str, Any] = {
    "chunk_info": {
        "initial_transaction_id": {
            "account_id": "0.0.1001",
            "nonce": 0,
            "scheduled": False,
            "transaction_valid_start": "1700000000.000000042",
        },
        "number": 1,
        "total": 2,
    },
    "consensus_timestamp": "1700000001.000000007",
    "message": "aGVsbG8=",
    "payer_account_id": "0.0.1001",
    "running_hash": "AA==",
    "running_hash_version": 3,
    "sequence_number": 1,
    "topic_id": "0.0.7001",
}
OUTCOME: dict[str, Any] = {
    "charged_tx_fee": 42,
    "consensus_timestamp": "1700000001.000000007",
    "entity_id": "0.0.7001",
    "result": "SUCCESS",
    "transaction_id": ID,
}
KEY = {"_type": "ED25519", "key": "aabb"}
TOPIC = {
    "topic_id": "0.0.7001",
    "memo": "m",
    "deleted": False,
    "submit_key": KEY,
    "admin_key": None,
    "created_timestamp": "1.2",
}
ACCOUNT = {"account": "0.0.1001", "balance": {"balance": 5, "timestamp": "1.2"}, "key": KEY, "deleted": False}
NODE = {
    "node_id": 0,
    "node_account_id": "0.0.3",
    "node_cert_hash": "0xabcd",
    "service_endpoints": [
        {"domain_name": "", "ip_address_v4": "127.0.0.1", "port": 50211},
        {"domain_name": "node.example", "ip_address_v4": "", "port": 50212},
    ],
}
RATE = {"current_rate": {"cent_equivalent": 12, "expiration_time": 1700003600, "hbar_equivalent": 1}}
BLOCKS = {"blocks": [{"timestamp": {"from": "1.0", "to": "1700000001.000000007"}}]}
PAGE = {"transactions": [OUTCOME], "links": {"next": "/api/v1/transactions?x=1"}}
NODES = {"nodes": [NODE], "links": {"next": None}}

Read = Callable[[object, str], object]
ANSWERS: list[tuple[Read, dict[str, Any]]] = [
    (decode.messages, {"messages": [MESSAGE], "links": {"next": None}}),
    (decode.message, MESSAGE),
    (decode.submit_page, PAGE),
    (decode.outcomes, PAGE),
    (decode.next_link, PAGE),
    (decode.topic, TOPIC),
    (decode.account, ACCOUNT),
    (decode.nodes, NODES),
    (decode.exchange_rate, RATE),
    (decode.newest_ns, BLOCKS),
]


@pytest.mark.parametrize("name", ["vector.json", "testnet-0.0.4603900.json", "topic-0.0.1926.json"])
def test_recorded_messages(name: str) -> None:
    answer = json.loads(recorded(Path("running-hash") / name).read_text())
    messages = decode.messages(answer, "m")
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
    assert all(len(message.running_hash) == 48 for message in messages)


def test_messages_with_and_without_chunk_info() -> None:
    [chunked, plain] = decode.messages({"messages": [MESSAGE, MESSAGE | {"chunk_info": None}]}, "m")
    assert chunked.message == b"hello"
    assert chunked.consensus_ns == 1_700_000_001_000_000_007
    assert chunked.chunk == ChunkInfo(TransactionId(AccountId(0, 0, 1001), 1_700_000_000_000_000_042), 1, 2)
    assert plain.chunk is None
    assert decode.message(MESSAGE, "m") == chunked


def test_outcomes_and_the_link_onwards() -> None:
    page = decode.submit_page(PAGE, "m")
    expected = TransactionOutcome(
        TransactionId.parse(ID), 1_700_000_001_000_000_007, "SUCCESS", TopicId(0, 0, 7001), 42
    )
    assert page.rows == [expected]
    assert page.next == "/api/v1/transactions?x=1"
    [failed] = decode.outcomes({"transactions": [OUTCOME | {"entity_id": None}]}, "m")
    assert failed.topic_id is None


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example/api/v1/", "@evil.example/api/v1/x", 7])
def test_a_link_to_elsewhere_is_refused(link: object) -> None:
    with pytest.raises(MalformedAnswer, match=r"links\.next"):
        decode.submit_page({"transactions": [], "links": {"next": link}}, "m")


def test_topic_account_nodes_rate_and_newest_block() -> None:
    topic = decode.topic(TOPIC, "m")
    assert (topic.topic_id, topic.submit_key, topic.admin_key) == (
        TopicId(0, 0, 7001),
        MirrorKey("ED25519", b"\xaa\xbb"),
        None,
    )
    assert decode.account(ACCOUNT, "m").balance_tinybar == 5
    addresses = ("127.0.0.1:50211", "node.example:50212")
    assert decode.nodes(NODES, "m") == [MirrorNode(0, AccountId(0, 0, 3), addresses, "abcd")]
    assert decode.exchange_rate(RATE, "m") == ExchangeRate(hbar_equivalent=1, cent_equivalent=12)
    assert decode.newest_ns(BLOCKS, "m") == 1_700_000_001_000_000_007
    assert decode.newest_ns({"blocks": []}, "m") == 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sequence_number": "1"}, r"m gave .*messages\[0\]\.sequence_number is '1', not int"),
        ({"sequence_number": True}, "not an integer"),
        ({"sequence_number": 2**63}, "not an integer from 0"),
        ({"sequence_number": -1}, "not an integer from 0"),
        ({"consensus_timestamp": "999999999999.0"}, "beyond the year 2262"),
        ({"payer_account_id": "0.0.9999999999999999999"}, "beyond 63 bits"),
        ({"consensus_timestamp": "yesterday"}, "consensus_timestamp 'yesterday'"),
        ({"message": "%%%"}, r"messages\[0\]\.message is no base64"),
        ({"message": "é"}, r"messages\[0\]\.message"),
        ({"payer_account_id": None}, "payer_account_id is None, not str"),
        ({"topic_id": "7"}, "topic_id '7'"),
        ({"chunk_info": []}, r"chunk_info is \[\], not dict"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], text: str) -> None:
    with pytest.raises(MalformedAnswer, match=text):
        decode.messages({"messages": [MESSAGE | change]}, "m")


@pytest.mark.parametrize("answer", [None, [], "text", 7, {"messages": {}}, {"messages": [1]}])
def test_another_shape_altogether(answer: object) -> None:
    with pytest.raises(MalformedAnswer):
        decode.messages(answer, "m")


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(MalformedAnswer, match="0 hbar"):
        decode.exchange_rate({"current_rate": RATE["current_rate"] | {"hbar_equivalent": 0}}, "m")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below: list[tuple[Any, ...]] = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        below += places(inner, (*path, name))
    return below


@given(st.sampled_from(ANSWERS), st.data())
def test_a_value_anywhere_replaced_or_left_out_never_raises_anything_else(
    case: tuple[Read, dict[str, Any]], data: st.DataObject
) -> None:
    read, answer = case
    changed: Any = copy.deepcopy(answer)
    *way, last = data.draw(st.sampled_from(places(changed)))
    holder = changed
    for step in way:
        holder = holder[step]
    if data.draw(st.booleans()):
        holder[last] = data.draw(JSON)
    else:
        del holder[last]
    try:
        read(changed, "m")
    except MalformedAnswer as error:
        assert str(error).startswith("m gave a malformed answer: ")  # noqa: PT017 - most changes are refused, not all
