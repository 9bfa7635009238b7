"""Built-in events are the first user's table; declared ones add to it and can't replace it."""

from __future__ import annotations

import pytest

from bridge.protocol.door.catalogue import BUILT_IN, EVENT_ALIASES, DeclaredEvent, catalogue_with
from bridge.protocol.wire.dictionary import EVENTS

LEVEL_UP = DeclaredEvent("LEVEL_UP", "NOTIFICATION", ("level", "badge.name", "badge._url"), "user")


def test_the_built_in_events_are_those_of_the_dictionary() -> None:
    assert BUILT_IN.keys() == EVENTS.keys()
    assert {name for name, rule in BUILT_IN.items() if rule.for_user} == {"BALANCE_UPDATE", "SYSTEM_NOTIFICATION"}
    assert all(target in BUILT_IN for target, _ in EVENT_ALIASES.values())
    assert all("campaignId" in rule.fields for rule in BUILT_IN.values() if not rule.for_user)


def test_data_types() -> None:
    catalogue = catalogue_with([LEVEL_UP])
    assert catalogue.data_type("CAMPAIGN_CLOSED") == "CAMPAIGN"
    assert catalogue.data_type("BALANCE_UPDATE") == "BALANCE"
    assert catalogue.data_type("SYSTEM_NOTIFICATION") == catalogue.data_type("LEVEL_UP") == "NOTIFICATION"
    assert catalogue.data_type("NO_LONGER_DECLARED") == "CAMPAIGN"


def test_an_alias_finds_its_event_and_what_it_implies() -> None:
    found = catalogue_with().find("CAMPAIGNER_HABR_BALANCE_UPDATE")
    assert found is not None
    assert (found[0].name, found[1]) == ("BALANCE_UPDATE", {"balanceType": "HBAR"})
    assert catalogue_with().find("LEVEL_UP") is None


def test_a_declared_event_has_its_fields_at_every_depth() -> None:
    found = catalogue_with([LEVEL_UP]).find("LEVEL_UP")
    assert found is not None
    assert found[0].for_user
    assert found[0].fields.keys() == {"level", "badge"}
    assert found[0].fields["badge"].fields.keys() == {"name", "_url"}


@pytest.mark.parametrize(
    ("name", "fields", "text"),
    [
        ("BALANCE_UPDATE", (), "exists already"),
        ("BALANCE_UPDATED", (), "exists already"),
        ("", (), "letters, digits"),
        ("a b", (), "letters, digits"),
        ("n" * 65, (), "letters, digits"),
        ("X", ("",), "field ''"),
        ("X", ("a..b",), r"field 'a\.\.b'"),
        ("X", ("a-b",), "field 'a-b'"),
        ("X", ("a.b.c.d.e.f",), "at most 4 dots"),
        ("X", ("a", "a"), "declared twice"),
        ("X", ("a.b", "a"), "a value and an object"),
        ("X", ("a", "a.b"), "a value and an object"),
    ],
)
def test_declarations_that_make_no_sense_are_named(name: str, fields: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        catalogue_with([DeclaredEvent(name, "CAMPAIGN", fields, "campaign")])


def test_an_event_is_declared_once() -> None:
    with pytest.raises(ValueError, match="exists already"):
        catalogue_with([LEVEL_UP, LEVEL_UP])
