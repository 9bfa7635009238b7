"""What one client who stops reading costs the others: the time until they have a publication, and the memory.

In turns the client reads, or its process is stopped, which of them first changes from pair to pair: what the machine
does besides hits both alike. It has a second channel, on which it gets so much that the kernel's buffers fill, then
ours, until it is cut.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from benchmarks._children import Child, child, forget_peak, resident_kb
from benchmarks._speakers import BESIDE, CHANNEL
from benchmarks._world import SEES_ALL, site
from bridge.commands.token import mint
from bridge.demo.account import percentiles
from bridge.demo.keys import make_demo_keys
from bridge.gateway.server import PATH

PAUSE_S = 0.03
BESIDE_BYTES = 131_072


async def one_frozen(subscribers: int, rounds: int, turns: int, data: str) -> dict[str, Any]:
    """In both: percentiles in milliseconds from publishing to arrival at the others, and in µs of the gateway's CPU
    from publishing to the last write, which whatever else runs doesn't change; its peaks in KB. And, for each pair of
    turns, what the 99th percentile with the frozen one is of that without.

    Raises RuntimeError where the others didn't get exactly what was sent.
    """
    delays: dict[str, list[list[float]]] = {"without": [], "with": []}
    peaks: dict[str, list[int]] = {"without": [], "with": []}
    cpu_us: dict[str, list[list[float]]] = {"without": [], "with": []}
    with site({"gateway.ping_interval_s": 3600, "gateway.close_timeout_s": 0.5}) as ground:
        make_demo_keys(ground.folder)
        token = mint(ground.config(), "77", role=SEES_ALL, ttl_s=900, now_s=int(time.time()))

        async def join(clients: Child, channels: tuple[str, ...], count: int) -> None:
            commands = [{"connect": {"token": token}}, *({"subscribe": {"channel": name}} for name in channels)]
            hello = "\n".join(json.dumps({"id": number, **command}) for number, command in enumerate(commands, 1))
            until = f'"id":{len(commands)}'
            await clients.ask({"port": port, "path": PATH, "hellos": [hello] * count, "until": until})

        async with (
            child("benchmarks._speakers", "gateway", env=os.environ | ground.environ) as speaker,
            child("benchmarks._subscribers") as others,
        ):
            port = (await speaker.ask({}))["port"]
            await join(others, (CHANNEL,), subscribers - 1)
            order = {"rounds": rounds, "burst": 1, "pause_s": PAUSE_S, "data": data}
            for turn in range(2 * turns):
                case = ("without", "with")[(turn + turn // 2) % 2]
                async with child("benchmarks._subscribers") as one:
                    await join(one, (CHANNEL, BESIDE), 1)
                    await speaker.ask({})
                    forget_peak(speaker.process.pid)
                    await others.ask({"times": True})
                    if case == "with":
                        one.process.send_signal(signal.SIGSTOP)
                    told = await speaker.ask(order | {"beside": json.dumps("x" * BESIDE_BYTES)})
                    wanted = rounds * (subscribers - 1) * int(told["frame_bytes"])
                    heard = await others.ask({"bytes": wanted})
                    cpu_us[case].append(told["turn_cpu_us"])
                    peaks[case].append(resident_kb(speaker.process.pid, peak=True))
                    one.process.send_signal(signal.SIGCONT)
                if heard["bytes"] != wanted:
                    raise RuntimeError(f"{heard['bytes']} bytes came of {wanted}")
                delays[case].append(
                    [
                        (came_ns - sent_ns) / 1e6
                        for times_ns in heard["times_ns"]
                        for came_ns, sent_ns in zip(times_ns, told["published_ns"], strict=True)
                    ]
                )
    found = {
        case: {
            "delay_ms": percentiles(chain(*delays[case])),
            "cpu_us": percentiles(chain(*cpu_us[case])),
            "peaks_kb": peaks[case],
        }
        for case in delays
    }
    return {"subscribers": subscribers, **found, "p99_ratios": {"delay": _ratios(delays), "cpu": _ratios(cpu_us)}}


def _ratios(by_case: Mapping[str, Sequence[Sequence[float]]]) -> list[float]:
    p99s = ((percentiles(own)["p99"], percentiles(other)["p99"]) for own, other in zip(*by_case.values(), strict=True))
    return [round(frozen / reading, 3) for reading, frozen in p99s if frozen and reading]
