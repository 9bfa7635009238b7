"""Which events exist and which fields each may carry: the built-in allow-lists, and events declared in config."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from bridge.protocol.wire.dictionary import VALUES

DataType = Literal["CAMPAIGN", "BALANCE", "NOTIFICATION"]
FieldKind = Literal["text", "id", "campaign_id", "amount", "number", "number_or_text", "bool", "map", "plain"]

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
MAX_NESTING = 4
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Field:
    """One allowed field. `values` closes an enumeration; `fields` is the allow-list below a map."""

    kind: FieldKind
    required: bool = False
    values: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventRule:
    """One event. `for_user` means that it always goes to one user and needs no campaign."""

    name: str
    data_type: DataType
    for_user: bool
    fields: Mapping[str, Field]
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeclaredEvent:
    """An event of `[events].declared`. A field `a.b` allows b inside an object a. All are optional and plain."""

    name: str
    data_type: DataType
    fields: tuple[str, ...]
    to: Literal["campaign", "user"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All events that the door lets in."""

    rules: Mapping[str, EventRule]

    def find(self, name: str) -> tuple[EventRule, Mapping[str, str]] | None:
        """The event that goes by this name or alias, and fields that the alias sets; None if there is none."""
        name, preset = EVENT_ALIASES.get(name, (name, _NONE))
        rule = self.rules.get(name)
        return None if rule is None else (rule, preset)

    def data_type(self, name: str) -> DataType:
        """The envelope's `data.type`. An event that is no longer declared counts as CAMPAIGN: it is still shown."""
        rule = self.rules.get(name)
        return "CAMPAIGN" if rule is None else rule.data_type


def catalogue_with(declared: Sequence[DeclaredEvent] = ()) -> Catalogue:
    """The built-in events and these. Raises ValueError that names the event, the field and the rule."""
    rules = dict(BUILT_IN)
    for event in declared:
        if not _NAME.fullmatch(event.name):
            raise ValueError(f"event {event.name!r}: a name has letters, digits and underscores, at most 64")
        if event.name in rules or event.name in EVENT_ALIASES:
            raise ValueError(f"event {event.name!r} exists already")
        fields = _declared_fields(event.name, event.fields)
        if event.to == "campaign":
            fields["campaignId"] = _CAMPAIGN_ID
        rules[event.name] = EventRule(event.name, event.data_type, event.to == "user", fields)
    return Catalogue(MappingProxyType(rules))


def _declared_fields(event: str, names: Sequence[str]) -> dict[str, Field]:
    paths = [tuple(dotted.split(".")) for dotted in names]
    for dotted, path in zip(names, paths, strict=True):
        if not all(_FIELD.fullmatch(part) for part in path) or len(path) > MAX_NESTING + 1:
            raise ValueError(f"event {event!r}: field {dotted!r}: words joined by at most {MAX_NESTING} dots")
    return _tree(event, paths)


