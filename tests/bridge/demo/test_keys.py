"""Keys for the devnet: made once, closed to others, marked."""

from __future__ import annotations

import stat
from pathlib import Path

from bridge.demo.keys import FILES, make_demo_keys
from bridge.key_files import is_demo_key, read_secret


def test_each_key_is_made_once_and_marked(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    made = make_demo_keys(directory)
    assert [path.name for path in made] == list(FILES)
    secrets = {path: read_secret(path, key="x") for path in made}
    assert all(len(bytes.fromhex(secret)) == 32 for secret in secrets.values())
    assert len(set(secrets.values())) == len(FILES)
    assert all(is_demo_key(path.read_text()) for path in made)
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    made[0].unlink()
    assert make_demo_keys(directory) == made[:1]
    assert read_secret(made[1], key="x") == secrets[made[1]]
