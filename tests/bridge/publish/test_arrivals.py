"""An event has the id that it comes with, or a new one."""

from __future__ import annotations

from bridge.protocol.channels import ACCOUNT
from bridge.publish.arrivals import arrival_of
from tests.rooms import change


def test_an_event_is_named_by_its_change_or_here() -> None:
    assert arrival_of(change(), 5, b"0123456789abcdef").event.id == b"0123456789abcdef"
    first, second = arrival_of(change(), 5).event.id, arrival_of(change(), 5).event.id
    assert first != second
    assert int.from_bytes(first[:6], "big") == 5


def test_an_event_goes_to_its_user_or_to_everyone_on_the_campaign() -> None:
    assert arrival_of(change("c1"), 5).channel == "campaign:c1"
    mine = arrival_of(change(None, user_id="77"), 5)
    assert (mine.channel, mine.ref, mine.event.time_ms) == ("user:77", ACCOUNT, 5)
