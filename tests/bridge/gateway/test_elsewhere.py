"""The only daemon's clients are all there are."""

from __future__ import annotations

from bridge.gateway.elsewhere import NOWHERE


async def test_the_only_daemon_has_nobody_to_tell_and_to_ask() -> None:
    NOWHERE.unsubscribe("77", "campaign:1")
    NOWHERE.refresh("77", None)
    NOWHERE.moved("campaign:1", "a", "77", joined=True)
    assert list(await NOWHERE.present("campaign:1")) == []
