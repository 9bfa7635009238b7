"""Raw messages for readers: for whom the channel opens to, in the mirror's shape, and no more than may be."""

from __future__ import annotations

import base64

import pytest

from tests.bridge.gateway.gateway_fixture import STRANGER
from tests.bridge.gateway.memory_granting import TOPIC, MemoryProofs
from tests.bridge.gateway.readers_fixture import Readers, reading
from topics.mirror import decode
from topics.values import NANOS, AccountId, ChunkInfo, TopicMessage, TransactionId

PAYER = AccountId(0, 0, 1001)
CHUNK = ChunkInfo(TransactionId(PAYER, 5 * NANOS + 7), 1, 2)
MESSAGES = [
    TopicMessage(TOPIC, n, n * NANOS + 9, b"message %d" % n, bytes([n] * 48), PAYER, CHUNK if n == 2 else None)
    for n in range(1, 6)
]
PROOF = "/v1/campaigns/1/proof"


async def test_messages_are_the_mirrors_own_rows() -> None:
    async with reading(MemoryProofs(*MESSAGES)) as made:
        status, proof = await made.get(f"{PROOF}?from=2&to=4", made.gateway.token())
        assert status == 200
        assert (proof["topicId"], proof["network"]) == ("0.0.7001", "devnet")
        assert decode.messages(proof, "the door") == MESSAGES[1:4]
        assert proof["anchors"] == [{"sequence": 4, "runningHash": base64.b64encode(bytes([4] * 48)).decode()}]
        assert proof["messages"][0] == {
            "chunk_info": {
                "initial_transaction_id": {
                    "account_id": "0.0.1001",
                    "nonce": 0,
                    "scheduled": False,
                    "transaction_valid_start": "5.000000007",
                },
                "number": 1,
                "total": 2,
            },
            "consensus_timestamp": "2.000000009",
            "message": base64.b64encode(b"message 2").decode(),
            "payer_account_id": "0.0.1001",
            "running_hash": base64.b64encode(bytes([2] * 48)).decode(),
            "running_hash_version": 3,
            "sequence_number": 2,
            "topic_id": "0.0.7001",
        }


async def test_an_answer_is_cut_short_and_the_rest_is_asked_for() -> None:
    async with reading(MemoryProofs(*MESSAGES), proof_max_messages=2) as made:
        token = made.gateway.token()
        assert [row["sequence_number"] for row in (await made.get(PROOF, token))[1]["messages"]] == [1, 2]
        assert [row["sequence_number"] for row in (await made.get(f"{PROOF}?from=3", token))[1]["messages"]] == [3, 4]
        assert (await made.get(f"{PROOF}?from=6", token))[1]["messages"] == []
        assert made.proofs.asked == [(1, 2), (3, 4), (6, 7)]


@pytest.mark.parametrize(
    "query", ["from=0", "to=0", "from=3&to=2", "from=-1", "from=x", "from=1.5", "from=٣", f"to={2**63}", "from="]
)
async def test_a_range_that_is_none_is_refused(query: str) -> None:
    async with reading(MemoryProofs(*MESSAGES)) as made:
        status, answer = await made.get(f"{PROOF}?{query}", made.gateway.token())
        assert (status, answer["error"]["code"]) == (400, "bad_range")
        assert made.proofs.asked == []


async def status_for(made: Readers, token: str, campaign: str = "1") -> int:
    status, _ = await made.get(f"/v1/campaigns/{campaign}/proof", token)
    return status


async def test_the_channels_rule_decides() -> None:
    async with reading(MemoryProofs(*MESSAGES)) as made:
        token = made.gateway.token
        assert await status_for(made, token()) == 200
        assert await status_for(made, token(STRANGER, campaigns=["1"])) == 200
        assert await status_for(made, token(STRANGER)) == 403
        assert await status_for(made, token(STRANGER, campaigns=["2"]), "2") == 404
        assert await status_for(made, token(STRANGER), "2") == 403  # whether there is one is not theirs to know
        assert await status_for(made, "") == 401
        assert await status_for(made, token(lives_s=-1)) == 401
        assert await status_for(made, f"{token()}x") == 401
        assert await status_for(made, token(), "_account") == 404


async def test_a_mirror_that_is_away_is_no_fault_of_the_readers() -> None:
    proofs = MemoryProofs(*MESSAGES)
    proofs.down = True
    async with reading(proofs, origins=("https://app.example.org",)) as made:
        headers = {"Authorization": f"Bearer {made.gateway.token()}", "Origin": "https://app.example.org"}
        async with made.session.get(PROOF, headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "3")
            assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
