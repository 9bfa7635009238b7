"""Reckons what limits each part, from one node to a hundred and to HCS's own ceiling; docs/scale.md has its tables.

Nothing is measured here. What one of each takes was measured elsewhere and is written down below, with the section of
the documentation that has it and its conditions, in that section's words; bounds are the shipped configuration's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.year import A_DAY, year
from bridge.config_sections import Gateway, Mirror, Publish

DAY_S = 86_400
US = 1_000_000
NODES = (1, 2, 3, 10, 30, 100)
LISTENERS = (1, 100, 10_000)

Cell = str | float


@dataclass(frozen=True, slots=True)
class Figure:
    """What one of something takes: where that is told, as page#section, and the words there that have the value."""

    value: float
    unit: str
    what: str
    section: str
    said: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as the head has."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def markdown(self) -> str:
        """As it stands in the document."""
        right = [any(isinstance(row[place], float | int) for row in self.rows) for place in range(len(self.head))]
        rule = ["---:" if numbers else "---" for numbers in right]
        return "\n".join(f"| {' | '.join(map(_plain, row))} |" for row in (self.head, rule, *self.rows))

    def objects(self) -> list[dict[str, Cell]]:
        """The rows, by the head's names."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


SIZING = "operate.md#sizing"
CARRIES = "figures.md#what-it-carries-and-what-that-costs"
FAN_OUT = "figures.md#fan-out"
TOPICS = "figures.md#many-topics"
SEVERAL = "figures.md#several-daemons"
KEPT = "operate.md#what-is-kept-and-for-how-long"
ACCEPTED = Figure(937, "events/s", "accepted from 64 clients, an event a request", CARRIES, "937/s with 64")
TAKEN = Figure(1085, "events per s of CPU", "accepted on PostgreSQL", SEVERAL, "1,085 on PostgreSQL")
SERVED = Figure(207, "µs of CPU", "the same, PostgreSQL's own", SEVERAL, "207 µs of the server's")
CARRIED = Figure(158, "µs of CPU", "a publication over Redis, its own, one gateway", SEVERAL, "158 µs of Redis's")
COMMIT = Figure(0.2, "ms", "a commit of one row, SQLite", CARRIES, "0.2 ms, p99 0.5")
SUBMIT = Figure(1990, "µs of CPU", "an event alone in its flight, from disk to receipt", CARRIES, "1,990 µs")
ALONE = Figure(3564, "µs of CPU", "the same with the relay confirming beside", CARRIES, "286/s, 3,564 µs")
FULL = Figure(352, "µs of CPU", "an event in full frames, from disk to confirmed", CARRIES, "352 µs of CPU each")
RELAY = Figure(2194, "messages per s of CPU", "read back from a backlog", CARRIES, "2,194 messages for each")
CONSENSUS = Figure(3.9, "s", "to consensus: the middle of the devnet's delay", FAN_OUT, "2.9 to 4.9 s to consensus")
DELIVERY = Figure(8.6, "µs of CPU", "a delivery of 512 bytes, one at a time", FAN_OUT, "7.4 | 8.6 | 10.3")
JOINED = Figure(0.69, "µs of CPU", "the same, 16 in a turn", FAN_OUT, "0.60 | 0.69 | 0.82")
START = Figure(120, "MB", "the daemon at its start", TOPICS, "120 MB at its start")
CONNECTION = Figure(18.4, "KB", "a connected client", FAN_OUT, "18.4 KB of the daemon's resident memory")
SILENT = Figure(0.54, "s of CPU a minute", "1,000 connected clients", FAN_OUT, "0.54 s of CPU a minute for 1,000")
ARRIVALS = Figure(400, "arrivals per s of CPU", "an arriving client", FAN_OUT, "400 arrivals a second of CPU")
SWEEP = Figure(1.98, "mirror requests/s", "the sweep, which tells which topics moved", TOPICS, "2.4 | 35 | 1.98")
EVENTS = Figure(23.8, "events", "a sample campaign", KEPT, "23.8 events a campaign")
FEE = Figure(0.00027, "USD", "an event alone in its frame", SIZING, "USD 0.00027 alone in its frame")
FIGURES = (
    *(ACCEPTED, TAKEN, SERVED, CARRIED, COMMIT, SUBMIT, ALONE, FULL, RELAY, CONSENSUS, DELIVERY, JOINED),
    *(START, CONNECTION, SILENT, ARRIVALS, SWEEP, EVENTS, FEE),
)
BYTES = {
    "entries and idempotency keys": (314_945, 27_536),
    "flights and transactions": (125_634, 44_746),
    "publications": (741_755, 575_677),
    "costs": (3_442, 3_442),
    "topics, keys, positions": (37_862, 37_862),
}
"""In the database per 1,000 events, fresh and as retention leaves it; KEPT has the table."""

# Hedera's own, from its published limits and prices and its servers' source; none of them was measured.
SUBMITS_PER_S = 10_500
CREATIONS_PER_S = 5
MIRROR_REQUESTS_PER_S = 50  # of an address
MIRROR_PAGE = 100  # messages or transactions
TOPIC_USD = 0.02  # with a submit key
CHUNK_BYTES = 1024

PUBLISH, MIRROR, GATEWAY = Publish(), Mirror(), Gateway()  # as shipped
PAGED_PER_S = MIRROR.max_requests_per_s * MIRROR_PAGE
FLIGHTS_PER_S = PUBLISH.max_flights / CONSENSUS.value
FRESH, LEFT = ({name: both[place] for name, both in BYTES.items()} for place in (0, 1))


def figures() -> Table:
    """What everything below is reckoned from."""
    rows: list[tuple[Cell, ...]] = [(each.what, each.value, each.unit, _link(each.section)) for each in FIGURES]
    for when, sizes in (("fresh", FRESH), ("behind retention", LEFT)):
        rows.append((f"an event in the database, {when}", sum(sizes.values()) / 1000, "bytes", _link(KEPT)))
    return Table(("what", "figure", "unit", "section"), rows)


def by_nodes() -> Table:
    """What grows with the nodes, each on a core of its own; last, how many of them fill HCS."""
    back_s = GATEWAY.max_connections / ARRIVALS.value
    each: dict[str, tuple[float, bool]] = {
        "accepted events/s (a node and its load on two cores)": (ACCEPTED.value, True),
        "accepted events/s on PostgreSQL, CPU": (TAKEN.value, True),
        "events/s, each alone in its frame, CPU": (US / ALONE.value, True),
        "the same without the relay, CPU": (US / SUBMIT.value, True),
        "events/s in full frames, CPU": (US / FULL.value, True),
        f"flights/s of one message, {PUBLISH.max_flights} under way, {CONSENSUS.value} s each": (FLIGHTS_PER_S, True),
        "messages/s read back from a backlog, CPU": (RELAY.value, True),
        "topics followed by streams": (MIRROR.max_connections * MIRROR.calls_per_connection, False),
        "deliveries/s, one at a time, CPU": (US / DELIVERY.value, False),
        "deliveries/s, 16 in a turn, CPU": (US / JOINED.value, False),
        "clients, by `gateway.max_connections`": (GATEWAY.max_connections, False),
        "memory for them, GB": (_memory_gb(GATEWAY.max_connections), False),
        "cores for them while they are silent": (GATEWAY.max_connections / 1000 * SILENT.value / 60, False),
        "arrivals/s, CPU": (ARRIVALS.value, False),
    }
    rows: list[tuple[Cell, ...]] = [
        (what, *(nodes * one for nodes in NODES), math.ceil(SUBMITS_PER_S / one) if filling else "")
        for what, (one, filling) in each.items()
    ]
    back = ("" if nodes == 1 else back_s / (nodes - 1) for nodes in NODES)
    rows.append(("seconds in which the others take a lost node's clients", *back, ""))
    return Table(("nodes", *map(str, NODES), f"for {SUBMITS_PER_S:,}/s"), rows)


def ceilings() -> Table:
    """What more nodes don't raise."""
    rounds = 2 + math.ceil((PUBLISH.max_frame_bytes / CHUNK_BYTES - 2) / PUBLISH.max_chunks)
    chunks = PUBLISH.max_frame_bytes / CHUNK_BYTES
    return Table(
        ("whose", "limit", "of", "it is"),
        (
            ("the network", SUBMITS_PER_S, "messages/s", "Hedera's, shared by everybody"),
            ("the network", CREATIONS_PER_S, "new topics/s", "Hedera's, shared by everybody"),
            ("the network", CREATIONS_PER_S * EVENTS.value, "events/s of new campaigns", "reckoned"),
            ("a mirror", MIRROR_REQUESTS_PER_S, "requests/s of an address", "Hedera's"),
            ("a mirror", MIRROR.max_requests_per_s, "requests/s of a node", "`mirror.max_requests_per_s`"),
            ("a mirror", PAGED_PER_S, "messages/s that a node's sweep can find", "reckoned"),
            ("a campaign", 1 / CONSENSUS.value, "frames/s of one message", "reckoned"),
            ("a campaign", chunks / (rounds * CONSENSUS.value), f"messages/s in frames of {chunks:.0f}", "reckoned"),
            ("a database", 1000 / COMMIT.value, "commits/s, one after the other, SQLite", "reckoned"),
            ("a PostgreSQL", US / SERVED.value, "accepted events/s for each of its cores", "reckoned"),
            ("a Redis", US / CARRIED.value, "publications/s to one gateway", "reckoned"),
        ),
    )


