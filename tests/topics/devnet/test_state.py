"""The ledger's beginning."""

from __future__ import annotations

import pytest

from topics.devnet.envelope import Refused
from topics.devnet.made_keys import make_ed25519
from topics.devnet.settings import DEFAULT_RATE
from topics.devnet.state import NODES, OPERATOR, SUPPLY_TINYBAR, TREASURY, State
from topics.ledger.hapi import response_code
from topics.values import AccountId, TopicId


def test_genesis() -> None:
    state = State(rate=DEFAULT_RATE, genesis_ns=5)
    assert {TREASURY, *NODES} <= set(state.accounts)
    account = state.open_account(make_ed25519().public, balance=7, now_ns=5)
    assert account.entity.id == OPERATOR
    assert state.next_num() == OPERATOR.num + 1
    assert state.accounts[TREASURY].balance == SUPPLY_TINYBAR - 7


def test_what_is_not_there() -> None:
    state = State(rate=DEFAULT_RATE, genesis_ns=5)
    with pytest.raises(Refused, match="INVALID_TOPIC_ID"):
        state.topic(TopicId(0, 0, 9))
    for account_id in (None, AccountId(0, 0, 9)):
        with pytest.raises(Refused, match="PAYER_ACCOUNT_NOT_FOUND"):
            state.account(account_id, otherwise=response_code.PAYER_ACCOUNT_NOT_FOUND)
