"""Who is connected: found by user and by token, limited, and gone when gone."""

from __future__ import annotations

from bridge.gateway.clients import Clients
from bridge.gateway.tokens.claims import Claims
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.codes import DisconnectCode


class Stub:
    """A client that notes what is done to it; it is subscribed to these channels."""

    def __init__(self, *channels: str) -> None:
        self.channels = {*channels}
        self.done: list[DisconnectCode | int] = []

    def disconnect(self, code: DisconnectCode) -> None:
        self.done.append(code)

    def revoke(self, channel: str) -> bool:
        had = channel in self.channels
        self.channels.discard(channel)
        return had

    def extend(self, expires_ms: int) -> None:
        self.done.append(expires_ms)


def claims(user: str, jti: str | None = None) -> Claims:
    return Claims(user, frozenset(), frozenset(), 0, "i", jti)


def test_found_by_user_and_by_token() -> None:
    clients, first, second, other = Clients(), Stub(), Stub(), Stub()
    for client, whose in ((first, claims("77", "a")), (second, claims("77", "b")), (other, claims("88", "b"))):
        assert clients.enter(client, whose)
    assert (len(clients), clients.users) == (3, 2)
    assert clients.of_user("77") == [first, second]
    assert clients.of_jti("b") == [second, other]
    assert clients.of_user("99") == clients.of_jti("c") == []
    assert clients.enter(first, claims("77", "c"))  # a new token on the open connection
    assert clients.of_jti("a") == []
    assert clients.of_jti("c") == [first]
    for client in (first, first, second, other):
        clients.leave(client)
    assert (len(clients), clients.users) == (0, 0)


def test_a_user_may_have_so_many() -> None:
    clients, first, second, third = Clients(max_per_user=2), Stub(), Stub(), Stub()
    assert clients.enter(first, claims("77"))
    assert clients.enter(second, claims("77"))
    assert not clients.enter(third, claims("77"))
    assert clients.enter(third, claims("88"))
    assert clients.enter(first, claims("77"))  # it has its place
    clients.leave(second)
    assert clients.enter(third, claims("77"))
    assert clients.of_user("88") == []


def test_what_is_done_to_a_users_connections_is_done_to_no_other() -> None:
    clients, mine, bare, other = Clients(), Stub("campaign:1"), Stub(), Stub("campaign:1")
    for client, whose in ((mine, "77"), (bare, "77"), (other, "88")):
        clients.enter(client, claims(whose))
    assert [clients.unsubscribe("77", "campaign:1") for _ in range(2)] == [1, 0]
    assert (mine.channels, other.channels) == (set(), {"campaign:1"})
    assert [clients.refresh("77", end) for end in (5, None)] == [2, 2]
    assert mine.done == bare.done == [5, codes.CONNECTION_EXPIRED]
    assert (clients.refresh("99", None), other.done) == (0, [])
