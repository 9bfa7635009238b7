"""Whether the operator's key is that of its account, and how far the account's money goes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bridge.doctor.findings import Finding, failed, ok, text_of, warning
from bridge.doctor.ground import Ground, apart
from bridge.errors import ConfigInvalid
from bridge.publish.budgets import hbar
from bridge.remotes import operator_key
from topics.errors import TopicsError
from topics.fees import TINYCENTS_PER_USD, ExchangeRate, create_topic_fee, submit_fee
from topics.ledger.operator_key import OperatorKey
from topics.mirror.answers import MirrorAccount, MirrorKey
from topics.mirror.rest import Mirror
from topics.values import AccountId

EVENT_MESSAGE_BYTES = 256
"""What an event that goes alone takes on the ledger, about; sealed, signed and padded. Batched it takes less."""
KEY, BALANCE = "operator account", "balance"
_KINDS = {"ed25519": "ED25519", "ecdsa": "ECDSA_SECP256K1"}
_KINDS_THERE = {theirs: ours for ours, theirs in _KINDS.items()}
_LISTS = "ProtobufEncoded"
_KEY_HINT = (
    "put the account's private key there: DER, PEM, or 64 hex digits, whose kind operator.key_kind tells; mode 600"
)
_ACCOUNT_HINT = "check operator.account and network.name, and that mirror.urls are mirrors of that network"


async def account(ground: Ground) -> Sequence[Finding]:
    """Two lines: key, and balance."""
    wanted = ground.config.operator.account

    async def ask(mirror: Mirror) -> tuple[MirrorAccount | None, ExchangeRate]:
        return await mirror.account(wanted), await mirror.exchange_rate()

    try:
        found, rate = await ground.first(ask)
    except TopicsError as error:
        text = f"no mirror tells of {wanted}: {text_of(error)}"
        return [failed(name, text, "see the lines about the mirrors") for name in (KEY, BALANCE)]
    if found is None or found.deleted:
        text = f"the network has no account {wanted}" if found is None else f"account {wanted} is deleted"
        return [failed(name, text, _ACCOUNT_HINT) for name in (KEY, BALANCE)]
    try:
        key = await apart(partial(operator_key, ground.config.operator))
    except ConfigInvalid as invalid:
        about_key = failed(KEY, text_of(invalid), _KEY_HINT)
    else:
        about_key = compared(wanted, key, found.key)
    topic_too = ground.config.topics.create_on_demand
    return [about_key, money(found.balance_tinybar, rate, low=ground.config.doctor.low_balance_events, topic=topic_too)]


def compared(account: AccountId, ours: OperatorKey, theirs: MirrorKey | None) -> Finding:
    """Our key with the one that the network has for the account. Only public halves are shown."""
    shown = f"{ours.kind} {ours.public_bytes.hex()}"
    hint = f"give the private key of {account} (operator.key_file), or the account of this key (operator.account)"
    if theirs is None:
        return failed(KEY, f"{account} has no key yet, and ours is {shown}", hint)
    if theirs.kind == _LISTS:
        if ours.public_bytes not in theirs.public:
            return failed(KEY, f"{account} has a list of keys, and ours isn't in it: {shown}", hint)
        text = f"{account} has a list of keys; ours is in it: {shown}"
        return warning(KEY, text, "make sure that this one key may sign alone; the bridge has no other")
    if (theirs.kind, theirs.public) == (_KINDS[ours.kind], ours.public_bytes):
        return ok(KEY, f"{account} has our key, {shown}")
    if (kind := _KINDS_THERE.get(theirs.kind, ours.kind)) != ours.kind:
        hint = f'if the key is 64 hex digits, set operator.key_kind = "{kind}"; else {hint}'
    return failed(KEY, f"{account} has the key {theirs.kind} {theirs.public.hex()}, and ours is {shown}", hint)


def money(tinybar: int, rate: ExchangeRate, *, low: int, topic: bool) -> Finding:
    """For how many events the balance lasts, each in a message of its own; below `low` it is to be filled up."""
    each = max(1, rate.tinybar(submit_fee(message_bytes=EVENT_MESSAGE_BYTES).total))
    events = tinybar // each
    text = (
        f"{hbar(tinybar)} HBAR, {rate.tinycents(tinybar) / TINYCENTS_PER_USD:.2f} USD: "
        f"some {events} events at {hbar(each)} HBAR, each in a message of its own"
    )
    hint = "send HBAR to operator.account; until then accepted changes wait, and none is lost"
    if not events:
        return failed(BALANCE, text, hint)
    if events < low:
        return warning(BALANCE, text, f"send HBAR to operator.account; doctor.low_balance_events is {low}")
    if topic and tinybar < rate.tinybar(create_topic_fee(keys=1).total):
        return warning(BALANCE, f"{text}, but not enough for a topic", hint)
    return ok(BALANCE, text)
