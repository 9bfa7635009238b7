"""The public networks' first nodes and mirrors are addresses that can be called."""

from __future__ import annotations

import pytest

from topics.networks import PUBLIC
from topics.values import AccountId


@pytest.mark.parametrize("name", ["mainnet", "testnet", "previewnet"])
def test_nodes_by_name(name: str) -> None:
    plain, secure = PUBLIC[name].nodes(tls=False), PUBLIC[name].nodes(tls=True)
    assert plain[0][0] == secure[0][0] == AccountId(0, 0, 3)
    assert {address.rpartition(":")[2] for _, address in plain} == {"50211"}
    assert {address.rpartition(":")[2] for _, address in secure} == {"50212"}
    assert len({account for account, _ in plain}) == len({address for _, address in plain}) == len(plain) >= 4
    assert PUBLIC[name].mirror_url.startswith("https://")
