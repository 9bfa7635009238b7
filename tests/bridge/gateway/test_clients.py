"""Who is connected: found by user and by token, limited, and gone when gone."""

from __future__ import annotations

from bridge.gateway.clients import Clients
from bridge.gateway.tokens.claims import Claims
from bridge.protocol.realtime.codes import DisconnectCode


class Stub:
    """A client that does nothing."""

    def disconnect(self, code: DisconnectCode) -> None:
        """Never called here."""

    def revoke(self, channel: str) -> bool:
        return False

    def extend(self, expires_ms: int) -> None:
        """Never called here."""


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
