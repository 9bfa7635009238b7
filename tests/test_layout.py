"""The walls of the house: who imports whom, what is pure, where a library lives, what has a test, how long it grows."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("bridge", "topics")

ROOT_OF_ALL = ("topics", "bridge", "!bridge.cli", "!bridge.commands", "!bridge.demo")  # what joins the rooms

# A module may import what its row names, and itself. Longest prefix wins.
MAY_IMPORT = {
    "topics": ("topics",),
    "topics.values": (),
    "topics.running_hash": ("topics.values", "topics.errors"),
    "bridge.errors": (),
    "bridge.protocol": ("topics.values", "topics.running_hash", "bridge.errors"),
    "bridge.config": ("topics.values", "bridge.errors", "bridge.config_rules", "bridge.config_sections"),
    "bridge.config_rules": ("topics.values",),
    "bridge.config_sections": ("topics.values", "topics.networks", "bridge.config_rules"),
    "bridge.key_files": ("bridge.config", "bridge.config_sections", "bridge.errors"),
    "bridge.log": ("bridge.config_sections",),
    "bridge.schema": ("topics.registry",),
    "bridge.statements": (),
    "bridge.settings": ("bridge.database", "bridge.statements", "bridge.errors", "bridge.schema", "bridge.shards"),
    "bridge.shards": ("bridge.schema",),
    "bridge.leases": (
        "bridge.config_sections",
        "bridge.database",
        "bridge.errors",
        "bridge.log",
        "bridge.schema",
        "bridge.shards",
        "bridge.statements",
    ),
    "bridge.moving": ("bridge.schema", "bridge.settings", "bridge.statements", "bridge.errors"),
    "bridge.migrations": ("bridge.schema", "bridge.errors"),
    "bridge.counts": (),
    "bridge.descriptors": ("bridge.config", "bridge.log"),
    "bridge.engines": ("bridge.config_sections", "bridge.errors"),
    "bridge.refusals": ("bridge.counts", "bridge.errors", "bridge.log"),
    "bridge.database": (
        "bridge.engines",
        "bridge.counts",
        "bridge.refusals",
        "bridge.schema",
        "bridge.migrations",
        "bridge.errors",
        "bridge.config_sections",
        "bridge.log",
    ),
    "bridge.redis_client": (),
    "bridge.bus": ("bridge.protocol", "bridge.redis_client", "@ground"),
    "bridge.supervise": ("bridge.errors", "bridge.log"),
    "bridge.systemd": ("bridge.errors",),
    "bridge.watch": ("bridge.errors", "bridge.protocol"),
    "bridge.keys": ("topics.values", "bridge.protocol", "@ground"),
    "bridge.publish": ("topics", "bridge.protocol", "bridge.keys", "@ground"),
    "bridge.relay": ("topics", "bridge.protocol", "bridge.keys", "@ground"),
    "bridge.gateway": ("topics.values", "bridge.protocol", "bridge.keys", "@ground"),
    "bridge.intake": ("bridge.protocol", "bridge.redis_client", "@ground"),
    "bridge.storage": ROOT_OF_ALL,
    "bridge.remotes": ROOT_OF_ALL,
    "bridge.room_settings": ROOT_OF_ALL,
    "bridge.crossing": ROOT_OF_ALL,
    "bridge.rooms": ROOT_OF_ALL,
    "bridge.readiness": ROOT_OF_ALL,
    "bridge.doors": ROOT_OF_ALL,
    "bridge.fanout": ROOT_OF_ALL,
    "bridge.house": ROOT_OF_ALL,
    "bridge.loops": ROOT_OF_ALL,
    "bridge.neighbours": ROOT_OF_ALL,
    "bridge.revoked": ROOT_OF_ALL,
    "bridge.offline": ROOT_OF_ALL,
    "bridge.desk": ROOT_OF_ALL,
    "bridge.console": ROOT_OF_ALL,
    "bridge.shredded": ("@ground", "bridge.settings"),
    "bridge.alone": ROOT_OF_ALL,
    "bridge.metrics": ROOT_OF_ALL,
    "bridge.tracing": ROOT_OF_ALL,
    "bridge.rebuild": ROOT_OF_ALL,
    "bridge.restoring": ROOT_OF_ALL,
    "bridge.front": ROOT_OF_ALL,
    "bridge.reloading": ROOT_OF_ALL,
    "bridge.app": ROOT_OF_ALL,
    "bridge.demo": ("topics", "bridge", "!bridge.cli", "!bridge.commands"),
    "bridge.doctor": ROOT_OF_ALL,
    "bridge.commands": ("topics", "bridge", "!bridge.cli"),
    "bridge.cli": ("topics", "bridge"),
    "bridge": (),
}
GROUND = (
    "bridge.config",
    "bridge.config_sections",
    "bridge.counts",
    "bridge.database",
    "bridge.engines",
    "bridge.errors",
    "bridge.key_files",
    "bridge.leases",
    "bridge.log",
    "bridge.schema",
    "bridge.settings",
    "bridge.shards",
    "bridge.statements",
)

# A third-party library has one room, so that replacing it is the work of one room.
ROOMS = {
    "Crypto": ("topics.ledger.operator_key", "topics.devnet"),
    "aiohttp": ("topics.mirror", "topics.devnet", "bridge.gateway", "bridge.commands", "bridge.doctor"),
    "alembic": ("bridge.database", "bridge.migrations"),
    "cbor2": ("bridge.protocol.wire.cbor",),
    # The client is for our commands; the schema that it carries, for whoever asks for Protobuf.
    "centrifuge": ("bridge.commands", "bridge.protocol.realtime.protobuf"),
    "cryptography": (
        "bridge.protocol.realtime.cbc",
        "bridge.protocol.wire.cose",
        "bridge.protocol.wire.wrapping",
        "bridge.keys",
        "topics.ledger",
        "topics.devnet",
    ),
    "google": ("topics.ledger.hapi", "topics.devnet", "bridge.protocol.realtime.protobuf"),
    # Nodes are the ledger's; the mirror's streams have a room of their own, since connections there keep other rules.
    "grpc": ("topics.ledger", "topics.devnet", "topics.mirror.subscription"),
    "hedera": ("topics.ledger.jvm_child",),
    "hiero_sdk_python": ("topics.ledger.hapi",),
    "jnius": ("topics.ledger.jvm_child",),
    "jnius_config": ("topics.ledger.jvm_child",),
    "jwt": ("bridge.gateway.auth", "bridge.gateway.tokens", "bridge.commands.token"),
    "msgspec": (
        "bridge.bus",
        "bridge.gateway",
        "bridge.protocol",
        "bridge.publish",
        "bridge.relay",
        "bridge.commands",
        "bridge.doors",
        "bridge.offline",
        "topics.devnet",
        "topics.ledger.jvm_wire",
    ),
    "pydantic": ("bridge.config", "bridge.config_rules", "bridge.config_sections"),
    "pydantic_core": ("bridge.config",),
    "pydantic_settings": ("bridge.config",),
    "rich": ("bridge.commands", "bridge.cli"),
    "sqlalchemy": (
        "bridge.database",
        "bridge.engines",
        "bridge.moving",
        "bridge.schema",
        "bridge.migrations",
        "bridge.keys",
        "bridge.publish",
        "bridge.relay",
        "bridge.leases",
        "bridge.settings",
        "bridge.shards",
        "bridge.statements",
        "bridge.storage",
        "bridge.app",
        "bridge.console",
        "bridge.crossing",
        "bridge.doctor",
        "bridge.doors",
        "bridge.revoked",
        "bridge.desk",
        "bridge.offline",
        "bridge.readiness",
        "bridge.rebuild",
        "bridge.rooms",
        "bridge.shredded",
        "bridge.metrics",
        "bridge.restoring",
        "bridge.tracing",
        "topics.registry",
    ),
    "structlog": ("bridge.log",),
    "tenacity": ("topics.ledger", "topics.mirror"),
    "typer": ("bridge.commands", "bridge.cli"),
    "prometheus_client": ("bridge.metrics",),
    "psycopg": ("bridge.intake.postgres",),
    "opentelemetry": ("bridge.tracing",),
    "redis": ("bridge.bus.redis", "bridge.gateway.tokens.redis_string", "bridge.intake.stream", "bridge.redis_client"),
    "websockets": ("bridge.gateway.server", "bridge.gateway.websocket"),
}
TEST_LIBRARIES = {"hypothesis", "pytest", "pytest_asyncio"}

IMPURE_MODULES = {
    "asyncio",
    "concurrent",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
}
IMPURE_CALLS = {
    "open",
    "print",
    "input",
    "uuid1",
    "uuid4",
    "urandom",
    "now",
    "utcnow",
    "today",
    "generate",
    "generate_key",
}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "tools"}
MAX_LINES = 400
LONG_LINES = 250
LONG_WITH_REASON: dict[str, str] = {
    "bridge/schema.py": "every table in one place",
    "tests/test_layout.py": "the table of rooms, and beside it the rules that read it",
}
MAX_FUNCTION_LINES = 60
WITHOUT_A_TEST_OF_ITS_OWN = {
    "topics/ledger/port.py": "declares types, nothing to run",
    "topics/ledger/hapi.py": "names imports, nothing to run",
    "topics/errors.py": "texts are tested where they are raised",
    "bridge/errors.py": "texts are tested where they are raised",
    "bridge/house.py": "joins the rooms; the whole of them is what test_app.py and test_neighbours.py run",
    "bridge/loops.py": "names which loops go on; the same",
    "bridge/intake/settings.py": "declares fields, and one product of two numbers",
}


class Module(NamedTuple):
    """A Python file of ours."""

    path: Path
    name: str
    tree: ast.Module
    lines: int


@cache
def _modules(*folders: str) -> list[Module]:
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            text = path.read_text()
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Module(path, name, ast.parse(text), len(text.splitlines())))
    return found


def _sources() -> list[Module]:
    return _modules(*PACKAGES)


def _everything() -> list[Module]:
    return [*_sources(), *_modules("tests", "benchmarks")]


def _imports(module: Module) -> Iterator[str]:
    """Every module that this one imports, at its head or inside a function; types only too."""
    package = module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{source}.{alias.name}" for alias in node.names]
            yield from (name if _is_module(name) else source for name in names)


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def _row(name: str) -> str:
    return max((room for room in MAY_IMPORT if _within(name, room)), key=len)


def _allowed(name: str, imported: str) -> bool:
    row = _row(name)
    rooms = [room for entry in MAY_IMPORT[row] for room in (GROUND if entry == "@ground" else (entry,))]
    if any(_within(imported, room[1:]) for room in rooms if room.startswith("!")):
        return False
    itself = row != "bridge" and _within(imported, row)
    return itself or any(_within(imported, room) for room in rooms)


def _functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _path(module: Module) -> str:
    return str(module.path.relative_to(ROOT))


def test_imports_point_one_way() -> None:
    ours = [(each.name, name) for each in _sources() for name in _imports(each) if name.split(".")[0] in PACKAGES]
    assert [f"{name} imports {imported}" for name, imported in ours if not _allowed(name, imported)] == []


def test_each_library_stays_in_its_room() -> None:
    used = [(each.name, name.split(".")[0]) for each in _sources() for name in _imports(each)]
    rooms = ROOMS | dict.fromkeys(TEST_LIBRARIES, ("topics.devnet.pytest_plugin",))
    strays = [(name, lib) for name, lib in used if lib in rooms and not any(_within(name, room) for room in rooms[lib])]
    assert [f"{name} uses {library}, which belongs to {rooms[library]}" for name, library in strays] == []


def test_every_library_has_a_room() -> None:
    known = set(sys.stdlib_module_names) | set(ROOMS) | set(PACKAGES) | TEST_LIBRARIES
    strangers = {name.split(".")[0] for module in _sources() for name in _imports(module)} - known
    assert strangers == set()


def test_the_protocol_is_pure() -> None:
    protocol = [each for each in _sources() if _within(each.name, "bridge.protocol")]
    imported = [(each.name, name) for each in protocol for name in _imports(each)]
    assert [(of, name) for of, name in imported if {name, name.split(".")[0]} & IMPURE_MODULES] == []
    nodes = [(each.name, node) for each in protocol for node in ast.walk(each.tree)]
    called = [(of, _called(node)) for of, node in nodes if isinstance(node, ast.Call)]
    assert [(of, name) for of, name in called if name in IMPURE_CALLS] == []
    assert [of for of, node in nodes if isinstance(node, ast.AsyncFunctionDef | ast.Await)] == []


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_each_module_has_a_test() -> None:
    for module in _sources():
        path = module.path.relative_to(ROOT)
        if path.name == "__init__.py" or "migrations" in path.parts or str(path) in WITHOUT_A_TEST_OF_ITS_OWN:
            continue
        wanted = Path("tests", path.parent, f"test_{path.name.lstrip('_')}")
        assert (ROOT / wanted).exists(), f"{path} needs {wanted}"


def test_exceptions_name_files_that_exist() -> None:
    for path in [*WITHOUT_A_TEST_OF_ITS_OWN, *LONG_WITH_REASON]:
        assert (ROOT / path).exists(), path


def test_files_and_functions_stay_small() -> None:
    for module in _everything():
        path = _path(module)
        may = MAX_LINES if path in LONG_WITH_REASON else LONG_LINES
        assert module.lines <= may, f"{path} has {module.lines} lines and no reason"
        if "versions" in module.path.parts:  # a migration: one long list of tables, never changed again
            continue
        for node in _functions(module):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{path}: {node.name} has {length} lines"


def test_each_module_says_what_it_is_for_and_has_a_telling_name() -> None:
    for module in _everything():
        path = _path(module)
        assert set(Path(path).with_suffix("").parts) & FORBIDDEN_NAMES == set(), path
        empty = module.path.name == "__init__.py" and not module.tree.body
        docstring = ast.get_docstring(module.tree)
        assert empty or (docstring and docstring.strip().splitlines()[0].endswith((".", ":"))), path
        assert "from __future__ import annotations" in module.path.read_text() or len(module.tree.body) <= 1, path
