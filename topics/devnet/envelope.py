"""Opens what a client sent into a transaction that can be checked and run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from topics.devnet import protos
from topics.devnet.signatures import Signatures
from topics.ledger.hapi import response_code, transaction, transaction_contents
from topics.values import AccountId, TransactionId

MAX_TRANSACTION_BYTES = 6144


class Refused(Exception):
    """The network says no with `status`; before consensus or, charged, after it."""

    def __init__(self, status: response_code.ResponseCodeEnum) -> None:
        self.status = status
        super().__init__(name_of(status))


def name_of(status: response_code.ResponseCodeEnum) -> str:
    """The name of a response code."""
    return response_code.ResponseCodeEnum.Name(status)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One transaction as it came in.

    `request` is as it came; `size` counts it whole, serialised; `hash` is what clients know it by.
    """

    id: TransactionId
    body: transaction.TransactionBody
    signatures: Signatures
    size: int
    hash: bytes
    request: transaction.Transaction

    @property
    def payer(self) -> AccountId:
        """Who pays, and whose signature is due first."""
        return self.id.payer

    @property
    def kind(self) -> str | None:
        """The name of the body's field that says what is to be done."""
        kind: str | None = self.body.WhichOneof("data")
        return kind


def open_envelope(request: transaction.Transaction) -> Envelope:
    """Decode. Raises Refused with the code that a node gives at once."""
    size = request.ByteSize()
    if size > MAX_TRANSACTION_BYTES:
        raise Refused(response_code.TRANSACTION_OVERSIZE)
    try:
        signed = _signed(request)
        body = transaction.TransactionBody.FromString(signed.bodyBytes)
    except DecodeError as error:
        raise Refused(response_code.INVALID_TRANSACTION) from error
    if not signed.bodyBytes:
        raise Refused(response_code.INVALID_TRANSACTION_BODY)
    transaction_id = protos.read_transaction_id(body.transactionID)
    if transaction_id is None:
        raise Refused(response_code.INVALID_TRANSACTION_ID)
    return Envelope(
        id=transaction_id,
        body=body,
        signatures=Signatures(signed.bodyBytes, signed.sigMap.sigPair),
        size=size,
        hash=hashlib.sha384(request.signedTransactionBytes or request.SerializeToString()).digest(),
        request=request,
    )


def _signed(request: transaction.Transaction) -> transaction_contents.SignedTransaction:
    if request.signedTransactionBytes:
        return transaction_contents.SignedTransaction.FromString(request.signedTransactionBytes)
    # The older form, which nodes still take.
    return transaction_contents.SignedTransaction(bodyBytes=request.bodyBytes, sigMap=request.sigMap)
