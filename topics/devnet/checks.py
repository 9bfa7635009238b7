"""What a node looks at before it takes a transaction, in the order in which real nodes look."""

from __future__ import annotations

from topics.devnet import protos
from topics.devnet.envelope import Envelope, Refused
from topics.devnet.kinds import Kind, check_memo
from topics.devnet.settings import DevnetSettings
from topics.devnet.state import State
from topics.fees import Fee
from topics.ledger.hapi import response_code
from topics.values import AccountId

VALID_DURATION_S = range(15, 181)
LEFT_AT_INGEST_S = 10


def precheck(
    envelope: Envelope, kind: Kind | None, *, node: AccountId, now_ns: int, settings: DevnetSettings, known: bool
) -> Kind:
    """All that needs no look at the ledger; the kind comes back. `known`: this node has met the id. Raises Refused."""
    body = envelope.body
    check_memo(body.memo)
    if protos.read_account(body.nodeAccountID) != node:
        raise Refused(response_code.INVALID_NODE_ACCOUNT)
    _check_window(envelope, now_ns, settings)
    if known:
        raise Refused(response_code.DUPLICATE_TRANSACTION)
    if kind is None:
        raise Refused(response_code.NOT_SUPPORTED)
    kind.check(envelope)
    return kind


def solvent(state: State, envelope: Envelope, fee: Fee) -> None:
    """The payer exists, signed, allowed as much, and has it. Raises Refused."""
    payer = state.account(envelope.payer, otherwise=response_code.PAYER_ACCOUNT_NOT_FOUND)
    if payer.entity.key is None or not envelope.signatures.satisfy(payer.entity.key):
        raise Refused(response_code.INVALID_SIGNATURE)
    tinybar = state.rate.tinybar(fee.total)
    if envelope.body.transactionFee < tinybar:
        raise Refused(response_code.INSUFFICIENT_TX_FEE)
    if payer.balance < tinybar:
        raise Refused(response_code.INSUFFICIENT_PAYER_BALANCE)


def window_closed(envelope: Envelope, at_ns: int, settings: DevnetSettings) -> bool:
    """Whether the transaction can no longer succeed at that time."""
    return at_ns > envelope.id.valid_start_ns + _duration_ns(envelope, settings)


def _check_window(envelope: Envelope, now_ns: int, settings: DevnetSettings) -> None:
    if envelope.body.transactionValidDuration.seconds not in VALID_DURATION_S:
        raise Refused(response_code.INVALID_TRANSACTION_DURATION)
    if envelope.id.valid_start_ns > now_ns:
        raise Refused(response_code.INVALID_TRANSACTION_START)
    if window_closed(envelope, now_ns + settings.scaled_ns(LEFT_AT_INGEST_S), settings):
        raise Refused(response_code.TRANSACTION_EXPIRED)


def _duration_ns(envelope: Envelope, settings: DevnetSettings) -> int:
    return settings.scaled_ns(envelope.body.transactionValidDuration.seconds)
