"""The transactions that change a topic after its creation: update it, delete it."""

from __future__ import annotations

from dataclasses import replace

from topics.devnet import protos
from topics.devnet.envelope import Envelope, Refused
from topics.devnet.kinds import AUTO_RENEW_S, Kind, Outcome, check_memo
from topics.devnet.signatures import count_keys, well_formed
from topics.devnet.state import State, TopicEntity
from topics.fees import KEY, NODE_AND_NETWORK, Fee, transfer_fee
from topics.ledger.hapi import basic_types, response_code
from topics.values import NANOS, AccountId, EntityId

# Simple fees again: 0.00022 USD with one key, 0.005 USD.
UPDATE_TOPIC = 2_200_000 - NODE_AND_NETWORK
DELETE_TOPIC = 50_000_000 - NODE_AND_NETWORK
# As the API's documentation has it: no expiry further away than the longest renewal period.
MAX_LIFE_S = AUTO_RENEW_S[-1]


def _update_fee(envelope: Envelope) -> Fee:
    asked = envelope.body.consensusUpdateTopic
    keys = sum(count_keys(key) for key in (asked.adminKey, asked.submitKey) if key.WhichOneof("key"))
    return _fee(envelope, UPDATE_TOPIC + KEY * max(0, keys - 1))


def _delete_fee(envelope: Envelope) -> Fee:
    return _fee(envelope, DELETE_TOPIC)


def _fee(envelope: Envelope, service: int) -> Fee:
    # A transfer costs what node and network take from every transaction, and nothing else.
    both = transfer_fee(signatures=len(envelope.signatures), transaction_bytes=envelope.size)
    return replace(both, service=service)


def _check_update(envelope: Envelope) -> None:
    if not envelope.body.consensusUpdateTopic.HasField("topicID"):
        raise Refused(response_code.INVALID_TOPIC_ID)


def _check_delete(envelope: Envelope) -> None:
    if not envelope.body.consensusDeleteTopic.HasField("topicID"):
        raise Refused(response_code.INVALID_TOPIC_ID)


def _update(state: State, envelope: Envelope, consensus_ns: int) -> Outcome:
    asked = envelope.body.consensusUpdateTopic
    topic = state.topic(protos.read_topic(asked.topicID))
    entity = topic.entity
    _authorise_update(entity, envelope)
    account = _auto_renew_account(state, entity, envelope)
    if asked.HasField("memo"):
        check_memo(asked.memo.value)
    if asked.HasField("autoRenewPeriod") and asked.autoRenewPeriod.seconds not in AUTO_RENEW_S:
        raise Refused(response_code.AUTORENEW_DURATION_NOT_IN_RANGE)
    if asked.HasField("fee_schedule_key"):
        # Topics here have no custom fees, so never the key to them, which a topic gets at its creation or not at all.
        raise Refused(response_code.FEE_SCHEDULE_KEY_CANNOT_BE_UPDATED)
    topic.entity = replace(
        entity,
        memo=asked.memo.value if asked.HasField("memo") else entity.memo,
        admin_key=_new_key(asked.adminKey, entity.admin_key),
        submit_key=_new_key(asked.submitKey, entity.submit_key),
        auto_renew_s=asked.autoRenewPeriod.seconds or entity.auto_renew_s,
        auto_renew_account=account,
        # A new period is for the next renewal: this one's end stays.
        expires_s=_expiry_s(envelope, entity, consensus_ns),
        changed_ns=consensus_ns,
    )
    return Outcome(entity=entity.id, changed=topic.entity)


def _authorise_update(entity: TopicEntity, envelope: Envelope) -> None:
    """Anybody may extend the life, the holder of either key may change the submit key, the admin key's all else."""
    asked = envelope.body.consensusUpdateTopic
    if asked.HasField("custom_fees"):
        raise Refused(response_code.FEE_SCHEDULE_KEY_NOT_SET)
    fields = {field.name for field, _ in asked.ListFields()} - {"topicID"}
    if fields == {"expirationTime"}:
        return
    if fields == {"submitKey"}:
        _authorise([key for key in (entity.submit_key, entity.admin_key) if key is not None], envelope)
        return
    _authorise([] if entity.admin_key is None else [entity.admin_key], envelope)
    if asked.adminKey.WhichOneof("key") and not _removes(asked.adminKey):
        _authorise([asked.adminKey], envelope)


def _authorise(keys: list[basic_types.Key], envelope: Envelope) -> None:
    if not keys:
        raise Refused(response_code.UNAUTHORIZED)
    if not any(envelope.signatures.satisfy(key) for key in keys):
        raise Refused(response_code.INVALID_SIGNATURE)


def _auto_renew_account(state: State, entity: TopicEntity, envelope: Envelope) -> AccountId | None:
    """Who pays for renewals from now on. 0.0.0 is nobody; a topic without an admin key has nobody."""
    asked = envelope.body.consensusUpdateTopic
    account_id = entity.auto_renew_account
    if asked.HasField("autoRenewAccount"):
        account_id = protos.read_account(asked.autoRenewAccount)
        if account_id == AccountId(0, 0, 0):
            return None
        account = state.account(account_id, otherwise=response_code.INVALID_AUTORENEW_ACCOUNT).entity
        if account.key is None or not envelope.signatures.satisfy(account.key):
            raise Refused(response_code.INVALID_SIGNATURE)
    if account_id is not None and _removes(asked.adminKey):
        raise Refused(response_code.AUTORENEW_ACCOUNT_NOT_ALLOWED)
    return account_id


def _new_key(asked: basic_types.Key, present: basic_types.Key | None) -> basic_types.Key | None:
    """The key as it is from now on: what isn't named stays, an empty list takes it away."""
    if asked.WhichOneof("key") is None:
        return present
    if _removes(asked):
        return None
    if not well_formed(asked):
        raise Refused(response_code.BAD_ENCODING)
    return asked


def _removes(key: basic_types.Key) -> bool:
    return key.WhichOneof("key") == "keyList" and not key.keyList.keys


def _expiry_s(envelope: Envelope, entity: TopicEntity, consensus_ns: int) -> int:
    asked = envelope.body.consensusUpdateTopic
    present_s = entity.expiry_ns // NANOS
    if not asked.HasField("expirationTime"):
        return present_s
    wanted_s = asked.expirationTime.seconds
    if wanted_s < present_s:
        raise Refused(response_code.EXPIRATION_REDUCTION_NOT_ALLOWED)
    if not consensus_ns // NANOS < wanted_s <= consensus_ns // NANOS + MAX_LIFE_S:
        raise Refused(response_code.INVALID_EXPIRATION_TIME)
    return wanted_s


def _delete(state: State, envelope: Envelope, consensus_ns: int) -> Outcome:
    topic = state.topic(protos.read_topic(envelope.body.consensusDeleteTopic.topicID))
    _authorise([] if topic.entity.admin_key is None else [topic.entity.admin_key], envelope)
    topic.entity = replace(topic.entity, deleted=True, changed_ns=consensus_ns)
    return Outcome(entity=topic.entity.id, changed=topic.entity)


def _about_update(envelope: Envelope) -> EntityId | None:
    return protos.read_topic(envelope.body.consensusUpdateTopic.topicID)


def _about_delete(envelope: Envelope) -> EntityId | None:
    return protos.read_topic(envelope.body.consensusDeleteTopic.topicID)


UPDATE = Kind("CONSENSUSUPDATETOPIC", _update_fee, _check_update, _update, _about_update)
DELETE = Kind("CONSENSUSDELETETOPIC", _delete_fee, _check_delete, _delete, _about_delete)
