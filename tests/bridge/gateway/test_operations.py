"""What the door's operations say of themselves."""

from __future__ import annotations

from bridge.gateway.openapi import EVERY_ROUTE


def test_each_is_named_once() -> None:
    named = [(route.method, route.path) for route in EVERY_ROUTE]
    assert len(named) == len(set(named))


def test_an_object_takes_no_more_than_it_names() -> None:
    for route in EVERY_ROUTE:
        for schema in (route.answer, route.body or {}):
            assert schema.get("additionalProperties", False) is False
            assert set(schema.get("required", ())) <= schema.get("properties", {}).keys()
