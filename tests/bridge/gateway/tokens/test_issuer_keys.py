"""An issuer's keys: when they are fetched, how often at most, and what serves while they can't be."""

from __future__ import annotations

import asyncio
import json

import pytest

from bridge.errors import Unavailable
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.issuer_keys import IssuerKeys
from tests.bridge.gateway.gateway_fixture import until
from tests.bridge.gateway.tokens.signers import signer

SETTINGS = TokenSettings((), keys_refresh_s=600, keys_retry_s=10, keys_stale_s=3600)
AWAY = Unavailable("the key set", "it is away")


class Place:
    """Where an issuer keeps its keys: those of `kids`, one request at a time; None: it is away."""

    def __init__(self, *kids: str) -> None:
        self.kids: tuple[str, ...] | None = kids
        self.asked = 0
        self.now_s = 0.0
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.open.wait()
        if self.kids is None:
            raise AWAY
        return json.dumps({"keys": [signer("ES256").jwk(kid=kid) for kid in self.kids]}).encode()

    def keys(self) -> IssuerKeys:
        issuer = Issuer("remote", "ES256", issuer="https://i")
        return IssuerKeys(issuer, SETTINGS, self.fetch, clock=lambda: self.now_s)


async def test_fetched_once_and_again_for_an_unknown_key_but_not_too_often() -> None:
    place = Place("a")
    keys = place.keys()
    assert await keys.find("a") is not None
    place.now_s = 1
    assert await keys.find("a") is not None
    assert place.asked == 1
    place.kids = ("a", "b")
    place.now_s = 9.999
    assert await keys.find("b") is None  # too soon after the first
    place.now_s = 10
    assert await keys.find("b") is not None
    place.now_s = 10.001
    for number in range(100):
        assert await keys.find(f"guessed-{number}") is None
    assert place.asked == 2


async def test_a_key_that_was_taken_away_stops_counting_after_the_refresh() -> None:
    place = Place("a", "b")
    keys = place.keys()
    assert await keys.find("a") is not None
    place.kids = ("b",)
    place.now_s = 601
    assert await keys.find("a") is not None  # this one doesn't wait for the newer set
    await until(lambda: place.asked == 2)
    await until(lambda: keys._fetching is None)
    place.now_s = 602
    assert await keys.find("a") is None


async def test_many_at_once_ask_once() -> None:
    place = Place("a")
    place.open.clear()
    keys = place.keys()
    waiting = [asyncio.create_task(keys.find("a")) for _ in range(20)]
    await asyncio.sleep(0)
    waiting.pop().cancel()
    place.open.set()
    assert None not in await asyncio.gather(*waiting)
    assert place.asked == 1


async def test_while_the_place_is_away_known_keys_serve_for_a_time() -> None:
    place = Place("a")
    keys = place.keys()
    assert await keys.find("a") is not None
    place.kids = None
    place.now_s = 20
    with pytest.raises(Unavailable, match="issuer remote is unavailable: it is away"):
        await keys.find("new")
    place.now_s = 20.001
    assert await keys.find("a") is not None
    place.now_s = 3600
    assert await keys.find("a") is not None
    place.now_s = 3700
    with pytest.raises(Unavailable):
        await keys.find("a")
    place.kids = ("a",)
    place.now_s = 3800
    assert await keys.find("a") is not None


async def test_what_is_no_key_set_is_as_good_as_none() -> None:
    async def nonsense() -> bytes:
        return b"<html>"

    keys = IssuerKeys(Issuer("remote", "ES256", issuer="https://i"), SETTINGS, nonsense)
    with pytest.raises(Unavailable, match="not a key for ES256"):
        await keys.find("a")


async def test_keys_of_a_file_are_found_by_id_or_being_the_only_one() -> None:
    made = signer("ES256")
    only = IssuerKeys(Issuer("file", "ES256", {"": made.public}), SETTINGS)
    assert await only.find("") is await only.find("any") is not None
    named = IssuerKeys(Issuer("file", "ES256", {"a": made.public, "b": made.public}), SETTINGS)
    assert await named.find("a") is not None
    assert await named.find("") is None
    assert await named.find("c") is None
