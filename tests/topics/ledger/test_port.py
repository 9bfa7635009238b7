"""The port's values can't be changed behind anybody's back, and the gRPC client fits the port."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from topics.ledger.grpc_ledger import GrpcLedger
from topics.ledger.port import Ledger, Receipt, Submission, TopicCreate
from topics.values import AccountId, TopicId, TransactionId

ID = TransactionId(AccountId(0, 0, 1001), 1_700_000_000_000_000_000)


def fits_the_port(ledger: GrpcLedger) -> Ledger:
    return ledger  # checked by mypy


def test_a_topic_has_a_submit_key_and_no_admin_key_unless_said() -> None:
    create = TopicCreate(ID, "memo", max_fee_tinybar=1, auto_renew_s=7_776_000)
    assert (create.submit_key, create.admin_key, create.valid_duration_s) == (True, False, 120)


def test_values_are_frozen() -> None:
    submission = Submission(ID, TopicId(0, 0, 7), b"x", None, 120, 1)
    with pytest.raises(FrozenInstanceError):
        submission.message = b"y"  # type: ignore[misc]
    assert Receipt("SUCCESS").topic_id is None
