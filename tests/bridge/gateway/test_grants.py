"""Keys for people at the door: who asks, with which key, and who says who may."""

from __future__ import annotations

import base64

import pytest

from bridge.keys.grants import Asker
from tests.bridge.gateway.gateway_fixture import OWNER, STRANGER
from tests.bridge.gateway.readers_fixture import OTHER, reading

PUBLIC = bytes(range(1, 33))
KEYS = "/v1/campaigns/1/keys"


def text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


async def test_who_may_gets_keys_wrapped_to_the_one_it_sent() -> None:
    async with reading() as made:
        token = made.gateway.token(STRANGER, campaigns=["1"], role="auditor")
        status, answer = await made.get(f"{KEYS}?publicKey={text(PUBLIC)}", token)
        assert (status, answer) == (
            200,
            {
                "campaignId": "1",
                "topicId": "0.0.7001",
                "network": "devnet",
                "epochs": [
                    {
                        "owner": "campaign:1",
                        "kid": b"kid byte".hex(),
                        "wrapped": base64.b64encode(bytes(80)).decode(),
                    }
                ],
            },
        )
        assert made.granting.asked == [(Asker(STRANGER, named=True, sees_all=False), PUBLIC)]


async def test_who_may_not_is_refused() -> None:
    async with reading() as made:
        path = f"{KEYS}?publicKey={text(PUBLIC)}"
        assert (await made.get(path, made.gateway.token(STRANGER)))[0] == 403
        assert (await made.get(path))[0] == 401
        assert (await made.get(path, made.gateway.token(OWNER, lives_s=-1)))[0] == 401
        unknown = f"/v1/campaigns/2/keys?publicKey={text(PUBLIC)}"
        assert (await made.get(unknown, made.gateway.token(STRANGER)))[0] == 403
        assert (await made.get(unknown, made.gateway.token(STRANGER, campaigns=["2"])))[0] == 404
        assert (await made.get(path, made.gateway.token(), Origin="https://elsewhere.example.org"))[0] == 403


async def test_a_user_that_asks_too_often_waits_and_the_others_do_not() -> None:
    async with reading(key_requests_per_s=0.5, key_requests_burst=2) as made:
        path, headers = f"{KEYS}?publicKey={text(PUBLIC)}", {"Authorization": f"Bearer {made.gateway.token()}"}
        statuses = [(await made.get(path, made.gateway.token()))[0] for _ in range(2)]
        async with made.session.get(path, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (429, "too_many_requests")
            assert answer.headers["Retry-After"] in {"1", "2"}
        assert 429 not in statuses
        assert (await made.get(path, made.gateway.token(STRANGER, campaigns=["1"])))[0] == 200


@pytest.mark.parametrize(
    "key",
    [
        "",
        text(PUBLIC[:31]),
        text(PUBLIC + b"x"),
        text(PUBLIC)[:-1] + "*",
        text(PUBLIC)[:-1] + "B",  # bits that stand for nothing
        text(PUBLIC) + "=",
        base64.b64encode(bytes([255] * 32)).decode().rstrip("=").replace("/", "%2F"),
        text(bytes(32)),  # a point that shares no secret
        "é" * 43,
    ],
)
async def test_a_key_of_another_size_or_form_is_refused(key: str) -> None:
    async with reading() as made:
        status, answer = await made.get(f"{KEYS}?publicKey={key}", made.gateway.token(campaigns=["1"]))
        assert (status, answer["error"]["code"]) == (400, "bad_key")
        assert made.granting.asked == []


async def test_one_key_and_not_two() -> None:
    async with reading() as made:
        path = f"{KEYS}?publicKey={text(PUBLIC)}&publicKey={text(PUBLIC)}"
        assert (await made.get(path, made.gateway.token(campaigns=["1"])))[0] == 400
        assert (await made.get(KEYS, made.gateway.token(campaigns=["1"])))[0] == 400


async def test_backends_say_who_may() -> None:
    async with reading() as made:
        assert await made.post("/v1/campaigns/1/grants", {"user": STRANGER, "fromStart": True}) == (
            201,
            {
                "user": STRANGER,
                "fromEpoch": 1,
                "givenAt": "1970-01-01T00:00:00.005Z",
                "givenBy": "keeper",
                "revokedAt": None,
                "revokedBy": None,
            },
        )
        async with made.session.get(
            "/v1/campaigns/1/grants", headers={"Authorization": "Bearer a key for keys"}
        ) as answer:
            listed = await answer.json()
        assert [grant["user"] for grant in listed["grants"]] == [STRANGER]
        assert listed["handed"] == {"answers": 0, "keys": 0}
        for revoked in (True, False):
            assert await made.post("/v1/campaigns/1/revoke", {"user": STRANGER}) == (200, {"revoked": revoked})
        assert (await made.post("/v1/campaigns/2/grants", {"user": STRANGER}))[0] == 404
        assert (await made.post("/v1/campaigns/1/grants", {"user": STRANGER}, OTHER))[0] == 403


@pytest.mark.parametrize("act", ["grants", "revoke"])
@pytest.mark.parametrize("body", [{}, {"user": 7}, {"user": "_x"}, {"user": "1", "more": 1}, []])
async def test_what_is_no_grant_is_refused(act: str, body: object) -> None:
    async with reading() as made:
        status, _ = await made.post(f"/v1/campaigns/1/{act}", body)
        assert status == 422
        assert (await made.post("/v1/campaigns/1/grants", {"user": "1", "fromStart": 1}))[0] == 422
        assert made.granting.given == {}
