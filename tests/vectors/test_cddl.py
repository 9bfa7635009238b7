"""The CDDL of docs/wire-format.md is CDDL, and describes the vectors; by a validator that isn't ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.protocol.wire import cbor

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs/wire-format.md"
ELSEWHERE = Path(sys.prefix) / "cwt"  # the environment of what is only here to contradict us
JUDGE = """
import json, sys
from cddl_verifier import Validator
schema, items = json.load(sys.stdin)
judge = Validator(schema)
print(json.dumps([judge.validate(bytes.fromhex(item), kind).valid for kind, item in items]))
"""

pytestmark = pytest.mark.skipif(
    not [*ELSEWHERE.glob("lib/*/site-packages/cddl_verifier")], reason="no cddl-verifier: `make test` installs it"
)


def judged(*items: tuple[str, bytes]) -> list[bool]:
    """Whether each is of the type of the CDDL that stands with it."""
    schema = "\n".join(re.findall(r"```cddl\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
    asked = json.dumps([schema, [(kind, item.hex()) for kind, item in items]])
    done = subprocess.run(
        [ELSEWHERE / "bin/python", "-c", JUDGE], input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: list[bool] = json.loads(done.stdout)
    return answer


def vectors(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


def described() -> Iterator[tuple[str, bytes]]:
    for frame in vectors("frames")["opens"]:
        yield "frame", bytes.fromhex(frame["frame"])
        plaintext = bytes.fromhex(frame["plaintext"])
        yield ("signed" if frame["signed"] else "events"), plaintext[: cbor.decode_first(plaintext)[1]]
    for manifest in vectors("manifest"):
        yield "manifest", bytes.fromhex(manifest["message"])
    for event in vectors("events"):
        yield ("user-event-content" if event.get("audience") else "element"), bytes.fromhex(event["cbor"])


def test_the_vectors_are_what_it_describes() -> None:
    items = [*described()]
    assert len(items) > 25
    assert [item for item, holds in zip(items, judged(*items), strict=True) if not holds] == []


def test_something_else_is_not() -> None:
    [frame, manifest, to_user] = [
        next(item for kind, item in described() if kind == name) for name in ("frame", "manifest", "user-event-content")
    ]
    headless = frame.replace(cbor.encode(-65537), cbor.encode(-65538))  # another label in the header
    wrong = [("manifest", frame), ("frame", manifest), ("frame", headless), ("frame", frame[1:]), ("element", to_user)]
    assert headless != frame
    assert judged(*wrong) == [False] * len(wrong)
