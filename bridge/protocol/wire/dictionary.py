"""Dictionary of format version 1: names and values that HashBuzz's events repeat, coded as small integers.

A code is never given another meaning; a changed dictionary is another format version in the manifest. The same
tables stand in `tests/vectors/dictionary.json` for other languages, and a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from bridge.protocol.values import JSON
from bridge.protocol.wire.cbor import CborInvalid

Kind = Literal["text", "decimal", "enum", "number", "bool", "map"]

FIRST_CONTROL_CODE = 200
"""Event codes from here on are the bridge's own messages (`control.py`), never publications."""

EVENTS: Final[Mapping[str, int]] = {
    "CAMPAIGN_STATUS_UPDATE": 1,
    "CAMPAIGN_PUBLISHED_SUCCESS": 2,
    "CAMPAIGN_PUBLISH_ERROR": 3,
    "CAMPAIGN_CLOSED": 4,
    "BALANCE_UPDATE": 5,
    "CAMPAIGN_ENGAGEMENT_UPDATE": 6,
    "REWARD_DISTRIBUTION_UPDATE": 7,
    "SYSTEM_NOTIFICATION": 8,
}

STATUSES: Final = (
    "ApprovalPending",
    "CampaignApproved",
    "CampaignDeclined",
    "CampaignRunning",
    "RewardDistributionInProgress",
    "RewardsDistributed",
    "InternalError",
    "CampaignStarted",
)

# name: (code, kind). Codes below 24 take one byte: the fields of the frequent events have them.
FIELDS: Final[Mapping[str, tuple[int, Kind]]] = {
    "campaignId": (1, "decimal"),
    "newStatus": (2, "enum"),
    "oldStatus": (3, "enum"),
    "balanceType": (4, "enum"),
    "newBalance": (5, "decimal"),
    "oldBalance": (6, "decimal"),
    "changeAmount": (7, "decimal"),
    "changeReason": (8, "enum"),
    "relatedCampaignId": (9, "decimal"),
    "distributionStatus": (10, "enum"),
    "processedCount": (11, "number"),
    "totalCount": (12, "number"),
    "engagementMetrics": (13, "map"),
    "totalLikes": (14, "number"),
    "totalRetweets": (15, "number"),
    "totalComments": (16, "number"),
    "uniqueParticipants": (17, "number"),
    "engagementRate": (18, "number"),
    "message": (19, "text"),
    "status": (20, "enum"),
    "tweetId": (21, "decimal"),
    "budgetAmount": (22, "decimal"),
    "userRewardAmount": (23, "decimal"),
    "campaignTitle": (24, "text"),
    "firstTweetUrl": (25, "text"),
    "secondTweetUrl": (26, "text"),
    "estimatedCloseTime": (27, "text"),
    "targetEngagement": (28, "number"),
    "statusChangeReason": (29, "text"),
    "estimatedTimeToNext": (30, "number"),
    "progressPercentage": (31, "number"),
    "atStage": (32, "text"),
    "closedAt": (33, "text"),
    "tokenId": (34, "text"),
    "tokenSymbol": (35, "text"),
    "transactionId": (36, "text"),
    "progressToTarget": (37, "number"),
    "estimatedReward": (38, "decimal"),
    "distributionProgress": (39, "number"),
    "estimatedCompletionTime": (40, "text"),
    "notificationType": (41, "enum"),
    "title": (42, "text"),
    "actionRequired": (43, "bool"),
    "actionUrl": (44, "text"),
    "autoHide": (45, "bool"),
    "hideAfterMs": (46, "number"),
}

# Values of an enum field, coded by their place, from 1.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "newStatus": STATUSES,
    "oldStatus": STATUSES,
    "status": STATUSES,
    "balanceType": ("HBAR", "TOKEN"),
    "changeReason": ("REWARD_RECEIVED", "CAMPAIGN_DEDUCTION", "TOPUP", "WITHDRAWAL", "OTHER"),
    "distributionStatus": ("STARTED", "IN_PROGRESS", "COMPLETED", "FAILED"),
    "notificationType": ("INFO", "WARNING", "ERROR", "SUCCESS"),
}

