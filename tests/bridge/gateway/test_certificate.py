"""Both doors with TLS of their own: a changed certificate is taken while clients stay, and a bad one is refused."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.commands.addresses import trust
from bridge.commands.tail import Since, Tail
from bridge.errors import ConfigInvalid
from bridge.gateway.api import ApiServer
from bridge.gateway.certificate import Certificate
from bridge.gateway.settings import HttpSettings
from tests.bridge.gateway.gateway_fixture import now_ms, running_gateway
from tests.bridge.gateway.made_certificate import made_certificate
from tests.bridge.gateway.memory_backend import MemoryBackend
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import world


def replaced(files: tuple[Path, Path], by: tuple[Path, Path]) -> None:
    for old, new in zip(files, by, strict=True):
        new.replace(old)


async def test_a_new_certificate_is_taken_and_nobody_is_dropped(tmp_path: Path) -> None:
    files, other = made_certificate(tmp_path, "first"), made_certificate(tmp_path, "second")
    certificate, trusted = Certificate(*files, section="gateway"), (trust(files[0]), trust(other[0]))
    async with running_gateway(ssl=certificate.context) as gateway:
        url = gateway.url.replace("ws:", "wss:")
        async with WireClient(url, ssl=trusted[0]) as client:
            await client.ask(connect={"token": gateway.token()})
            replaced(files, other)
            certificate.look()
            async with WireClient(url, ssl=trusted[1]) as second:
                assert "connect" in await second.ask(connect={"token": gateway.token()})
            with pytest.raises(ssl.SSLCertVerificationError):
                await WireClient(url, ssl=trusted[0]).__aenter__()
            reply = await client.ask(subscribe={"channel": "user:77"})
            assert "subscribe" in reply


async def test_the_old_one_goes_on_while_the_files_are_broken(tmp_path: Path) -> None:
    files, other = made_certificate(tmp_path, "first"), made_certificate(tmp_path, "second")
    certificate, trusted = Certificate(*files, section="http"), (trust(files[0]), trust(other[0]))
    server = ApiServer(HttpSettings(port=0), MemoryBackend(), now_ms=now_ms, ssl=certificate.context)
    await server.start()

    async def healthy(known: ssl.SSLContext | None) -> bool:
        async with aiohttp.ClientSession() as session:
            url = f"https://127.0.0.1:{server.port}/healthz"
            async with session.get(url, ssl=known or True) as answer:
                return answer.status == 200

    try:
        assert server.origins[0].startswith("https://")
        other[0].replace(files[0])  # the key is not here yet
        certificate.look()
        assert await healthy(trusted[0])
        files[1].unlink()
        certificate.look()
        assert await healthy(trusted[0])
        other[1].replace(files[1])
        certificate.look()
        assert await healthy(trusted[1])
    finally:
        await server.stop()


def test_files_that_are_no_certificate_with_its_key_are_refused(tmp_path: Path) -> None:
    certificate, key = made_certificate(tmp_path, "first")
    _, other_key = made_certificate(tmp_path, "second")
    garbage = tmp_path / "garbage"
    garbage.write_text("no PEM")
    for files, named, says in (
        ((certificate, other_key), "gateway.tls_key_file", "is not the certificate's key"),
        ((garbage, key), "gateway.tls_certificate_file", "is no PEM certificate"),
        ((certificate, garbage), "gateway.tls_certificate_file", "no private key"),
        ((tmp_path / "none", key), "gateway.tls_certificate_file", "can't be read"),
    ):
        with pytest.raises(ConfigInvalid) as refused:
            Certificate(*files, section="gateway")
        [problem] = refused.value.problems
        assert problem.key == named
        assert says in problem.rule


async def test_the_daemon_and_our_own_commands(tmp_path: Path) -> None:
    certificate, key = made_certificate(tmp_path, "bridge")
    files: dict[str, Any] = {
        f"{door}__tls_{kind}_file": str(path)
        for door in ("http", "gateway")
        for kind, path in (("certificate", certificate), ("key", key))
    }
    async with world(tmp_path, **files) as made:
        await made.start()
        code, _, err = await made.command("topic", "create", "1", "--owner", "77")
        assert code == 0, err
        change = tmp_path / "events.jsonl"
        change.write_text('{"event":"CAMPAIGN_CLOSED","payload":{"campaignId":"1","message":"m"},"to":"user:77"}\n')
        code, _, err = await made.command("publish", change)
        assert code == 0, err
        url = made.gateway.replace("ws:", "wss:")
        async with asyncio.timeout(20):
            since = Since(0, "")
            heard = Tail("user:77", since=since, notice=print).publications(
                url, made.token("77"), trust=trust(certificate)
            )
            assert (await anext(heard))["event"] == "CAMPAIGN_CLOSED"
            await heard.aclose()
        assert await made.stop() == 0
