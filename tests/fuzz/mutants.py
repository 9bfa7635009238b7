"""Makes inputs out of good ones, cheaply: some bytes changed, cut, repeated, or put in from a list of nasty ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

NASTY = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\n", b"\r\n", b"{}", b"{}\n" * 30, b"[" * 2000, b'{"a":' * 1500),
    *(b"null", b"true", b"-1", b"-0", b"1e999", b"NaN", b"9" * 400, b"1" + b"0" * 5000, b"18446744073709551616"),
    *(b'"', b"\\", b",", b":", b"}", b"]", b'""', b"e", b".", b"=", b"%00", b"user:", b"campaign:", b"@", b"\x1e"),
)
MAX_BYTES = 20_000


def mutants(seeds: Sequence[bytes], count: int, *, seed: int) -> Iterator[bytes]:
    """So many, the same ones each time; a few that look like nothing are among them."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    for _ in range(count):
        yield draw.randbytes(draw.randrange(60)) if draw.random() < 0.02 else _mutant(draw.choice(seeds), seeds, draw)


def _mutant(good: bytes, seeds: Sequence[bytes], draw: random.Random) -> bytes:
    data = bytearray(good)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        at = draw.randrange(len(data) + 1)
        to = min(len(data), at + draw.choice((0, 1, 1, 2, 8, 40)))
        match draw.randrange(5):
            case 0:
                data[at:to] = draw.choice(NASTY)
            case 1:
                data[at:to] = b""
            case 2:
                data[at:at] = data[at:to] * draw.choice((1, 1, 2, 40))
            case 3:
                data[at:to] = draw.randbytes(to - at)
            case _:
                other = draw.choice(seeds)
                data[at:to] = other[draw.randrange(len(other)) :][:40]
    return bytes(data[:MAX_BYTES])
