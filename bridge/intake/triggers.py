"""SQL that makes an application's PostgreSQL write its changes into `hcs_bridge.outbox`, and SQL that takes it back.

A trigger writes its row in the application's own transaction: a rollback takes it back as well. An error would end the
application's work, so none gets out: the functions only copy columns, in ways that take every value of every type.
Whether the columns are there is tried when they are installed, and of one that has gone since they only say so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import indent

from bridge.config_sections import WatchedTable, WatchedValue
from bridge.intake.rules import qualified
from bridge.protocol.door.catalogue import Catalogue, Field, FieldKind

AS_TEXT: frozenset[FieldKind] = frozenset({"text", "id", "campaign_id", "amount"})
"""Kinds of fields whose values are texts on the ledger; the others keep the type that the column has."""
MAX_IDENTIFIER_BYTES = 63

_HEAD = r"""\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET lock_timeout = '2s'; -- whoever waits for a table lets nobody past; run this again if it gives up
"""

_GROUND = """
BEGIN;
CREATE SCHEMA IF NOT EXISTS hcs_bridge;

-- A UUIDv7 (RFC 9562): 48 bits of milliseconds, the rest random but for the version and the variant.
CREATE OR REPLACE FUNCTION hcs_bridge.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $hcs_bridge$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(
    int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex'
  )::uuid
$hcs_bridge$;

