"""The demo's configuration: the shipped one, moved to free ports and a folder of its own."""

from __future__ import annotations

import socket
from pathlib import Path

from bridge.demo.setting import demo_config, free_port
from topics.values import AccountId

SHIPPED = Path(__file__).parents[3] / "config.toml"


def test_everything_that_is_written_lies_in_the_demos_folder(tmp_path: Path) -> None:
    config = demo_config(
        SHIPPED,
        tmp_path,
        nodes={AccountId(0, 0, 3): "127.0.0.1:5", AccountId(0, 0, 4): "127.0.0.1:6"},
        mirror_url="http://127.0.0.1:7",
        operator=AccountId(0, 0, 1002),
        mirror_grpc_address="127.0.0.1:8",
    )
    assert config.database.url == f"sqlite:///{tmp_path}/hcs-bridge.db"
    files = [config.operator.key_file, config.keys.master_key_file, config.http.api_keys[0].key_file]
    assert all(path.parent == tmp_path for path in files)
    assert [node.address for node in config.network.nodes] == ["127.0.0.1:5", "127.0.0.1:6"]
    assert config.network.name == "devnet"
    assert config.mirror.urls == ("http://127.0.0.1:7",)
    assert config.mirror.grpc_addresses == ("127.0.0.1:8",)
    assert config.http.port != config.gateway.port
    assert f"http://127.0.0.1:{config.http.port}" in config.gateway.origins


def test_a_taken_port_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port
