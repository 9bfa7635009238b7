"""The rules by which an application's tables are watched: one place for each value, and the shipped example."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.config import load
from bridge.config_sections import PostgresSource, WatchedTable, WatchedValue
from bridge.errors import ConfigInvalid

SHIPPED = Path(__file__).parents[3] / "config.toml"
TABLE: dict[str, Any] = {"table": "orders", "when_changed": ["state"], "event": "E", "payload": {"a": "state"}}
SOURCE = '[[ingest.postgres]]\nname = "shop"\n'


def test_the_shipped_example_has_every_key_with_its_default() -> None:
    text = SHIPPED.read_text().partition("# [[ingest.postgres]]")
    example = "".join(text[1:]).partition("\n\n")[0].replace("# [[", "[[").replace("\n# ", "\n")
    assert all("  # " in line for line in example.splitlines() if " = " in line)
    [source] = tomllib.loads(example)["ingest"]["postgres"]
    [table] = source["tables"]
    assert source.keys() == PostgresSource.model_fields.keys()
    assert table.keys() == WatchedTable.model_fields.keys()
    plain = PostgresSource(name="shop", url="var/shop.url")
    assert PostgresSource.model_validate(source | {"tables": []}) == plain
    assert PostgresSource.model_validate(source).tables[0].on == WatchedTable.model_validate(TABLE).on


def test_a_word_is_a_column_and_a_table_says_what_else() -> None:
    payload = {"a": "state", "b": {"old": "state"}, "c": {"value": True}}
    lookup = {"select": "user_id", "from": "carts", "where": "id", "equals": "cart_id"}
    table = WatchedTable.model_validate(TABLE | {"payload": payload, "owner": lookup})
    assert table.payload["a"] == WatchedValue(column="state")
    assert table.payload["c"].value is True
    assert table.owner is not None
    assert table.owner.table == "carts"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"campaign": {"old": "a", "value": "b"}}, "one of old, value and select"),
        ({"campaign": {}}, "one of old, value and select"),
        ({"campaign": {"select": "a", "from": "b"}}, "go together"),
        ({"campaign": 'a"; DROP TABLE x'}, "campaign"),
        ({"campaign": "$hcs_bridge$"}, "campaign"),
        ({"table": "a.b.c"}, "table"),
        ({"when_changed": []}, "needs when_changed"),
        ({"on": []}, "on"),
        ({"on": ["delete"]}, "on"),
        ({"payload": {"a.b": "c"}}, "payload"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        WatchedTable.model_validate(TABLE | changed)


def test_new_rows_alone_need_no_columns_that_change() -> None:
    assert WatchedTable.model_validate(TABLE | {"when_changed": [], "on": ["insert"]}).when_changed == ()


@pytest.mark.parametrize(
    "text",
    [
        'url = "mysql://u:s3cret@h/d"\n',
        'ulr = "postgresql://u:s3cret@h/d"\n',
        "url = ['postgresql://u:s3cret@h/d']\n",
        'url = "postgresql:/u:s3cret@h/d"\n',
        'url = "postgresql://u:s3cret@h/d"\n' + SOURCE + 'url = "postgresql://u:s3cret@h/d"\n',
    ],
)
def test_a_url_is_never_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(SOURCE + text)
    with pytest.raises(ConfigInvalid) as caught:
        load(tmp_path / "config.toml", {})
    assert "s3cret" not in str(caught.value)
    assert "ingest.postgres" in str(caught.value)


def test_a_url_may_be_a_credential_or_stand_there_and_is_not_in_what_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SOURCE + 'url = "credential:shop.url"\n')
    config = load(file, {"CREDENTIALS_DIRECTORY": "/run/credentials/x"})
    assert config.ingest.postgres[0].url == "/run/credentials/x/shop.url"
    file.write_text(SOURCE + 'url = "postgresql://u:s3cret@h/d"\n')
    assert "s3cret" not in repr(load(file, {}))


def test_an_unknown_key_far_inside_is_told_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    rule = '[[ingest.postgres.tables]]\ntable = "t"\non = ["insert"]\nevent = "E"\n'
    value = "payload = { value = { select = 'a', form = 'b', where = 'c', equals = 'd' } }\n"
    file.write_text(SOURCE + 'url = "x"\n' + rule + value)
    with pytest.raises(ConfigInvalid, match=r"did you mean ingest\.postgres\.0\.tables\.0\.payload\.value\.from\?"):
        load(file, {})
