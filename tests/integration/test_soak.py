"""The soak, in short: that nothing is lost or doubled shows in half a minute, that nothing grows does not."""

from __future__ import annotations

from pathlib import Path

from tests.integration.soak import Load, Sample, slope, soaked


async def test_some_seconds_of_it(tmp_path: Path) -> None:
    found = await soaked(tmp_path, Load(6, clients=20, life_s=(2, 3)), seed=7)
    assert (found["lost"], found["doubled"], found["out_of_order"], found["gaps_told"]) == (0, 0, 0, 0)
    assert found["restarts"] >= 1
    assert found["faults"] >= 2
    assert found["conditions"]["events"] >= 50
    assert found["db_mb"] > 0


def test_the_slope_is_that_within_lives_once_they_are_warm() -> None:
    steady = [Sample(at_s, 1000 if at_s < 60 else 5000, 10) for at_s in range(120)]
    growing = [Sample(100 + at_s, 9000 + at_s, 10) for at_s in range(120)]
    assert slope([steady], "rss_kb") == 0
    assert slope([growing], "rss_kb") == 60
    assert slope([steady, growing], "rss_kb") == 30
    assert slope([steady[:65]], "rss_kb") is None
