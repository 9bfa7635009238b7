"""Accounts and transfers; no tinybar comes from nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topics.devnet.ground import FIRST, Ground
from tests.topics.devnet.refusals import refusal, status
from topics.devnet import protos
from topics.devnet.made_keys import make_ed25519
from topics.devnet.settings import HBAR
from topics.devnet.state import SUPPLY_TINYBAR, TREASURY, AccountEntity
from topics.ledger.hapi import basic_types, crypto_create, crypto_transfer
from topics.values import AccountId

KEY = make_ed25519()
MONTHS = protos.seconds(7_776_000)


def account_body(**fields: Any) -> crypto_create.CryptoCreateTransactionBody:
    return crypto_create.CryptoCreateTransactionBody(**({"key": KEY.public, "autoRenewPeriod": MONTHS} | fields))


def test_an_account() -> None:
    ground = Ground()
    record = ground.run(ground.body(cryptoCreateAccount=account_body(initialBalance=3 * HBAR, memo="m")))
    assert isinstance(record.created, AccountEntity)
    assert record.created.key == KEY.public
    assert record.created.memo == "m"
    assert ground.balance(record.created.id) == 3 * HBAR
    assert record.transfers[ground.operator] == -3 * HBAR - record.charged


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"memo": "x" * 101}, "MEMO_TOO_LONG"),
        ({"autoRenewPeriod": protos.seconds(1)}, "AUTORENEW_DURATION_NOT_IN_RANGE"),
        ({"initialBalance": 2_000_000 * HBAR}, "INSUFFICIENT_PAYER_BALANCE"),
    ],
)
def test_accounts_refused_at_consensus(fields: dict[str, Any], code: str) -> None:
    ground = Ground()
    assert status(ground.run(ground.body(cryptoCreateAccount=account_body(**fields)))) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"key": None}, "KEY_REQUIRED"),
        ({"key": basic_types.Key(ed25519=b"short")}, "BAD_ENCODING"),
        ({"alias": b"x"}, "INVALID_ALIAS_KEY"),
    ],
)
def test_accounts_refused_at_once(fields: dict[str, Any], code: str) -> None:
    ground = Ground()
    assert refusal(lambda: ground.ingest(ground.body(cryptoCreateAccount=account_body(**fields)))) == code


def test_a_transfer() -> None:
    ground = Ground()
    friend = ground.open_account(KEY, balance=HBAR)
    record = ground.run(ground.transfer({ground.operator: -2 * HBAR, friend: 2 * HBAR}))
    assert status(record) == "SUCCESS"
    assert ground.balance(friend) == 3 * HBAR
    assert sum(record.transfers.values()) == 0


def test_transfers_refused_at_consensus() -> None:
    ground = Ground()
    friend = ground.open_account(KEY, balance=HBAR)
    theirs = {friend: -HBAR, ground.operator: HBAR}
    assert status(ground.run(ground.transfer(theirs))) == "INVALID_SIGNATURE"
    assert status(ground.run(ground.transfer(theirs), ground.key, KEY)) == "SUCCESS"
    assert status(ground.run(ground.transfer(theirs), ground.key, KEY)) == "INSUFFICIENT_ACCOUNT_BALANCE"
    nobody = {ground.operator: -1, AccountId(0, 0, 5): 1}
    assert status(ground.run(ground.transfer(nobody))) == "INVALID_ACCOUNT_ID"
    assert status(ground.run(ground.transfer({TREASURY: -1, ground.operator: 1}))) == "INVALID_SIGNATURE"


def test_transfers_refused_at_once() -> None:
    ground = Ground()
    assert refusal(lambda: ground.ingest(ground.transfer({ground.operator: -1}))) == "INVALID_ACCOUNT_AMOUNTS"
    many = {AccountId(0, 0, num): 0 for num in range(11)}
    assert refusal(lambda: ground.ingest(ground.transfer(many))) == "TRANSFER_LIST_SIZE_LIMIT_EXCEEDED"
    twice = ground.transfer({ground.operator: -1, FIRST: 1})
    twice.cryptoTransfer.transfers.accountAmounts.append(
        basic_types.AccountAmount(accountID=protos.account(FIRST), amount=0)
    )
    assert refusal(lambda: ground.ingest(twice)) == "ACCOUNT_REPEATED_IN_ACCOUNT_AMOUNTS"
    alias = ground.transfer({ground.operator: 0})
    alias.cryptoTransfer.transfers.accountAmounts[0].accountID.alias = b"x"
    assert refusal(lambda: ground.ingest(alias)) == "INVALID_ACCOUNT_ID"
    tokens = crypto_transfer.CryptoTransferTransactionBody(tokenTransfers=[basic_types.TokenTransferList()])
    assert refusal(lambda: ground.ingest(ground.body(cryptoTransfer=tokens))) == "NOT_SUPPORTED"


@settings(deadline=None)  # a busy machine is no fault
@given(amounts=st.lists(st.integers(-3 * HBAR, 3 * HBAR), min_size=1, max_size=6))
def test_the_supply_stays(amounts: list[int]) -> None:
    ground = Ground()
    friend = ground.open_account(KEY, balance=HBAR)
    for amount in amounts:
        ground.run(ground.transfer({ground.operator: -amount, friend: amount}), ground.key, KEY)
        assert sum(account.balance for account in ground.network.state.accounts.values()) == SUPPLY_TINYBAR
        assert all(account.balance >= 0 for account in ground.network.state.accounts.values())
