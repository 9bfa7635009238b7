"""A frame takes as much of what waits as fits, and the first entry in any case."""

from __future__ import annotations

from bridge.config_sections import Publish
from bridge.publish.fitting import size_of_frame, that_fit
from bridge.publish.outbox import Entry

ENTRIES = [Entry(number, bytes(16), "campaign:1", b"", 300) for number in range(1, 9)]


def test_the_longest_beginning_that_stays_within_the_bound() -> None:
    publish = Publish(max_frame_bytes=1024)
    fitting = that_fit(ENTRIES, publish, 7, signed=True)
    assert fitting == ENTRIES[: len(fitting)]
    assert size_of_frame(fitting, publish, 7, signed=True) <= 1024
    assert size_of_frame(ENTRIES[: len(fitting) + 1], publish, 7, signed=True) > 1024


def test_one_that_is_larger_goes_alone() -> None:
    large = [Entry(0, bytes(16), "campaign:1", b"", 5000), *ENTRIES]
    assert that_fit(large, Publish(max_frame_bytes=1024), 7, signed=True) == large[:1]
