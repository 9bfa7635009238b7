"""Rules that the bridge would refuse every row of, and tables that aren't as the rules have them, are told in words."""

from __future__ import annotations

from typing import Any

from bridge.config_sections import WatchedTable
from bridge.intake.rules import Column, differences, problems, wanted
from bridge.protocol.door.catalogue import catalogue_with
from tests.bridge.intake.hashbuzz import PRESET, rules_of

STATUS: dict[str, Any] = {
    "table": "orders",
    "when_changed": ["state"],
    "event": "CAMPAIGN_STATUS_UPDATE",
    "campaign": "id",
    "payload": {"newStatus": "state"},
}
CATALOGUE = catalogue_with()


def rule(**changed: Any) -> WatchedTable:
    return WatchedTable.model_validate(STATUS | changed)


def faults(*rules: WatchedTable) -> dict[str, str]:
    found = problems(rules, CATALOGUE, source="my.toml", key="tables")
    return {each.key: each.rule for each in found}


def test_the_shipped_preset_has_no_fault() -> None:
    tables, catalogue = rules_of(PRESET)
    assert problems(tables, catalogue, source="", key="") == []


def test_what_an_event_does_not_take_is_named_by_its_key() -> None:
    assert faults(rule()) == {}
    found = faults(
        rule(event="ORDER_MADE"),
        rule(payload={"newStatus": "state", "hash": "hash"}, campaign=None),
        rule(event="BALANCE_UPDATE", payload={"balanceType": {"value": "HBAR"}}),
    )
    assert found.keys() == {
        "tables.0.event",
        "tables.1.payload.hash",
        "tables.1.campaign",
        "tables.2.payload.newBalance",
        "tables.2.to_user",
    }
    assert "events.declared" in found["tables.0.event"]
    assert "newStatus, oldStatus" in found["tables.1.payload.hash"]


def test_what_another_name_of_an_event_implies_need_not_be_said() -> None:
    assert not faults(rule(event="CAMPAIGNER_HABR_BALANCE_UPDATE", to_user="id", payload={"newBalance": "total"}))


def live(**columns: tuple[str, str]) -> list[Column]:
    return [Column("public.orders", name, *of) for name, of in columns.items()]


def test_a_missing_table_or_column_is_told_with_the_nearest_name_and_once() -> None:
    owner = {"select": "user_id", "from": "shop.carts", "where": "id", "equals": "cart"}
    wants = wanted([rule(owner=owner), rule()], CATALOGUE)
    there = live(id=("bigint", "N"), status=("text", "S"), cart=("bigint", "N"))
    assert differences(wants, there) == [
        "public.orders has no column state, for when_changed; is it status?",
        "there is no table shop.carts",
        "public.orders has no column state, for newStatus; is it status?",
    ]


def test_a_column_of_another_type_than_its_field_takes_is_told() -> None:
    wants = wanted([rule(payload={"newStatus": "state", "progressPercentage": "done"})], CATALOGUE)
    fitting = live(id=("uuid", "uuid"), state=("order_state", "E"), done=("real", "N"))
    assert differences(wants, fitting) == []
    other = live(id=("boolean", "B"), state=("bytea", "bytea"), done=("character varying(9)", "S"))
    assert differences(wants, other) == [
        "public.orders.id is of type boolean; campaign takes a number or a text",
        "public.orders.state is of type bytea; newStatus takes a text",
        "public.orders.done is of type character varying(9); progressPercentage takes a number",
    ]
