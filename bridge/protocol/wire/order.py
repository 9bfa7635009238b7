"""Which frame may come next: the producer sequence makes replays harmless and holes visible."""

from __future__ import annotations

from bridge.errors import ProducerGap


def is_replay(topic_id: object, *, last: int, got: int) -> bool:
    """Whether a frame that verified is an old one again (skip and count), after `last`; False: it is the next one.

    `last` is 0 before the first frame. Raises ProducerGap if frames in between are missing: halt the topic.
    """
    if got <= last:
        return True
    if got > last + 1:
        raise ProducerGap(topic_id, expected=last + 1, got=got)
    return False