def loads() -> Table:
    """What a load takes of everything, with each event alone in its frame, and evenly over the day."""
    campaigns = {f"{each:,} campaigns a day": each for each in (*A_DAY.values(), CREATIONS_PER_S * DAY_S)}
    events = {name: each * EVENTS.value / DAY_S for name, each in campaigns.items()}
    events[f"{SUBMITS_PER_S:,} messages/s"] = SUBMITS_PER_S
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            per_s,
            per_s * ALONE.value / US,
            per_s * CONSENSUS.value,
            max(SWEEP.value, per_s / MIRROR_PAGE),
            per_s * DAY_S * sum(FRESH.values()) / 1000 / 1e9,
            year(per_s * DAY_S, 1000, FRESH, LEFT),
            per_s * DAY_S * FEE.value + campaigns.get(name, 0) * TOPIC_USD,
        )
        for name, per_s in events.items()
    ]
    head = ("load", "events/s", "cores", "flights under way", "sweep requests/s", "GB a day", "GB a year", "USD a day")
    return Table(head, rows)


def listening() -> Table:
    """Cores for delivering each event by itself, by how many clients hear it."""
    rows: list[tuple[Cell, ...]] = [
        (str(name), *(float(per_s) * each * DELIVERY.value / US for each in LISTENERS))
        for name, per_s, *_ in loads().rows[2:]
    ]
    return Table(("clients that hear each event", *(f"{each:,}" for each in LISTENERS)), rows)


def _memory_gb(clients: float) -> float:
    return (START.value * 1e6 + clients * CONNECTION.value * 1e3) / 1e9


def _link(section: str) -> str:
    page, _, heading = section.partition("#")
    return f"[{page.removesuffix('.md')}, {heading.replace('-', ' ')}]({section})"


def _plain(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    if cell < 0.0001:
        return "< 0.0001"
    counted = float(f"{cell:.3g}")  # no figure here has more digits that mean something
    return f"{counted:,.0f}" if counted >= 100 else f"{counted:g}"


TABLES = (figures, by_nodes, ceilings, loads, listening)


def main() -> None:
    """The tables in Markdown; with `--json` one JSON object, in the last line, with numbers as they are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    if parser.parse_args().json:
        sys.stdout.write(json.dumps({table.__name__: table().objects() for table in TABLES}) + "\n")
    else:
        sys.stdout.write("\n\n".join(table().markdown() for table in TABLES) + "\n")


if __name__ == "__main__":
    main()
