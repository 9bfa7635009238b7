"""SIGHUP on the running daemon: what is new counts from then on, nobody is dropped; what is wrong changes nothing."""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import World, until, world

TAKEN, REFUSED = "configuration taken", "configuration not taken"
MARK = "# hcs-bridge demo key: devnet only\n"
STATUS = {"event": "CAMPAIGN_STATUS_UPDATE", "payload": {"campaignId": "1234", "newStatus": "ApprovalPending"}}
PAGE = "https://app.example.com"


def records(made: World) -> list[dict[str, Any]]:
    """What the daemon logged."""
    return [json.loads(line) for line in made.log.splitlines() if line.startswith("{")]


async def reloaded(made: World, text: str) -> dict[str, Any]:
    """Put this into config.toml, and wait for what the daemon says to it."""
    before = len(records(made))
    (made.folder / "config.toml").write_text(text)
    assert made.daemon is not None
    made.daemon.send_signal(signal.SIGHUP)

    def said() -> list[dict[str, Any]]:
        return [each for each in records(made)[before:] if each["event"].startswith((TAKEN, REFUSED))]

    await until(said)
    return said()[-1]


def api_key(made: World, name: str, **terms: Any) -> str:
    """A table for config.toml, and its key in a file."""
    path = made.folder / f"{name}.key"
    if not path.exists():
        path.write_text(MARK + secrets.token_hex(32) + "\n")
        path.chmod(0o600)
    lines = {"name": name, "key_file": str(path), **terms}
    return "[[http.api_keys]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


async def answer(made: World, name: str, path: str = "/v1/info") -> int:
    """What a backend with this key gets."""
    key = (made.folder / f"{name}.key").read_text().splitlines()[1]
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
        session.get(made.http + path) as response,
    ):
        return response.status


async def refusal(made: World, **headers: str) -> int:
    """The HTTP status with which the gateway turns a handshake away; 101 if it doesn't."""
    try:
        async with connect(made.gateway, additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@asynccontextmanager
async def served(tmp_path: Path) -> AsyncIterator[tuple[World, str]]:
    """A daemon whose API keys and issuers stand in its config.toml alone, and the text of that."""
    async with world(tmp_path) as made:
        named = {f"HCS_BRIDGE_{each}" for each in ("HTTP__API_KEYS", "TOKENS__ISSUERS")}
        made.environ = {name: value for name, value in made.environ.items() if name not in named}
        text = api_key(made, "api") + issuer(made, "token")
        (made.folder / "config.toml").write_text(text)
        await made.start()
        yield made, text


def issuer(made: World, key: str) -> str:
    """A table for config.toml: tokens signed with this key."""
    return f'[[tokens.issuers]]\nname = "own"\nalgorithm = "HS256"\nkey_file = "{made.folder / key}.key"\n'


async def test_keys_origins_limits_budgets_and_log_level_change_and_nobody_is_dropped(tmp_path: Path) -> None:
    async with served(tmp_path) as (made, plain), WireClient(made.gateway) as client:
        assert (await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"}))[0] == 201
        await client.ask(connect={"token": made.token("77")})
        await client.ask(subscribe={"channel": "campaign:1234"})

        # API keys: another one comes and goes, one has another secret, one may do less
        await reloaded(made, plain + api_key(made, "second"))
        assert await answer(made, "second") == 200
        assert (await reloaded(made, plain))["changed"] == ["http.api_keys"]
        assert await answer(made, "second") == 401
        file = made.folder / "api.key"
        before, after = file.read_text(), MARK + secrets.token_hex(32) + "\n"
        file.write_text(after)
        assert (await made.get("/v1/info"))[0] == 401
        assert (await reloaded(made, plain))["changed"] == ["http.api_keys.0.key_file"]
        assert (await made.get("/v1/info"))[0] == 200
        file.write_text(before)
        await reloaded(made, api_key(made, "api", scopes=["campaigns:read"]) + issuer(made, "token"))
        assert (await made.get("/v1/info"))[0] == 403

        # origins, and limits
        assert await refusal(made, Origin=PAGE) == 403
        await reloaded(made, plain + f'[gateway]\norigins = ["{PAGE}"]\n')
        assert await refusal(made, Origin=PAGE) == 101
        assert await refusal(made, Origin=made.http) == 101  # the bridge's own pages stay
        await reloaded(made, plain + "[gateway]\nmax_connections_per_address = 1\n[events]\nmax_batch = 1\n")
        assert await refusal(made) == 429
        assert (await made.post("/v1/events", [STATUS, STATUS]))[0] == 413

        # budgets: nothing leaves, and all of it as soon as there is room
        await reloaded(made, plain + "[budgets]\ncampaign_hbar = 0.00000001\n")
        assert (await made.post("/v1/events", STATUS))[0] == 202
        assert (await client.hear())["push"]["pub"]["data"]["meta"]["phase"] == "provisional"
        await until(lambda: "submission stopped" in made.log)
        assert "debug" not in {each["level"] for each in records(made)}
        await reloaded(made, plain + '[budgets]\ncampaign_hbar = 100\n[log]\nlevel = "debug"\n')
        assert (await client.hear())["push"]["pub"]["data"]["meta"]["phase"] == "confirmed"
        await until(lambda: "debug" in {each["level"] for each in records(made)})

        # tokens: signed with a key that is gone they open nothing; who is in stays to the end of its own
        token, _ = made.token("77"), api_key(made, "another")
        await reloaded(made, plain.replace("token.key", "another.key"))
        async with WireClient(made.gateway) as late:
            await late.say(connect={"token": token})
            assert await late.closed() == 3500
        assert (await client.ask(presence={"channel": "campaign:1234"}))["presence"]["presence"]


async def test_what_is_wrong_is_told_whole_and_changes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (made, plain):
        api_key(made, "another")
        no_key = plain.replace("token.key", "signing.key").replace("HS256", "RS256").replace("api.key", "another.key")
        for text, told in (
            (plain + "[gateway]\norigins = 1\nmax_conections = 2\n", ["gateway.origins", "gateway.max_conections"]),
            (plain.replace("api.key", "nowhere.key"), ["http.api_keys.0.key_file"]),
            (no_key, ["tokens.issuers"]),
        ):
            said = await reloaded(made, text)
            assert said["event"].startswith(REFUSED)
            assert all(any(key in problem for problem in said["problems"]) for key in told)
            assert (await made.get("/v1/info"))[0] == 200
            async with WireClient(made.gateway) as client:
                assert "connect" in await client.ask(connect={"token": made.token("77")})
        before = (made.folder / "operator.key").read_text()
        (made.folder / "operator.key").write_text("zzz\n")  # it is in force with the next start only, which would fail
        said = await reloaded(made, plain)
        assert (said["event"].startswith(REFUSED), "operator.key_file" in said["problems"][0]) == (True, True)
        (made.folder / "operator.key").write_text(before)
        changes = "[gateway]\ncompression = true\nmax_connections = 1\n[publish]\npad_to = 64\n"
        assert (await reloaded(made, plain + changes))["changed"] == ["gateway.max_connections"]
        await until(lambda: "needs a restart" in made.log)
        assert records(made)[-1]["keys"] == ["publish.pad_to", "gateway.compression"]
        (made.folder / "signing.key").write_text(MARK + secrets.token_hex(32) + "\n")
        for _ in range(2):  # as long as nobody restarts it
            await reloaded(made, plain)
            await until(lambda: records(made)[-1].get("keys") == ["keys.signing_key_file"])
        assert await made.stop() == 0
