"""`hcs-bridge devnet`: what the verb takes."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
# ruff: noqa: PLR0913, PLR0917 # an option of a verb is a parameter of its function
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.commands.exits import USAGE, CommandFailed, until_stopped

ConsensusMs = Annotated[int, typer.Option("--consensus-ms", min=0, help="Milliseconds from a node to consensus.")]
JitterMs = Annotated[int, typer.Option("--consensus-jitter-ms", min=0, help="Up to so many more, drawn each time.")]
MirrorMs = Annotated[int, typer.Option("--mirror-ms", min=0, help="Milliseconds from consensus to the mirror.")]


def devnet(
    port: Annotated[int, typer.Option(help="TCP port of the first node; 0: any free one.")] = 50211,
    second_port: Annotated[int, typer.Option(help="TCP port of the second node.")] = 50212,
    mirror_port: Annotated[int, typer.Option(help="TCP port of the mirror's REST side.")] = 5551,
    mirror_grpc_port: Annotated[int, typer.Option(help="TCP port of the mirror's gRPC side.")] = 5600,
    mirrors: Annotated[int, typer.Option(min=1, help="How many mirrors, each on the ports after the last one's.")] = 1,
    mirror_max_requests_per_s: Annotated[
        float, typer.Option(min=0, help="REST requests that a mirror answers a second, 429 beyond; 0: any.")
    ] = 0,
    consensus_ms: ConsensusMs = 2900,
    consensus_jitter_ms: JitterMs = 0,
    mirror_ms: MirrorMs = 2100,
    time_scale: Annotated[float, typer.Option(min=0.001, help="Divides windows and lifetimes, for tests.")] = 1.0,
    create_throttle_per_s: Annotated[
        float, typer.Option(min=0, help="Topics that the network takes a second, as the real one takes 5; 0: any.")
    ] = 0,
    directory: Annotated[Path, typer.Option("--dir", help="Where key files, and the network, are kept.")] = Path(
        "var/devnet"
    ),
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Go on with the network that is kept in --dir.")
    ] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the kept network away and begin a new one.")] = False,
) -> None:
    """Run a Hedera network in this process: two consensus nodes and one or more mirrors on real ports. Ctrl-C ends it.

    The shipped config.toml runs against it as it is. Stopped and started again, it goes on where it was.
    """
    from rich.console import Console

    from bridge.commands.network import print_addresses, run_devnet
    from topics.devnet.settings import DevnetSettings

    if fresh and not keep:
        raise CommandFailed("--fresh and --no-keep exclude each other", code=USAGE)
    settings = DevnetSettings(
        node_ports=(port, second_port),
        mirror_port=mirror_port,
        mirror_grpc_port=mirror_grpc_port,
        mirrors=mirrors,
        mirror_max_requests_per_s=mirror_max_requests_per_s,
        consensus_delay_s=consensus_ms / 1000,
        consensus_jitter_s=consensus_jitter_ms / 1000,
        mirror_delay_s=mirror_ms / 1000,
        time_scale=time_scale,
        create_throttle_per_s=create_throttle_per_s,
        directory=directory if keep else None,
        fresh=fresh,
    )
    console = Console(stderr=True)
    until_stopped(run_devnet(settings, directory, tell=lambda found: print_addresses(found, directory, console)))
