"""A frame that was not opened holds no events for anybody."""

from __future__ import annotations

from bridge.protocol.envelope import Place
from bridge.relay.placed import SealedFrame
from topics.values import TopicId


def test_an_unopened_frame_names_no_events() -> None:
    place = Place(TopicId(0, 0, 7), 3, 0, 9, bytes(48))
    assert SealedFrame(b"sealed", 2, place).events == ()
