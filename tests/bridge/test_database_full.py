"""A full disk: writes are refused as unavailable, what was accepted stays, and all goes on once there is room."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

SCRIPT = """
    import asyncio, resource, sys
    from pathlib import Path
    from sqlalchemy import insert, select
    from bridge.errors import Unavailable
    from bridge.schema import settings
    from tests.footing import database_at

    def add(connection, number):
        connection.execute(insert(settings).values(name=f"row {number}", value="x" * 200))

    def kept(connection):
        found = connection.execute(select(settings.c.name).where(settings.c.name.startswith("row"))).scalars()
        return {int(name.split()[1]) for name in found}

    async def main():
        path = Path(sys.argv[1])
        async with database_at(path) as database:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("b.db-wal").stat().st_size + 50_000, most))
            accepted, refused = set(), 0
            for start in range(0, 400, 20):
                works = [database.write(lambda c, n=n: add(c, n)) for n in range(start, start + 20)]
                for n, outcome in enumerate(await asyncio.gather(*works, return_exceptions=True), start):
                    if outcome is None:
                        accepted.add(n)
                    else:
                        assert isinstance(outcome, Unavailable), outcome
                        refused += 1
            assert accepted and refused, (len(accepted), refused)
            assert await database.read(kept) == accepted
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            await database.write(lambda c: add(c, 1000))
            assert await database.read(kept) == accepted | {1000}
        async with database_at(path) as database:
            assert await database.read(kept) == accepted | {1000}

    asyncio.run(main())
"""


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / "b.db")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
