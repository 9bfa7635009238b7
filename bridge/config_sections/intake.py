"""Other applications' databases that changes are taken from, and which change of which table is an event."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bridge.config_rules import (
    Count,
    EventName,
    IntakeUrl,
    Name,
    OptionalPath,
    Seconds,
    Section,
    StreamUrl,
    distinct_names,
)

Identifier = Annotated[str, Field(pattern=r'^[^\x00-\x1f".$]{1,63}$')]
TableName = Annotated[str, Field(pattern=r'^([^\x00-\x1f".$]{1,63}\.)?[^\x00-\x1f".$]{1,63}$')]
PayloadField = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class WatchedValue(Section):
    """Where a value comes from: one of `column` (of the changed row), `old`, `value`, and `select`.

    `old` is the column before the change, nothing for a new row. `select` is that column of another table's row, the
    one whose column `where` is the changed row's column `equals`.
    """

    column: Identifier | None = None
    old: Identifier | None = None
    value: str | int | bool | None = None
    select: Identifier | None = None
    table: Annotated[TableName | None, Field(alias="from")] = None
    where: Identifier | None = None
    equals: Identifier | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.column, self.old, self.value, self.select)) != 1:
            raise ValueError('should be "column", or have one of old, value and select')
        if len({each is None for each in (self.select, self.table, self.where, self.equals)}) != 1:
            raise ValueError("select, from, where and equals go together")
        return self


def _of_column(given: object) -> object:
    return {"column": given} if isinstance(given, str) else given


Source = Annotated[WatchedValue, BeforeValidator(_of_column)]


class WatchedTable(Section):
    """One rule: a change of this table is that event."""

    table: TableName
    on: Annotated[tuple[Literal["insert", "update"], ...], Field(min_length=1)] = ("insert", "update")
    when_changed: tuple[Identifier, ...] = ()
    event: EventName
    campaign: Source | None = None
    owner: Source | None = None
    to_user: Source | None = None
    payload: dict[PayloadField, Source]

    @model_validator(mode="after")
    def _of_which_columns(self) -> Self:
        if "update" in self.on and not self.when_changed:
            raise ValueError("needs when_changed: the columns whose update is an event")
        return self


class PostgresSource(Section):
    """A PostgreSQL database of another application, whose `hcs_bridge.outbox` is read."""

    name: Name
    url: Annotated[IntakeUrl, Field(repr=False)]
    poll_interval_s: Seconds = 1.0
    max_batch: Count = 500
    reconnect_max_s: Seconds = 30.0
    lock_s: Seconds = 15.0
    tables: tuple[WatchedTable, ...] = ()

    @property
    def url_is_file(self) -> bool:
        """Whether `url` names the file that holds it."""
        return "://" not in self.url


class RedisSource(Section):
    """A stream in another application's Redis, whose entries are read."""

    name: Name
    url: Annotated[StreamUrl, Field(repr=False)]
    stream: Annotated[str, Field(min_length=1, max_length=512)]
    group: Name = "hcs-bridge"
    ca_file: OptionalPath = None
    timeout_s: Seconds = 5.0
    poll_interval_s: Seconds = 1.0
    max_batch: Count = 500
    reconnect_max_s: Seconds = 30.0
    lock_s: Seconds = 15.0
    keep_refused: Count = 1000

    @property
    def url_is_file(self) -> bool:
        """Whether `url` names the file that holds it."""
        return "://" not in self.url


class Ingest(Section):
    """The doors beside HTTP."""

    postgres: Annotated[tuple[PostgresSource, ...], AfterValidator(distinct_names)] = ()
    redis: Annotated[tuple[RedisSource, ...], AfterValidator(distinct_names)] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        """Costs and log lines go by these names."""
        named: tuple[PostgresSource | RedisSource, ...] = (*self.postgres, *self.redis)
        distinct_names(named)
        return self
