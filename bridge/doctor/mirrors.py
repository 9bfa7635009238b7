"""Each mirror: does it answer, is it fresh, is it of the database's network; and what it says of our clock."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.doctor.findings import Finding, failed, ok, text_of, warning
from bridge.doctor.ground import Ground
from bridge.errors import BridgeError
from bridge.relay import progress
from bridge.relay.same_network import begins_as
from topics.errors import TopicsError
from topics.mirror.rest import Mirror
from topics.values import NANOS

_CLOCK_HINT = "let the machine keep its time by NTP, as with `timedatectl set-ntp true`"


async def mirror(ground: Ground, mirror: Mirror) -> Sequence[Finding]:
    """Three lines; one, where it doesn't answer."""
    name, doctor = f"mirror {mirror.url}", ground.config.doctor
    before_ns = ground.now_ns()
    try:
        newest_ns = await mirror.latest_consensus_ns()
    except TopicsError as error:
        return [failed(name, text_of(error), "check mirror.urls, the proxy and the firewall; it may also be down")]
    after_ns, served_s = ground.now_ns(), mirror.served_s
    ahead_s = skew_s(before_ns, after_ns, newest_ns=newest_ns, served_s=served_s)
    now_ns = after_ns if served_s is None else served_s * NANOS
    return [
        fresh(name, newest_ns, now_ns, max_lag_s=doctor.max_mirror_lag_s),
        clock(
            f"clock by {mirror.url}",
            ahead_s,
            known=served_s is not None,
            warn_s=doctor.max_clock_skew_s,
            fail_s=max(doctor.max_clock_skew_s, ground.config.ledger.valid_duration_s),
        ),
        await _network(ground, mirror),
    ]


def fresh(name: str, newest_ns: int, now_ns: int, *, max_lag_s: float) -> Finding:
    """By its own clock, so that ours doesn't matter."""
    if not newest_ns:
        return warning(name, "answers, but has imported nothing yet", "a devnet that has just started needs a moment")
    lag_s = max(0.0, (now_ns - newest_ns) / NANOS)
    if lag_s > max_lag_s:
        text = f"is {lag_s:.0f} s behind the network"
        return failed(name, text, "confirmations come that much later: wait, or name another mirror in mirror.urls")
    return ok(name, f"answers, {lag_s:.0f} s behind the network")


def skew_s(before_ns: int, after_ns: int, *, newest_ns: int, served_s: int | None) -> float:
    """By how much our clock is ahead for certain (behind: negative) of an answer given between the two times.

    `served_s` is the server's time in whole seconds; no consensus time lies in the future, so that is a floor too.
    """
    if served_s is not None and (ahead_ns := before_ns - (served_s + 1) * NANOS) > 0:
        return ahead_ns / NANOS
    floor_ns = max(newest_ns, 0 if served_s is None else served_s * NANOS)
    return min(0.0, (after_ns - floor_ns) / NANOS)


def clock(name: str, ahead_s: float, *, known: bool, warn_s: float, fail_s: float) -> Finding:
    """`known`: the mirror told its time. Beyond a transaction's window nothing of ours could run."""
    off_s = abs(ahead_s)
    text = f"our clock is {off_s:.1f} s {'ahead' if ahead_s > 0 else 'behind'}"
    if off_s > fail_s:
        return failed(name, f"{text}, more than a transaction is valid", _CLOCK_HINT)
    if off_s > warn_s:
        return warning(name, text, _CLOCK_HINT)
    if not known:
        return ok(name, "our clock isn't behind; whether it is ahead the mirror doesn't tell")
    return ok(name, f"our clock agrees, to {max(1.0, off_s):.0f} s")


async def _network(ground: Ground, mirror: Mirror) -> Finding:
    """Networks get reset, and their topic ids used again."""
    name = f"network at {mirror.url}"
    try:
        known = await ground.look(progress.known_beginning)
    except BridgeError as error:  # of the mirror nothing is wrong
        return failed(name, f"can't be compared: {text_of(error)}", error.hint)
    if known is None:
        return ok(name, "nothing has been read from it yet")
    topic_id, epoch = known
    try:
        same = await begins_as(mirror, topic_id, epoch)
    except TopicsError as error:
        return failed(name, text_of(error), "see the line about this mirror")
    if not same:
        text = f"topic {topic_id} does not begin there as the database has it"
        hint = "a network that was reset needs a new database: move the files of database.url away"
        return failed(name, text, f"name mirrors of the database's network in mirror.urls; {hint}")
    return ok(name, f"topic {topic_id} begins as the database has it")
