"""What the embedded network can be told at its start."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from topics.fees import ExchangeRate
from topics.values import NANOS

HBAR = 100_000_000
DEFAULT_RATE = ExchangeRate(hbar_equivalent=30_000, cent_equivalent=360_000)
SIXTY_DAYS_S = 60 * 24 * 3600


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """Port 0 takes a free one. The delays feel like the real network: some 3 s to consensus, 2 s more to REST.

    `time_scale` divides every window and lifetime that the protocol fixes: valid durations, the life of a receipt, the
    length of a block. The delays are taken as they are. `clock` gives nanoseconds since 1970.

    With a `directory` the network is kept there and goes on where it was; `fresh` throws away what was kept. Without
    one it is in memory, gone when it stops. `create_throttle_per_s` is how many topics the whole network takes a
    second, each node its share, BUSY beyond; 5 on the real one, 0 for no limit. `mirror_max_requests_per_s` is how many
    requests the REST side of each mirror answers, 429 beyond; 50 an address on the public ones, 0 for no limit.

    A transaction takes up to `consensus_jitter_s` more than `consensus_delay_s`, so one may overtake another; the real
    network's take 3 to 5 s.

    With `mirrors` there are several, each with a REST and a gRPC port and faults of its own; they listen on the ports
    that follow the first one's.
    """

    host: str = "127.0.0.1"
    node_ports: tuple[int, int] = (0, 0)
    mirror_port: int = 0
    mirror_grpc_port: int = 0
    mirrors: int = 1
    consensus_delay_s: float = 2.9
    consensus_jitter_s: float = 0
    mirror_delay_s: float = 2.1
    time_scale: float = 1.0
    clock: Callable[[], int] = time.time_ns
    operator_balance_tinybar: int = 1_000_000 * HBAR
    exchange_rate: ExchangeRate = DEFAULT_RATE
    max_transactions_range_s: int = SIXTY_DAYS_S
    """The mirror looks at so much time per /transactions request, and links on."""
    create_throttle_per_s: float = 0
    mirror_max_requests_per_s: float = 0
    directory: Path | None = None
    fresh: bool = False

    @property
    def consensus_delay_ns(self) -> int:
        """From a node's yes to consensus."""
        return round(self.consensus_delay_s * NANOS)

    @property
    def consensus_jitter_ns(self) -> int:
        """What may come on top, drawn for each transaction."""
        return round(self.consensus_jitter_s * NANOS)

    @property
    def mirror_delay_ns(self) -> int:
        """From consensus to the mirror's REST."""
        return round(self.mirror_delay_s * NANOS)

    def scaled_ns(self, seconds: float) -> int:
        """A window of the protocol in this network's time."""
        return round(seconds * NANOS / self.time_scale)
