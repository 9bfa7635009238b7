"""What a client sends is opened, or refused with the code that a node gives."""

from __future__ import annotations

import hashlib

import pytest

from tests.topics.devnet.ground import Ground, signed
from topics.devnet.envelope import Refused, name_of, open_envelope
from topics.ledger.hapi import response_code, transaction, transaction_contents
from topics.values import TopicId

TOPIC = TopicId(0, 0, 7)


def refusal(request: transaction.Transaction) -> str:
    with pytest.raises(Refused) as caught:
        open_envelope(request)
    return name_of(caught.value.status)


def test_opened() -> None:
    ground = Ground()
    request = signed(ground.submit(TOPIC), [ground.key])
    envelope = open_envelope(request)
    assert envelope.payer == ground.operator
    assert envelope.kind == "consensusSubmitMessage"
    assert envelope.size == len(request.SerializeToString())
    assert envelope.hash == hashlib.sha384(request.signedTransactionBytes).digest()
    assert len(envelope.signatures) == 1


def test_the_older_form() -> None:
    ground = Ground()
    new = transaction_contents.SignedTransaction.FromString(
        signed(ground.submit(TOPIC), [ground.key]).signedTransactionBytes
    )
    envelope = open_envelope(transaction.Transaction(bodyBytes=new.bodyBytes, sigMap=new.sigMap))
    assert envelope.signatures.satisfy(ground.key.public)


def test_refused() -> None:
    ground = Ground()
    assert refusal(signed(ground.submit(TOPIC, b"x" * 6144), [ground.key])) == "TRANSACTION_OVERSIZE"
    assert refusal(transaction.Transaction(signedTransactionBytes=b"\xff\xff")) == "INVALID_TRANSACTION"
    assert refusal(transaction.Transaction(bodyBytes=b"\xff\xff")) == "INVALID_TRANSACTION"
    assert refusal(transaction.Transaction()) == "INVALID_TRANSACTION_BODY"
    body = ground.submit(TOPIC)
    body.ClearField("transactionID")
    assert refusal(signed(body, [ground.key])) == "INVALID_TRANSACTION_ID"


def test_the_refusal_names_its_code() -> None:
    assert str(Refused(response_code.BUSY)) == "BUSY"
