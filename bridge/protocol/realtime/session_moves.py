"""What a session does with each step that is about the connection: tokens, reading, and what the server has to say.

A move for a command is called with the state, the command's id and its body; any other with the state and the step.
"""

from __future__ import annotations

from bridge.protocol.realtime import answers, codes, commands, replies, server_side, steps
from bridge.protocol.realtime.codes import ErrorCode
from bridge.protocol.realtime.session_state import Phase, SessionState, refuse
from bridge.protocol.realtime.steps import Action

# Connecting and refreshing


def connect(state: SessionState, number: int, body: commands.Connect) -> list[Action]:
    """The first command."""
    return state.ask(Phase.AUTHENTICATING, number, body, steps.Authenticate(body.bearer))


def connected(state: SessionState, step: steps.Authenticated) -> list[Action]:
    """From here on the session is `step.user`'s."""
    state.user = step.user
    return server_side.begin(state, step)


def connect_expired(state: SessionState, step: steps.Expired) -> list[Action]:
    """The client fetches another token, or comes back with the one that its next handshake has."""
    return connect_refused(state, codes.TOKEN_EXPIRED) if step.renewable else state.close(codes.CONNECTION_EXPIRED)


def connect_refused(state: SessionState, error: ErrorCode) -> list[Action]:
    """The client reads the error and decides whether to come back."""
    state.phase = Phase.REFUSED
    return refuse(state.pending_id, error)


def refresh(state: SessionState, number: int, body: commands.Refresh) -> list[Action]:
    """A new token on the open connection."""
    if not body.token:
        return state.close(codes.BAD_FRAME)
    return state.ask(Phase.REFRESHING, number, body, steps.Authenticate(body.token))


def refreshed(state: SessionState, step: steps.Authenticated) -> list[Action]:
    """The same user may go on. What the new token no longer opens is closed, what it names is subscribed to."""
    if step.user != state.user:
        return state.close(codes.INVALID_TOKEN)
    actions = state.answer("refresh", answers.refresh_result(state.client, ttl_ms=state.lifetime(step)))
    review = tuple(channel for channel, end_ms in state.channels.items() if end_ms is None)
    state.backlog.extend(server_side.invite(channel) for channel in step.channels if channel not in state.channels)
    return [*actions, steps.Review(review)] if review else actions


# Reading


def history(state: SessionState, number: int, body: commands.History) -> list[Action]:
    """Who is subscribed may read; anyone else is asked about first."""
    return _reading(state, number, body)


def presence(state: SessionState, number: int, body: commands.Presence | commands.PresenceStats) -> list[Action]:
    """Who may read may know who else does."""
    return _reading(state, number, body)


def _reading(
    state: SessionState, number: int, body: commands.History | commands.Presence | commands.PresenceStats
) -> list[Action]:
    if (fault := answers.channel_fault(body.channel, state.limits)) is not None:
        return refuse(number, fault)
    if body.channel in state.channels:
        return read(state, number, body)
    return state.ask(Phase.AUTHORIZING, number, body, steps.Authorize(body.channel))


def read(
    state: SessionState, number: int, body: commands.History | commands.Presence | commands.PresenceStats
) -> list[Action]:
    """Ask for what an allowed command wants to know."""
    if not isinstance(body, commands.History):
        return state.ask(Phase.LOOKING, number, body, steps.ReadPresence(body.channel))
    most = state.limits.history_max_publications
    limit = most if body.limit < 0 else min(body.limit, most)
    since = None if body.since is None else body.since.offset
    return state.ask(Phase.READING, number, body, steps.ReadHistory(body.channel, since, limit, body.reverse))


def history_read(state: SessionState, step: steps.HistoryRead) -> list[Action]:
    """A page, or that its place isn't in this stream."""
    return state.answer("history", answers.history_result(state.pending, step, state.limits))


def presence_read(state: SessionState, step: steps.Present) -> list[Action]:
    """Everybody by name, or how many they are."""
    if isinstance(state.pending, commands.PresenceStats):
        counts = {"num_clients": step.num_clients, "num_users": step.num_users}
        return state.answer("presence_stats", counts)
    return state.answer("presence", answers.presence_result(step))


# The rest


def publish(state: SessionState, number: int, body: commands.Publish) -> list[Action]:
    """Clients read; what is published goes through the HTTP door and the ledger."""
    return refuse(number, answers.channel_fault(body.channel, state.limits) or codes.PERMISSION_DENIED)


def ping(_: SessionState, number: int, __: commands.Ping) -> list[Action]:
    """The server is there."""
    return [steps.Send(replies.reply(number, "ping", {}))]


def extended(state: SessionState, step: steps.Extended) -> list[Action]:
    """The client's own timer may ring before: it brings its new token as ever."""
    state.end_ms = state.grace(step.expires_ms)
    return []


def message(_: SessionState, step: steps.Message) -> list[Action]:
    """Pass it on."""
    return [steps.Send(replies.message_push(step.data))]