def _tree(event: str, paths: Sequence[tuple[str, ...]]) -> dict[str, Field]:
    below: dict[str, list[tuple[str, ...]]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    for name, rests in below.items():
        if () in rests and len(rests) > 1:
            raise ValueError(f"event {event!r}: field {name!r} is declared twice, or as a value and an object")
    return {
        name: Field("plain") if () in rests else Field("map", fields=_tree(event, rests))
        for name, rests in below.items()
    }


def _must(kind: FieldKind) -> Field:
    return Field(kind, required=True)


def _one_of(name: str, *, required: bool = False) -> Field:
    return Field("text", required, VALUES[name])


_CAMPAIGN_ID = Field("campaign_id")
_TEXT, _ID, _AMOUNT, _NUMBER, _BOOL = Field("text"), Field("id"), Field("amount"), Field("number"), Field("bool")

_METRICS = {
    **dict.fromkeys(("totalLikes", "totalRetweets", "totalComments", "uniqueParticipants"), _must("number")),
    "engagementRate": _NUMBER,
}

# The table of the first user's events. Statuses stay open: an unexpected one is counted, never dropped.
_FIELDS: Final[Mapping[str, Mapping[str, Field]]] = {
    "CAMPAIGN_STATUS_UPDATE": {
        "newStatus": _must("text"),
        "oldStatus": _TEXT,
        "statusChangeReason": _TEXT,
        "estimatedTimeToNext": Field("number_or_text"),
        "progressPercentage": _NUMBER,
    },
    "CAMPAIGN_PUBLISHED_SUCCESS": {
        **dict.fromkeys(("campaignTitle", "firstTweetUrl", "secondTweetUrl", "status", "message"), _TEXT),
        "tweetId": _ID,
        "estimatedCloseTime": _TEXT,
        "budgetAmount": _AMOUNT,
        "targetEngagement": _NUMBER,
    },
    "CAMPAIGN_PUBLISH_ERROR": {"message": _must("text"), "atStage": _TEXT},
    "CAMPAIGN_CLOSED": {"closedAt": _TEXT, "message": _TEXT},
    "BALANCE_UPDATE": {
        "balanceType": _one_of("balanceType", required=True),
        "newBalance": _must("amount"),
        "oldBalance": _AMOUNT,
        "tokenId": _TEXT,
        "tokenSymbol": _TEXT,
        "message": _TEXT,
        "changeAmount": _AMOUNT,
        "changeReason": _one_of("changeReason"),
        "relatedCampaignId": _ID,
        "transactionId": _TEXT,
    },
    "CAMPAIGN_ENGAGEMENT_UPDATE": {
        "engagementMetrics": Field("map", required=True, fields=_METRICS),
        "progressToTarget": _NUMBER,
        "estimatedReward": _AMOUNT,
    },
    "REWARD_DISTRIBUTION_UPDATE": {
        "distributionStatus": _one_of("distributionStatus", required=True),
        "processedCount": _must("number"),
        "totalCount": _must("number"),
        "userRewardAmount": _AMOUNT,
        "distributionProgress": _NUMBER,
        "estimatedCompletionTime": _TEXT,
    },
    "SYSTEM_NOTIFICATION": {
        "notificationType": _one_of("notificationType", required=True),
        "title": _must("text"),
        "message": _must("text"),
        "actionRequired": _BOOL,
        "actionUrl": _TEXT,
        "autoHide": _BOOL,
        "hideAfterMs": _NUMBER,
    },
}
_FOR_USERS: Final[Mapping[str, DataType]] = {"BALANCE_UPDATE": "BALANCE", "SYSTEM_NOTIFICATION": "NOTIFICATION"}
_FIELD_ALIASES: Final[Mapping[str, Mapping[str, str]]] = {
    "CAMPAIGN_PUBLISHED_SUCCESS": {"campaignName": "campaignTitle", "closeTime": "estimatedCloseTime"},
    "BALANCE_UPDATE": {"availableBalance": "newBalance", "type": "balanceType"},
}

BUILT_IN: Final[Mapping[str, EventRule]] = {
    name: EventRule(
        name,
        _FOR_USERS.get(name, "CAMPAIGN"),
        name in _FOR_USERS,
        fields if name in _FOR_USERS else {"campaignId": _CAMPAIGN_ID, **fields},
        _FIELD_ALIASES.get(name, _NONE),
    )
    for name, fields in _FIELDS.items()
}

# Other names that the first user's code has for the same events, misspelling included, and what they imply.
EVENT_ALIASES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "BALANCE_UPDATED": ("BALANCE_UPDATE", _NONE),
    "CAMPAIGNER_HABR_BALANCE_UPDATE": ("BALANCE_UPDATE", {"balanceType": "HBAR"}),
    "CAMPAIGNER_FUNGIBLE_BALANCE_UPDATE": ("BALANCE_UPDATE", {"balanceType": "TOKEN"}),
    "CAMPAIGN_STATUS_CHANGED": ("CAMPAIGN_STATUS_UPDATE", _NONE),
    "CAMPAIGN_STATUS_UPDATED": ("CAMPAIGN_STATUS_UPDATE", _NONE),
}
