"""Events as the outbox keeps them: they come back as they went in, from their own row alone."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings

from bridge.errors import SealBroken
from bridge.keys.at_rest import AtRest
from bridge.protocol.values import Event
from bridge.protocol.wire.control import Close, Control
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.events import code_event, encode_event
from bridge.publish.bodies import open_element, seal_body
from tests.bridge.protocol.samples import event, events

AT_REST = AtRest(Epoch.of(os.urandom(32)))


@settings(max_examples=80, deadline=None)
@given(events)
def test_an_event_comes_back_as_it_went_in(event: Event) -> None:
    body = seal_body(AT_REST, event.id, code_event(event))
    again = open_element(AT_REST, event.id, body)
    assert isinstance(again, Event)
    assert encode_event(again) == encode_event(event)
    assert (again.id, again.audience, again.type) == (event.id, event.audience, event.type)


def test_nothing_of_it_is_readable() -> None:
    one = event(name="a planted canary")
    body = seal_body(AT_REST, one.id, code_event(one))
    assert b"canary" not in body


def test_a_body_in_anothers_row_is_refused() -> None:
    one, other = event(1), event(2)
    body = seal_body(AT_REST, one.id, code_event(one))
    with pytest.raises(SealBroken):
        open_element(AT_REST, other.id, body)


def test_a_control_message_waits_there_like_an_event() -> None:
    control = Control(event(1).id, 1, Close())
    assert open_element(AT_REST, control.id, seal_body(AT_REST, control.id, code_event(control))) == control
