"""Records and receipts in the API's form."""

from __future__ import annotations

from tests.topics.devnet.ground import NOON_NS, Ground
from tests.topics.devnet.test_crypto_service import account_body
from topics.devnet import protos
from topics.devnet.record import HOUR_NS, proto_of, rates_at, receipt_of
from topics.ledger.hapi import response_code

RATES = rates_at(NOON_NS, hbar=1, cents=12)


def test_receipts_carry_what_came_of_it() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    record = ground.run(ground.submit(topic_id))
    receipt = receipt_of(record, RATES)
    position = ground.network.state.topics[topic_id].position
    assert receipt.status == response_code.SUCCESS
    assert (receipt.topicSequenceNumber, receipt.topicRunningHash) == (1, position.running_hash)
    assert receipt.topicRunningHashVersion == 3
    assert receipt.exchangeRate.currentRate.centEquiv == 12
    [created] = [each for each in (ground.network.mirror.transactions().at(0),) if each.created]
    assert protos.read_topic(receipt_of(created, RATES).topicID) == topic_id
    account = ground.run(ground.body(cryptoCreateAccount=account_body()))
    assert receipt_of(account, RATES).accountID.accountNum == 1003


def test_records_carry_fee_and_transfers() -> None:
    ground = Ground()
    record = ground.run(ground.submit(ground.create_topic(), memo="m"))
    proto = proto_of(record, RATES)
    assert proto.transactionFee == record.charged
    assert proto.memo == "m"
    assert proto.transactionHash == record.hash
    assert {each.accountID.accountNum: each.amount for each in proto.transferList.accountAmounts} == {
        account_id.num: amount for account_id, amount in record.transfers.items()
    }


def test_rates_hold_for_this_hour_and_the_next() -> None:
    ends = RATES.currentRate.expirationTime.seconds
    assert 0 < ends * 10**9 - NOON_NS <= HOUR_NS
    assert RATES.nextRate.expirationTime.seconds == ends + 3600
