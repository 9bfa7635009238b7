"""What a client missed comes back whole and in order, or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition, page, recovered

TOP = StreamPosition(50, "e", floor=10)


def rows(*offsets: int) -> list[Publication]:
    return [Publication(offset, b"{}") for offset in offsets]


def missed(since: Since, *offsets: int, most: int = 3, size: int = 100) -> list[int] | None:
    found = recovered(since, TOP, rows(*offsets), max_publications=most, max_bytes=size)
    return None if found is None else [row.offset for row in found]


def test_what_lies_between_the_place_and_the_top() -> None:
    assert missed(Since(10, "e"), 20, 30, 50) == [20, 30, 50]
    assert missed(Since(20, ""), 30, 50, 60) == [30, 50]  # an empty epoch is any; 60 comes live
    assert missed(Since(50, "e")) == []


def test_says_so_when_it_cannot() -> None:
    assert missed(Since(20, "other"), 30) is None
    assert missed(Since(9, "e"), 20) is None  # below what is kept
    assert missed(Since(51, "e")) is None  # above what this stream ever reached
    assert missed(Since(10, "e"), 20, 30, 40, 50) is None  # too many
    assert missed(Since(10, "e"), 20, 30, size=3) is None  # too large


@given(
    offsets=st.sets(st.integers(1, 30)),
    since=st.integers(0, 30),
    top=st.integers(0, 30),
    most=st.integers(0, 30),
)
def test_all_or_nothing(offsets: set[int], since: int, top: int, most: int) -> None:
    behind = [Publication(offset, b"1") for offset in sorted(offsets) if offset > since][: most + 1]
    found = recovered(Since(since, ""), StreamPosition(top, "e"), behind, max_publications=most, max_bytes=1000)
    wanted = [offset for offset in sorted(offsets) if since < offset <= top]
    if found is None:
        assert since > top or len(wanted) > most
    else:
        assert [row.offset for row in found] == wanted


def test_a_page_is_cut_but_never_empty() -> None:
    publications = [Publication(n, b"x" * 10) for n in range(1, 6)]
    assert [row.offset for row in page(publications, max_bytes=25)] == [1, 2]
    assert [row.offset for row in page(publications, max_bytes=1)] == [1]
    assert page([], max_bytes=1) == ()
