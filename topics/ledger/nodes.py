"""Which consensus node to ask next: round robin over those that answer, back-off for those that don't.

Pure: the caller passes the time, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from topics.values import AccountId


@dataclass(frozen=True, slots=True)
class Node:
    """A consensus node: the account that transactions name, and `host:port` of its gRPC service.

    With `tls` it is called only if it shows the certificate of that hash (hex, as the address book has it).
    """

    account: AccountId
    address: str
    tls: bool = False
    certificate_hash: str = ""

    def __str__(self) -> str:
        return f"node {self.account} at {self.address}"


@dataclass(slots=True)
class _Health:
    failures: int = 0
    ready_at: float = 0.0


class Nodes:
    """The nodes and what is known of their health, from their answers alone."""

    def __init__(self, nodes: Sequence[Node], *, backoff_initial_s: float, backoff_max_s: float) -> None:
        self._initial = backoff_initial_s
        self._max = backoff_max_s
        self._nodes: tuple[Node, ...] = ()
        self._health: dict[AccountId, _Health] = {}
        self.replace(nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def replace(self, nodes: Sequence[Node]) -> None:
        """Other nodes, or the same at other addresses. What is known of one that stays as it was is kept."""
        if not nodes:
            raise ValueError("at least one consensus node is needed")
        if len({node.account for node in nodes}) != len(nodes):
            raise ValueError("two nodes have the same account")
        stay = set(self._nodes) & set(nodes)
        self._health = {node.account: self._health[node.account] if node in stay else _Health() for node in nodes}
        self._nodes = tuple(nodes)
        self._next = 0

    def pick(self, now: float, *, avoid: Collection[AccountId] = ()) -> Node:
        """The next node in turn that is ready and not in `avoid`.

        Where none is: one that is ready, else the one whose back-off ends first. So there is always an answer.
        """
        turn = self._nodes[self._next :] + self._nodes[: self._next]
        ready = [node for node in turn if self._health[node.account].ready_at <= now]
        fresh = [node for node in ready if node.account not in avoid]
        chosen = (fresh or ready or sorted(turn, key=lambda node: self._health[node.account].ready_at))[0]
        self._next = (self._nodes.index(chosen) + 1) % len(self._nodes)
        return chosen

    def any_ready(self, now: float, *, avoid: Collection[AccountId] = ()) -> bool:
        """Whether some node outside `avoid` is not backing off."""
        return any(health.ready_at <= now for account, health in self._health.items() if account not in avoid)

    def answered(self, node: Node) -> None:
        """It works: back in the round."""
        if node in self._nodes:
            self._health[node.account] = _Health()

    def failed(self, node: Node, now: float) -> None:
        """It doesn't: out of the round, longer each time."""
        if node not in self._nodes:  # replaced while it was asked
            return
        health = self._health[node.account]
        pause = min(self._initial * 2.0 ** min(health.failures, 32), self._max)
        self._health[node.account] = _Health(health.failures + 1, now + pause)

    def failures(self) -> dict[AccountId, int]:
        """Consecutive failures of each node; 0 is healthy."""
        return {account: health.failures for account, health in self._health.items()}
