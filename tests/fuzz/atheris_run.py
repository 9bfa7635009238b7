"""The targets under atheris, which looks for inputs by what they reach.

It is no part of the tests: `pip install atheris`, then `python -m tests.fuzz.atheris_run TARGET [OPTIONS]`. Options are
libFuzzer's, such as `-max_total_time=60`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from tempfile import TemporaryDirectory


def main() -> None:
    """Run one target until an option or a find ends it; without atheris say so, and end well."""
    if importlib.util.find_spec("atheris") is None:
        sys.stdout.write("skipped: atheris isn't installed (pip install atheris)\n")
        return
    atheris = importlib.import_module("atheris")
    name, *options = sys.argv[1:] or [""]
    with atheris.instrument_imports(include=["bridge", "jwt"]):
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
    if name not in targets:
        sys.exit(f"python -m tests.fuzz.atheris_run {'|'.join(targets)} [OPTIONS]")
    with TemporaryDirectory() as corpus:
        for number, seed in enumerate(targets[name].seeds):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, corpus], targets[name].take)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
