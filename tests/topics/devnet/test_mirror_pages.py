"""Lists: the right rows in the right order, and links that lead through all of them once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topics.devnet.ground import Ground
from topics.devnet.made_keys import make_ed25519
from topics.devnet.mirror_pages import messages_page, transactions_page
from topics.devnet.mirror_parameters import BadRequest
from topics.devnet.mirror_view import MirrorView
from topics.values import NANOS, TopicId, format_timestamp

HOUR_NS = 3600 * NANOS
PATH = "/api/v1/list"


class Pages:
    """A topic with nine messages, a second apart; the tenth transaction is the topic's creation, the first of all."""

    def __init__(self) -> None:
        self.ground = Ground()
        self.topic_id = self.ground.create_topic()
        for number in range(9):
            self.ground.advance(1)
            self.ground.run(self.ground.submit(self.topic_id, b"%d" % number))
        self.view = MirrorView(self.ground.network.mirror)

    def messages(self, query: str, topic_id: TopicId | None = None) -> dict[str, Any]:
        return messages_page(self.view, PATH, topic_id or self.topic_id, query)

    def transactions(self, query: str, max_range_ns: int = HOUR_NS) -> dict[str, Any]:
        return transactions_page(self.view, PATH, query, max_range_ns=max_range_ns)


def numbers(page: dict[str, Any]) -> list[int]:
    return [row["sequence_number"] for row in page["messages"]]


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


def test_messages_ascend_by_default(pages: Pages) -> None:
    page = pages.messages("")
    assert numbers(page) == list(range(1, 10))
    assert page["links"]["next"] is None
    assert numbers(pages.messages("order=desc&limit=2")) == [9, 8]


def test_messages_by_number_and_time(pages: Pages) -> None:
    assert numbers(pages.messages("sequencenumber=gt:3&sequencenumber=lte:5")) == [4, 5]
    assert numbers(pages.messages("sequencenumber=4")) == [4]
    assert numbers(pages.messages("sequencenumber=gt:9")) == []
    assert numbers(pages.messages("sequencenumber=gt:5&sequencenumber=lt:3")) == []
    third = pages.messages("sequencenumber=3")["messages"][0]["consensus_timestamp"]
    assert numbers(pages.messages(f"timestamp=gt:{third}&limit=2")) == [4, 5]
    assert numbers(pages.messages(f"timestamp=lte:{third}&sequencenumber=gte:2")) == [2, 3]
    assert numbers(pages.messages(f"timestamp={third}")) == [3]


def test_a_full_page_links_on_even_if_it_was_the_last(pages: Pages) -> None:
    page = pages.messages("limit=9")
    link = page["links"]["next"]
    assert link.startswith(f"{PATH}?limit=9&timestamp=gt:")
    last = pages.messages(urlsplit(link).query)
    assert last == {"messages": [], "links": {"next": None}}


def test_an_unknown_topic_is_an_empty_list(pages: Pages) -> None:
    assert pages.messages("", TopicId(0, 0, 9)) == {"messages": [], "links": {"next": None}}
    with pytest.raises(BadRequest):
        pages.messages("sequencenumber=gt:0", TopicId(0, 0, 9))
    with pytest.raises(BadRequest):
        pages.messages("encoding=hex")


@given(limit=st.integers(1, 12), descending=st.booleans())
def test_links_lead_through_everything_once(limit: int, descending: bool) -> None:
    pages = SHARED
    query, found = f"limit={limit}&order={'desc' if descending else 'asc'}", list[int]()
    while True:
        page = pages.messages(query)
        found += numbers(page)
        if page["links"]["next"] is None:
            break
        query = urlsplit(page["links"]["next"]).query
    assert found == sorted(range(1, 10), reverse=descending)


SHARED = Pages()


def test_transactions_descend_by_default(pages: Pages) -> None:
    names = [row["name"] for row in pages.transactions("")["transactions"]]
    assert names == ["CONSENSUSSUBMITMESSAGE"] * 9 + ["CONSENSUSCREATETOPIC"]


def test_the_sweep(pages: Pages) -> None:
    everything = pages.transactions("order=asc")["transactions"]
    behind = everything[7]["consensus_timestamp"]
    query = f"transactiontype=CONSENSUSSUBMITMESSAGE&account.id={pages.ground.operator}&order=asc&timestamp=gt:{behind}"
    found = pages.transactions(query)
    assert [row["consensus_timestamp"] for row in found["transactions"]] == [
        row["consensus_timestamp"] for row in everything[8:]
    ]
    assert {row["entity_id"] for row in found["transactions"]} == {str(pages.topic_id)}
    assert pages.transactions(f"account.id={pages.topic_id}")["transactions"] == []


def test_several_payers_and_types_are_merged() -> None:
    ground, key = Ground(), make_ed25519()
    other = ground.open_account(key, balance=100 * 10**8)
    topic_id = ground.create_topic()
    expected = []
    for number in range(6):
        mine = number % 2 == 0
        body = ground.submit(topic_id, payer=ground.operator if mine else other)
        expected.append(str(ground.run(body, ground.key if mine else key).id))
    query = (
        f"account.id={other}&account.id={ground.operator}&account.id={other}"
        "&transactiontype=consensussubmitmessage&transactiontype=CRYPTOTRANSFER"
    )
    view = MirrorView(ground.network.mirror)
    for order in ("asc", "desc"):
        page = transactions_page(view, PATH, f"{query}&order={order}", max_range_ns=HOUR_NS)
        found = [row["transaction_id"] for row in page["transactions"]]
        assert found == (expected if order == "asc" else expected[::-1])


def test_by_result(pages: Pages) -> None:
    assert pages.transactions("result=fail")["transactions"] == []
    assert len(pages.transactions("result=success")["transactions"]) == 10
    for query in ("result=x", "transactiontype=NOTHING", "type=x", "foo=1"):
        with pytest.raises(BadRequest):
            pages.transactions(query)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_an_empty_page_may_link_on(pages: Pages, order: str) -> None:
    # Three seconds a request: from a minute earlier on, many pages are empty, and their links lead to the rows.
    early = format_timestamp(pages.ground.now_ns - 60 * NANOS)
    late = format_timestamp(pages.ground.now_ns + 60 * NANOS)
    query, found, empty = f"order={order}&timestamp=gt:{early}&timestamp=lt:{late}", list[str](), 0
    for _ in range(100):
        page = pages.transactions(query, max_range_ns=3 * NANOS)
        found += [row["transaction_id"] for row in page["transactions"]]
        if page["links"]["next"] is None:
            break
        empty += not page["transactions"]
        query = urlsplit(page["links"]["next"]).query
    assert len(found) == len(set(found)) == 10
    assert empty > 10
