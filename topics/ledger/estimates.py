"""What a transaction will cost, from its exact bytes and signatures, before it is signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from topics.fees import Fee, create_topic_fee, submit_fee
from topics.ledger.hapi import basic_types
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Submission, TopicCreate
from topics.ledger.transactions import create_transaction, submit_transaction
from topics.values import AccountId

_NODE = AccountId(0, 0, 3)  # all nodes' numbers take one byte
_PUBLIC_BYTES = 33  # of secp256k1; an Ed25519 key has one less
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class _Unsigned:
    """Stands where the key stands: as long, and signing costs nothing."""

    def proto_key(self) -> basic_types.Key:
        return basic_types.Key(ECDSA_secp256k1=bytes(_PUBLIC_BYTES))

    def signature_pair(self, _body: bytes) -> basic_types.SignaturePair:
        return basic_types.SignaturePair(pubKeyPrefix=bytes(_PUBLIC_BYTES), ECDSA_secp256k1=bytes(_SIGNATURE_BYTES))


_KEY = cast("OperatorKey", _Unsigned())


def submit_estimate(submission: Submission) -> Fee:
    """One submitMessage that the payer alone signs, whose key is the topic's submit key."""
    size = submit_transaction(submission, node=_NODE, key=_KEY).ByteSize()
    return submit_fee(message_bytes=len(submission.message), transaction_bytes=size)


def create_estimate(create: TopicCreate) -> Fee:
    """One createTopic that the payer alone signs."""
    size = create_transaction(create, node=_NODE, key=_KEY).ByteSize()
    return create_topic_fee(keys=create.submit_key + create.admin_key, transaction_bytes=size)
