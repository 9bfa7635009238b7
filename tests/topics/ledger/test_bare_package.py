"""A package's modules without the package, which whoever wants it gets whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

from topics.ledger.bare_package import bare_package


def run(program: str) -> str:
    """What a process of its own prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_protobufs_come_without_the_sdk() -> None:
    assert run("import sys, topics.ledger.hapi; print({'hiero_sdk_python', 'eth_abi'} & set(sys.modules))") == "set()\n"


@pytest.mark.parametrize(
    "order", [("topics.ledger.hapi", "hiero_sdk_python"), ("hiero_sdk_python", "topics.ledger.hapi")]
)
def test_beside_the_sdk_in_either_order_both_have_the_same_modules(order: tuple[str, str]) -> None:
    program = f"""import {order[0]}, {order[1]}
from hiero_sdk_python import PrivateKey
from hiero_sdk_python.hapi.services import basic_types_pb2
from topics.ledger.hapi import basic_types
print(basic_types is basic_types_pb2)"""
    assert run(program) == "True\n"


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), bare_package("no_such_package"):
        pass