_EVENT_NAMES = {code: name for name, code in EVENTS.items()}
_FIELD_NAMES = {code: name for name, (code, _) in FIELDS.items()}
_VALUE_CODES = {name: {value: code for code, value in enumerate(values, 1)} for name, values in VALUES.items()}
_DECIMAL = re.compile(r"-?[1-9][0-9]{0,18}|0")  # canonical, and short enough to look at as an integer
_INT64 = range(-(2**63), 2**63)


def event_code(name: str) -> int | str:
    """What stands for an event's name on the ledger: its code, or for a declared event the name itself."""
    return EVENTS.get(name, name)


def event_name(code: object) -> str:
    """The way back. Raises CborInvalid for an unknown code, and for a name that has a code."""
    if isinstance(code, str) and code and code not in EVENTS:
        return code
    name = _EVENT_NAMES.get(code) if type(code) is int else None
    if name is None:
        raise CborInvalid("an event type that is neither a code of the dictionary nor a name")
    return name


def encode_data(event: str, data: Mapping[str, JSON]) -> dict[int | str, object]:
    """A built-in event's data with its names and values coded. A declared event's data stays as it is."""
    return _encode_map(data) if event in EVENTS else dict(data.items())


def decode_data(event: str, coded: object) -> dict[str, JSON]:
    """The way back, exactly. Raises CborInvalid for anything that `encode_data` would not have written."""
    if not isinstance(coded, dict):
        raise CborInvalid("event data that is not a map")
    if event not in EVENTS:
        return _text_keys(coded)
    return _decode_map(coded)


def _encode_map(data: Mapping[str, JSON]) -> dict[int | str, object]:
    coded: dict[int | str, object] = {}
    for name, value in data.items():
        if name in FIELDS:
            code, kind = FIELDS[name]
            coded[code] = _encode_value(name, kind, value)
        else:
            coded[name] = value
    return coded


def _encode_value(name: str, kind: Kind, value: JSON) -> object:
    """In a decimal, enum or map field an integer, a text or a map is a coded value; an array of one holds any other."""
    if kind == "map":
        return _encode_map(value) if isinstance(value, dict) else [value]
    if kind == "decimal":
        if not isinstance(value, str):
            return [value]
        return int(value) if _DECIMAL.fullmatch(value) and int(value) in _INT64 else value
    if kind == "enum":
        return _VALUE_CODES[name].get(value, value) if isinstance(value, str) else [value]
    return value


def _decode_map(coded: Mapping[int | str, object]) -> dict[str, JSON]:
    data: dict[str, JSON] = {}
    for code, value in coded.items():
        name = _FIELD_NAMES.get(code) if isinstance(code, int) else code
        if name is None or (isinstance(code, str) and code in FIELDS):
            raise CborInvalid("a field that is neither a code of the dictionary nor a name without one")
        data[name] = _decode_value(name, FIELDS[name][1], value) if name in FIELDS else _json(value)
    return data


def _decode_value(name: str, kind: Kind, value: object) -> JSON:
    decoded = _decoded(name, kind, value)
    if kind in ("decimal", "enum") and isinstance(value, str) and _encode_value(name, kind, decoded) != value:
        raise CborInvalid(f"{name} spelled out although it has a code")
    return decoded


def _decoded(name: str, kind: Kind, value: object) -> JSON:
    if kind not in ("map", "decimal", "enum"):
        return _json(value)
    if isinstance(value, list):
        return _escaped(kind, value)
    if kind == "map" and isinstance(value, dict):
        return _decode_map(value)
    if kind != "map" and isinstance(value, str):
        return value
    if kind == "decimal" and type(value) is int and value in _INT64:
        return str(value)
    if kind == "enum" and type(value) is int and 1 <= value <= len(VALUES[name]):
        return VALUES[name][value - 1]
    raise CborInvalid(f"{name} holds what no value of its kind is coded as")


def _escaped(kind: Kind, value: list[object]) -> JSON:
    if len(value) != 1 or isinstance(value[0], dict if kind == "map" else str):
        raise CborInvalid("an array that is not one value of another type")
    return _json(value[0])


def _json(value: object) -> JSON:
    """A value that stands for itself, once it is known to be one that JSON has."""
    if isinstance(value, dict):
        return _text_keys(value)
    if isinstance(value, list):
        return [_json(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise CborInvalid("event data of a type that JSON doesn't have")


def _text_keys(value: Mapping[object, object]) -> dict[str, JSON]:
    out: dict[str, JSON] = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise CborInvalid("a code where only names stand")
        out[name] = _json(item)
    return out