-- A value as JSON: numbers as text, since a client's would be rounded, and without an exponent; times say that they are
-- in UTC (the caller's zone is); of char(n) without the blanks behind it.
CREATE OR REPLACE FUNCTION hcs_bridge.plain(value anyelement) RETURNS jsonb LANGUAGE sql STABLE AS $hcs_bridge$
  SELECT CASE
    WHEN jsonb_typeof(to_jsonb(value)) = 'number' THEN to_jsonb(to_jsonb(value) #>> '{}')
    WHEN pg_typeof(value) = 'timestamp'::regtype THEN to_jsonb((to_jsonb(value) #>> '{}') || 'Z')
    WHEN pg_typeof(value) = 'character'::regtype THEN to_jsonb(rtrim(to_jsonb(value) #>> '{}'))
    ELSE to_jsonb(value)
  END
$hcs_bridge$;

CREATE TABLE IF NOT EXISTS hcs_bridge.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL UNIQUE DEFAULT hcs_bridge.new_id(),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  event text NOT NULL,
  campaign text,
  owner text,
  to_user text,
  payload jsonb NOT NULL,
  refused text
);
-- What the bridge asks for, many times a second perhaps: however many refused rows there are, it passes none of them.
CREATE INDEX IF NOT EXISTS outbox_waiting ON hcs_bridge.outbox (id) WHERE refused IS NULL;

CREATE OR REPLACE FUNCTION hcs_bridge.tell() RETURNS trigger LANGUAGE plpgsql AS $hcs_bridge$
BEGIN
  NOTIFY hcs_bridge;
  RETURN NULL;
END $hcs_bridge$;
DROP TRIGGER IF EXISTS tell ON hcs_bridge.outbox;
CREATE TRIGGER tell AFTER INSERT ON hcs_bridge.outbox FOR EACH STATEMENT EXECUTE FUNCTION hcs_bridge.tell();
COMMIT;
"""

# One table at a time, and no lock on two: the application's transactions can't get into a deadlock with this.
# Columns are compared as they lie in memory: that can be done with every type. No trigger has a condition: PostgreSQL
# would let no migration drop a column that one names, or change its type.
_RULE = """
BEGIN;
-- Tried on no row: a column that isn't there, or can't be compared, ends this here, and no transaction later.
DO $hcs_bridge$ BEGIN
  PERFORM
{tried}
  FROM {table} AS new, {table} AS old WHERE false;
END $hcs_bridge$;
DROP FUNCTION IF EXISTS {function}() CASCADE;
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET extra_float_digits = 1 AS $hcs_bridge$
DECLARE said text;
BEGIN
  IF {untold} THEN
    RETURN NULL;
  END IF;
  INSERT INTO hcs_bridge.outbox (event, campaign, owner, to_user, payload) VALUES (
{values}
  );
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN -- the application goes on. Each failure is kept once, and nobody waits for another's commit
  said := format('changes of %s are not told: %s (%s). See `preset check`; install again', {place}, SQLERRM, SQLSTATE);
  BEGIN
    INSERT INTO hcs_bridge.outbox (event_id, event, payload, refused)
    SELECT md5(said)::uuid, {event}, '{{}}', said WHERE pg_try_advisory_xact_lock(hashtextextended(said, 0))
      AND NOT EXISTS (SELECT FROM hcs_bridge.outbox WHERE event_id = md5(said)::uuid);
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING '%', said;
  END;
  RETURN NULL;
END $hcs_bridge$;
CREATE TRIGGER {name} AFTER {on} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}();
COMMIT;
"""

_REMOVE = """
DO $hcs_bridge$ DECLARE function text; BEGIN
  FOR function IN SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace('hcs_bridge')
    AND prorettype = 'trigger'::regtype AND proname <> ALL (ARRAY[{kept}]::text[])
  LOOP
    EXECUTE format('DROP FUNCTION hcs_bridge.%I CASCADE', function); -- and with it its triggers, of one table
    COMMIT;
  END LOOP;
END $hcs_bridge$;
"""
_CLEAR_IF_EMPTY = """
DO $hcs_bridge$ DECLARE waiting bigint; BEGIN
  IF to_regclass('hcs_bridge.outbox') IS NOT NULL THEN
    LOCK TABLE hcs_bridge.outbox;
    SELECT count(*) INTO waiting FROM hcs_bridge.outbox;
  END IF;
  IF waiting > 0 THEN
    RAISE WARNING 'the triggers are gone; % rows wait in hcs_bridge.outbox, which stays', waiting
      USING HINT = 'let the bridge take them and run this again, or say --all';
  ELSE
    DROP SCHEMA IF EXISTS hcs_bridge CASCADE;
  END IF;
END $hcs_bridge$;
"""
_CLEAR = "\nDROP SCHEMA IF EXISTS hcs_bridge CASCADE;\n"


def install(tables: Sequence[WatchedTable], catalogue: Catalogue) -> str:
    """For psql; may be run again, also with other rules: those that are no more are taken away.

    The rules are such as `bridge.intake.rules.problems` finds nothing about.
    """
    names = [_function(number, table) for number, table in enumerate(tables, 1)]
    rules = (_rule(number, table, catalogue) for number, table in enumerate(tables, 1))
    kept = ", ".join(map(_literal, ["tell", *names]))
    return "".join([_HEAD, _GROUND, *rules, _REMOVE.format(kept=kept)])


def uninstall(*, everything: bool) -> str:
    """For psql: whatever the rules are, or were. `everything`: also the rows that nobody has taken yet."""
    return "".join([_HEAD, _REMOVE.format(kept="'tell'"), _CLEAR if everything else _CLEAR_IF_EMPTY])


def _rule(number: int, rule: WatchedTable, catalogue: Catalogue) -> str:
    values = _values(rule, catalogue)
    untold = _untold(rule, catalogue)
    return _RULE.format(
        table=_table(rule.table),
        place=_literal(rule.table),
        event=_literal(rule.event),
        function=f"hcs_bridge.{_quoted(_function(number, rule))}",
        name=f"hcs_bridge_{number:02}",
        on=" OR ".join(sorted({*rule.on})),
        untold=" OR ".join(untold),
        tried=indent(",\n".join([*values, *untold]), "    ").replace("TG_OP", "''"),
        values=indent(",\n".join(values), "    "),
    )


def _untold(rule: WatchedTable, catalogue: Catalogue) -> list[str]:
    """When a change is no event: nothing that counts has changed, or there is nothing now that it could tell."""
    found = catalogue.find(rule.event)
    required = [name for name, field in found[0].fields.items() if field.required] if found else []
    told = (rule.payload[name].column for name in required if name in rule.payload)
    empty = (f"NEW.{_quoted(column)} IS NULL" for column in told if column is not None)
    old, new = (", ".join(f"{row}.{_quoted(name)}" for name in rule.when_changed) for row in ("OLD", "NEW"))
    return [f"TG_OP = 'UPDATE' AND NOT pg_catalog.record_image_ne(ROW({old}), ROW({new}))", *empty]


def _values(rule: WatchedTable, catalogue: Catalogue) -> list[str]:
    """One row of the outbox, as expressions over NEW and OLD."""
    found = catalogue.find(rule.event)
    known = found[0].fields if found else {}
    fields = (f"{_literal(name)}, {_field(value, known.get(name))}" for name, value in rule.payload.items())
    payload = indent(",\n".join(fields), "  ")
    ids = ("NULL" if each is None else _text(each) for each in (rule.campaign, rule.owner, rule.to_user))
    return [_literal(rule.event), *ids, f"jsonb_strip_nulls(jsonb_build_object(\n{payload}\n))"]


def _field(value: WatchedValue, field: Field | None) -> str:
    if value.value is not None:
        return _constant(value.value)
    if field is not None and field.kind in AS_TEXT:
        # what an event can do without, it does: a balance that was NaN before the change
        may_go = field.kind == "amount" and not field.required
        return f"substring({_text(value)} FROM '^(?!NaN|-?Infinity).*')" if may_go else _text(value)
    return _read(value, "hcs_bridge.plain({})" if field is not None and field.kind == "plain" else "to_jsonb({})")


def _text(value: WatchedValue) -> str:
    if value.value is not None:
        return f"{_constant(value.value)} #>> '{{}}'"
    return _read(value, "hcs_bridge.plain({}) #>> '{{}}'")


def _read(value: WatchedValue, form: str) -> str:
    """A column in that form, be it of the changed row or of another one."""
    if value.select is None or value.table is None or value.where is None or value.equals is None:
        column = f"NEW.{_quoted(value.column)}" if value.column is not None else f"OLD.{_quoted(value.old or '')}"
        return form.format(column)
    found, key = (f"found.{_quoted(name)}" for name in (value.select, value.where))
    row = f"FROM {_table(value.table)} AS found WHERE {key} = NEW.{_quoted(value.equals)} LIMIT 1"
    return f"(SELECT {form.format(found)} {row})"


def _constant(value: str | float) -> str:
    """As JSON, in which no $ can end the function's body."""
    return f"{_literal(json.dumps(value).replace('$', chr(92) + 'u0024'))}::jsonb"


def _function(number: int, rule: WatchedTable) -> str:
    name = f"{number:02}_{rule.table.rpartition('.')[2]}"
    return name.encode()[:MAX_IDENTIFIER_BYTES].decode(errors="ignore")


def _table(name: str) -> str:
    """With its schema, since the functions look into none by themselves."""
    return ".".join(map(_quoted, qualified(name).split(".")))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """A string constant, whatever standard_conforming_strings says (as PostgreSQL's quote_literal)."""
    text = text.replace("'", "''")
    return f"'{text}'" if "\\" not in text else "E'" + text.replace("\\", "\\\\") + "'"
