"""Three daemons share the campaigns, and what befalls them loses nothing, doubles nothing and mixes up nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.nodes import FAKETIME
from tests.integration.several import Load, survived

pytestmark = pytest.mark.skipif(FAKETIME is None, reason="no wrong clocks: install Debian's package libfaketime")


def check(found: dict[str, Any]) -> None:
    assert (found["lost"], found["doubled"], found["out_of_order"], found["gaps_told"]) == (0, 0, 0, 0)
    assert found["held_twice"] == 0
    assert found["taken"] > 64  # more than at the start
    assert len(found["sent_by"]) >= 2


async def test_a_few_things_befall_them(tmp_path: Path) -> None:
    check(await survived(tmp_path, Load(5, clients=20), seed=4))


@pytest.mark.long
async def test_a_hundred_things_befall_them(tmp_path: Path) -> None:
    check(await survived(tmp_path, Load(100), seed=5))
