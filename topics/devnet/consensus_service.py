"""The transactions of the consensus service: create a topic, submit a message to it."""

from __future__ import annotations

from topics.devnet import protos
from topics.devnet.envelope import Envelope, Refused
from topics.devnet.kinds import AUTO_RENEW_S, Kind, Outcome, check_memo
from topics.devnet.signatures import count_keys, well_formed
from topics.devnet.state import State, Topic, TopicEntity
from topics.fees import Fee, create_topic_fee, submit_fee
from topics.ledger.hapi import basic_types, create_topic, response_code, submit_message
from topics.running_hash import next_running_hash
from topics.values import NANOS, AccountId, ChunkInfo, Position, TopicId, TopicMessage, TransactionId

MAX_MESSAGE_BYTES = 1024


def _create_fee(envelope: Envelope) -> Fee:
    body = envelope.body.consensusCreateTopic
    keys = sum(count_keys(key) for key in (body.adminKey, body.submitKey) if key.WhichOneof("key"))
    return create_topic_fee(keys=keys, signatures=len(envelope.signatures), transaction_bytes=envelope.size)


def _create(state: State, envelope: Envelope, consensus_ns: int) -> Outcome:
    body = envelope.body.consensusCreateTopic
    check_memo(body.memo)
    if body.autoRenewPeriod.seconds not in AUTO_RENEW_S:
        raise Refused(response_code.AUTORENEW_DURATION_NOT_IN_RANGE)
    admin_key, submit_key = _admin_key(envelope), _submit_key(body)
    auto_renew_account = _auto_renew_account(state, envelope)
    # The number last: a refused transaction uses none.
    entity = TopicEntity(
        id=TopicId(0, 0, state.next_num()),
        memo=body.memo,
        admin_key=admin_key,
        submit_key=submit_key,
        auto_renew_s=body.autoRenewPeriod.seconds,
        auto_renew_account=auto_renew_account,
        created_ns=consensus_ns,
    )
    state.topics[entity.id] = Topic(entity)
    return Outcome(entity=entity.id, created=entity)


def _admin_key(envelope: Envelope) -> basic_types.Key | None:
    body = envelope.body.consensusCreateTopic
    if not body.HasField("adminKey"):
        return None
    if not well_formed(body.adminKey):
        raise Refused(response_code.BAD_ENCODING)
    if not envelope.signatures.satisfy(body.adminKey):
        raise Refused(response_code.INVALID_SIGNATURE)
    return body.adminKey


def _submit_key(body: create_topic.ConsensusCreateTopicTransactionBody) -> basic_types.Key | None:
    if not body.HasField("submitKey"):
        return None
    if not well_formed(body.submitKey):
        raise Refused(response_code.BAD_ENCODING)
    return body.submitKey


def _auto_renew_account(state: State, envelope: Envelope) -> AccountId | None:
    body = envelope.body.consensusCreateTopic
    if not body.HasField("autoRenewAccount"):
        return None
    invalid = response_code.INVALID_AUTORENEW_ACCOUNT
    account = state.account(protos.read_account(body.autoRenewAccount), otherwise=invalid).entity
    if account.key is None or not envelope.signatures.satisfy(account.key):
        raise Refused(response_code.INVALID_SIGNATURE)
    return account.id


def _submit_fee(envelope: Envelope) -> Fee:
    message = envelope.body.consensusSubmitMessage.message
    return submit_fee(message_bytes=len(message), signatures=len(envelope.signatures), transaction_bytes=envelope.size)


def _check_submit(envelope: Envelope) -> None:
    body = envelope.body.consensusSubmitMessage
    if not body.HasField("topicID"):
        raise Refused(response_code.INVALID_TOPIC_ID)
    if not body.message:
        raise Refused(response_code.INVALID_TOPIC_MESSAGE)


def _submit(state: State, envelope: Envelope, consensus_ns: int) -> Outcome:
    body = envelope.body.consensusSubmitMessage
    topic = state.topic(protos.read_topic(body.topicID))
    submit_key = topic.entity.submit_key
    if submit_key is not None and not envelope.signatures.satisfy(submit_key):
        raise Refused(response_code.INVALID_SIGNATURE)
    if len(body.message) > MAX_MESSAGE_BYTES:
        raise Refused(response_code.MESSAGE_SIZE_TOO_LARGE)
    chunk = _chunk(body.chunkInfo, envelope.id) if body.HasField("chunkInfo") else None
    message = _append(topic, body.message, chunk=chunk, payer=envelope.payer, consensus_ns=consensus_ns)
    return Outcome(entity=topic.entity.id, message=message)


def _chunk(info: submit_message.ConsensusMessageChunkInfo, own: TransactionId) -> ChunkInfo:
    """Nothing ties later chunks to an earlier one: the first's id is believed where the payer is the same."""
    if not 1 <= info.number <= info.total:
        raise Refused(response_code.INVALID_CHUNK_NUMBER)
    start = info.initialTransactionID.transactionValidStart
    initial = TransactionId(own.payer, start.seconds * NANOS + start.nanos)
    if protos.read_account(info.initialTransactionID.accountID) != own.payer or (info.number == 1 and initial != own):
        raise Refused(response_code.INVALID_CHUNK_TRANSACTION_ID)
    return ChunkInfo(initial, info.number, info.total)


def _append(
    topic: Topic, content: bytes, *, chunk: ChunkInfo | None, payer: AccountId, consensus_ns: int
) -> TopicMessage:
    before, topic_id = topic.position, topic.entity.id
    sequence = before.sequence + 1
    running_hash = next_running_hash(
        before.running_hash, content, payer=payer, topic_id=topic_id, consensus_ns=consensus_ns, sequence=sequence
    )
    topic.position = Position(sequence, consensus_ns, running_hash)
    return TopicMessage(topic_id, sequence, consensus_ns, content, running_hash, payer, chunk)


CREATE_TOPIC = Kind("CONSENSUSCREATETOPIC", _create_fee, lambda _: None, _create, lambda _: None)
SUBMIT_MESSAGE = Kind(
    "CONSENSUSSUBMITMESSAGE",
    _submit_fee,
    _check_submit,
    _submit,
    lambda envelope: protos.read_topic(envelope.body.consensusSubmitMessage.topicID),
)
