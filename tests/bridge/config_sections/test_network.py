"""Networks and mirrors by name, and the ledger's own limits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config_sections import (
    Ledger,
    Mirror,
    Network,
    with_mirror,
)
from topics.networks import PUBLIC


@pytest.mark.parametrize("seconds", [14, 181])
def test_the_valid_duration_is_the_networks(seconds: int) -> None:
    with pytest.raises(ValidationError):
        Ledger(valid_duration_s=seconds)


@pytest.mark.parametrize(("tls", "port"), [("auto", "50212"), ("on", "50212"), ("off", "50211")])
def test_a_public_network_is_reached_by_its_name(tls: str, port: str) -> None:
    network = Network.model_validate({"name": "testnet", "tls": tls})
    assert network.uses_tls is (tls != "off")
    assert {node.address.rpartition(":")[2] for node in network.nodes} == {port}
    assert network.looks_up_nodes


def test_nodes_that_are_named_go_before_those_of_the_name() -> None:
    named = Network.model_validate({"name": "mainnet", "nodes": [{"account": "0.0.3", "address": "10.0.0.1:50211"}]})
    assert [node.address for node in named.nodes] == ["10.0.0.1:50211"]
    assert not named.looks_up_nodes
    assert Network().nodes[0].address == "127.0.0.1:50211"
    assert not Network().uses_tls


def test_a_custom_network_has_to_name_its_nodes() -> None:
    with pytest.raises(ValidationError, match="nodes"):
        Network.model_validate({"name": "custom"})


def test_the_mirror_goes_with_the_networks_name_unless_it_is_named() -> None:
    assert with_mirror({"network": {"name": "testnet"}})["mirror"]["urls"] == (PUBLIC["testnet"].mirror_url,)
    assert with_mirror({})["mirror"]["urls"] == ("http://127.0.0.1:5551",)
    named = {"network": {"name": "mainnet"}, "mirror": {"urls": ["https://mirror.example"]}}
    assert with_mirror(named) == named
    assert with_mirror({"network": {"name": "custom"}})["mirror"]["urls"] == ()


def test_messages_are_compared_only_where_there_is_a_second_mirror() -> None:
    with pytest.raises(ValidationError, match="name one more in urls"):
        Mirror(cross_check=0.1)
    assert Mirror(cross_check=0.1, urls=("http://one.example", "http://two.example")).cross_check == 0.1


def test_the_streams_go_with_a_well_known_mirror_unless_they_are_named() -> None:
    known = PUBLIC["testnet"]
    assert with_mirror({"network": {"name": "testnet"}})["mirror"]["grpc_addresses"] == (known.mirror_streams,)
    assert with_mirror({"mirror": {"urls": [known.mirror_url]}})["mirror"]["grpc_addresses"] == (known.mirror_streams,)
    named = {"mirror": {"urls": [known.mirror_url], "grpc_addresses": ["mirror.example:5600"]}}
    assert with_mirror(named) == named
    for nonsense in ({"urls": [["x"]]}, {"urls": "http://x"}):
        assert "grpc_addresses" not in with_mirror({"mirror": nonsense})["mirror"]


def test_streams_are_over_tls_at_the_port_for_it() -> None:
    assert Mirror().uses_tls("mirror.example:443")
    assert not Mirror().uses_tls("127.0.0.1:5600")
    assert Mirror(grpc_tls="on").uses_tls("mirror.example:5600")
    assert not Mirror(grpc_tls="off").uses_tls("mirror.example:443")
