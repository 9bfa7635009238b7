"""Takes modules out of a package without running what the package does when it is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec


@contextmanager
def bare_package(name: str) -> Iterator[None]:
    """Inside the block modules of that top-level package are imported without its `__init__`, each once as ever.

    Behind it the package is as if nobody had asked for it, so that whoever imports it gets all of it, with the same
    modules. Where it is imported already nothing is done. Raises ModuleNotFoundError.
    """
    if name in sys.modules:
        yield
        return
    spec = find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"no module named {name!r}", name=name)
    sys.modules[name] = module_from_spec(spec)  # made, with the way to its modules, and not executed
    try:
        yield
    finally:
        del sys.modules[name]
