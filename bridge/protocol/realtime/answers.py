"""What the successful replies of a session say, and why a command for a channel is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bridge.protocol.channels import Channel
from bridge.protocol.realtime import codes, commands, replies
from bridge.protocol.realtime.codes import ErrorCode
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import Since, page, recovered
from bridge.protocol.realtime.steps import HistoryRead, Joined, Present

VERSION = "hcs-bridge"

REJECT_UNRECOVERED = 2
"""Bit of a subscribe command's flag: rather error 112 than `recovered: false`."""

Result: TypeAlias = Mapping[str, object]


def connect_result(client: str, limits: SessionLimits, *, ttl_ms: int | None, subs: Mapping[str, Result]) -> Result:
    """`ping` and `pong` tell the client to expect pings, and to answer them; `subs` has what it was subscribed to."""
    ping = {"ping": max(1, limits.ping_interval_ms // 1000), "pong": True}
    return {**refresh_result(client, ttl_ms=ttl_ms), **ping, **({"subs": subs} if subs else {})}


def refresh_result(client: str, *, ttl_ms: int | None) -> Result:
    """With `expires`, the client brings a new token after `ttl` seconds."""
    return {"client": client, "version": VERSION, **expiry(ttl_ms)}


def expiry(ttl_ms: int | None) -> Result:
    """When a client has to bring a new token, as connect, refresh, subscribe and sub_refresh say it."""
    return {} if ttl_ms is None else {"expires": True, "ttl": max(1, ttl_ms // 1000)}


def subscribe_result(since: Since | None, step: Joined, limits: SessionLimits, *, max_bytes: int) -> Result:
    """With the publications that the client missed, where it wants to recover and can."""
    top = step.top
    result: dict[str, object] = {"recoverable": True, "positioned": True, "epoch": top.epoch, "offset": top.offset}
    if step.data is not None:
        result["data"] = step.data
    if since is None:
        return result
    missed = recovered(
        since,
        top,
        step.publications,
        max_publications=limits.recovery_max_publications,
        max_bytes=max_bytes,
    )
    result |= {"was_recovering": True, "recovered": missed is not None}
    if missed is not None:  # clients count on from the place that they named, by the publications they get
        result |= {"offset": since.offset, "publications": replies.publications(missed)}
    return result


def history_result(body: commands.History, step: HistoryRead, limits: SessionLimits) -> Result | ErrorCode:
    """A page may be cut short: the client goes on from its last publication."""
    top, since = step.top, body.place
    if since is not None and since.epoch not in ("", top.epoch):
        return codes.UNRECOVERABLE_POSITION
    if since is not None and not body.reverse and not top.follows(since):
        return codes.UNRECOVERABLE_POSITION
    rows = page(step.publications, max_bytes=limits.max_reply_bytes)
    return {"publications": replies.publications(rows), "epoch": top.epoch, "offset": top.offset}


def presence_result(step: Present) -> Result | ErrorCode:
    """Everybody, or that they are too many to be named."""
    if step.clients is None:
        return codes.LIMIT_EXCEEDED
    return {"presence": {client: replies.client_info(client, user) for client, user in step.clients.items()}}


def channel_fault(name: str, limits: SessionLimits) -> ErrorCode | None:
    """Why `name` can't be a channel here."""
    if len(name) > limits.channel_max_length:
        return codes.BAD_REQUEST
    try:
        Channel.parse(name)
    except ValueError:
        return codes.UNKNOWN_CHANNEL
    return None


def subscribe_fault(body: commands.Subscribe, limits: SessionLimits) -> ErrorCode | None:
    """Why the channel can't be subscribed to like this, whoever asks."""
    if body.type or body.tf is not None:
        return codes.NOT_AVAILABLE  # other kinds and filters aren't offered
    return channel_fault(body.channel, limits)
