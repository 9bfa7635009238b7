"""The transactions of the crypto service: create an account, move HBAR."""

from __future__ import annotations

from topics.devnet import protos
from topics.devnet.envelope import Envelope, Refused
from topics.devnet.kinds import AUTO_RENEW_S, Kind, Outcome, check_memo
from topics.devnet.signatures import well_formed
from topics.devnet.state import Account, AccountEntity, State
from topics.fees import Fee, create_account_fee, transfer_fee
from topics.ledger.hapi import response_code
from topics.values import AccountId

MAX_TRANSFERS = 10


def _create_fee(envelope: Envelope) -> Fee:
    return create_account_fee(signatures=len(envelope.signatures), transaction_bytes=envelope.size)


def _check_create(envelope: Envelope) -> None:
    body = envelope.body.cryptoCreateAccount
    if not body.HasField("key"):
        raise Refused(response_code.KEY_REQUIRED)
    if not well_formed(body.key):
        raise Refused(response_code.BAD_ENCODING)
    if body.alias:
        # Accounts here are known by number only; real nodes would also check the alias against the key.
        raise Refused(response_code.INVALID_ALIAS_KEY)


def _create(state: State, envelope: Envelope, consensus_ns: int) -> Outcome:
    body = envelope.body.cryptoCreateAccount
    check_memo(body.memo)
    if body.autoRenewPeriod.seconds not in AUTO_RENEW_S:
        raise Refused(response_code.AUTORENEW_DURATION_NOT_IN_RANGE)
    if body.initialBalance > state.accounts[envelope.payer].balance:
        raise Refused(response_code.INSUFFICIENT_PAYER_BALANCE)
    number = AccountId(0, 0, state.next_num())
    entity = AccountEntity(number, body.key, consensus_ns, body.memo, body.autoRenewPeriod.seconds)
    state.accounts[number] = Account(entity, 0)
    transfers = {envelope.payer: -body.initialBalance, number: body.initialBalance} if body.initialBalance else {}
    state.move(transfers)
    return Outcome(entity=number, created=entity, transfers=transfers)


def _transfer_fee(envelope: Envelope) -> Fee:
    return transfer_fee(signatures=len(envelope.signatures), transaction_bytes=envelope.size)


def _check_transfer(envelope: Envelope) -> None:
    body = envelope.body.cryptoTransfer
    if body.tokenTransfers:
        raise Refused(response_code.NOT_SUPPORTED)
    amounts = transfers_of(envelope)
    if len(amounts) > MAX_TRANSFERS:
        raise Refused(response_code.TRANSFER_LIST_SIZE_LIMIT_EXCEEDED)
    if sum(amounts.values()) != 0:
        raise Refused(response_code.INVALID_ACCOUNT_AMOUNTS)


def _transfer(state: State, envelope: Envelope, consensus_ns: int) -> Outcome:
    amounts = transfers_of(envelope)
    for account_id, amount in amounts.items():
        account = state.account(account_id, otherwise=response_code.INVALID_ACCOUNT_ID)
        if amount >= 0:
            continue
        if account.entity.key is None or not envelope.signatures.satisfy(account.entity.key):
            raise Refused(response_code.INVALID_SIGNATURE)
        if account.balance < -amount:
            raise Refused(response_code.INSUFFICIENT_ACCOUNT_BALANCE)
    state.move(amounts)
    return Outcome(transfers=amounts)


def transfers_of(envelope: Envelope) -> dict[AccountId, int]:
    """Tinybar by account. Raises Refused for an account named twice or by an alias."""
    amounts: dict[AccountId, int] = {}
    for each in envelope.body.cryptoTransfer.transfers.accountAmounts:
        account_id = protos.read_account(each.accountID)
        if account_id is None:
            raise Refused(response_code.INVALID_ACCOUNT_ID)
        if account_id in amounts:
            raise Refused(response_code.ACCOUNT_REPEATED_IN_ACCOUNT_AMOUNTS)
        amounts[account_id] = each.amount
    return amounts


CREATE_ACCOUNT = Kind("CRYPTOCREATEACCOUNT", _create_fee, _check_create, _create, lambda _: None)
TRANSFER = Kind("CRYPTOTRANSFER", _transfer_fee, _check_transfer, _transfer, lambda _: None)
