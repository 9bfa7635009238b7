"""The site's reference pages, made of the code each time that mkdocs builds: nobody writes them, so they stay true."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import typer
from mkdocs.structure.files import File

from bridge import errors as bridge_errors
from bridge.cli import app
from bridge.commands.exits import EXIT_CODES
from bridge.config import ALIASES, PREFIX, Config
from bridge.gateway.openapi import document
from bridge.protocol.realtime import codes
from topics import errors as topics_errors

ROOT = Path(__file__).parents[1]
JSON = "application/json"
HERE = "*Made of the code when this site was built.*"
REMARK = re.compile(r'^(\w+) = .*?(?<=[]"\w[])\s+# (.*)$')


def on_files(files: Any, *, config: Any) -> Any:
    """mkdocs's hook: four pages more than lie in docs/."""
    pages = {"config": config_page, "cli": cli_page, "http": http_page, "codes": codes_page}
    for name, page in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content="\n".join(page()) + "\n"))
    return files


def config_page() -> Iterator[str]:
    """Every key of config.toml: its default, what it takes by the sections' types, and what is said of it there."""
    text = (ROOT / "config.toml").read_text()
    schema, defaults = Config.model_json_schema(), tomllib.loads(text)
    yield from ("# Configuration keys", "", HERE, "")
    yield f"Any key may come from the environment: `{PREFIX}SECTION__KEY`."
    yield "Those that the file leaves out also come from:"
    yield from ("", *table(("variable", "key"), [(f"`{name}`", f"`{key}`") for name, key in ALIASES.items()]))
    for head, body in re.findall(r"^(\[\[?[\w.]+\]\]?).*\n((?:(?!\[).*\n?)*)", text, re.MULTILINE):
        name = head.strip("[]")
        told = {found[1]: found[2] for line in body.splitlines() if (found := REMARK.match(line))}
        values, members = defaults, schema
        for part in name.split("."):
            values, members = values[part], member(schema, members["properties"][part])
            values = values[0] if isinstance(values, list) else values
        rows = [
            (f"`{key}`", f"`{toml(value)}`", takes(schema, members["properties"][key]), cell(told[key]))
            for key, value in values.items()
            if key in told
        ]
        yield from (f"## {name}", "", f"`{head}`", "", *table(("key", "default", "takes", "what for"), rows))


def cli_page() -> Iterator[str]:
    """Every verb with its arguments and options, from the commands' own help."""
    root = typer.main.get_command(app)
    yield from ("# Command line", "", HERE, "", words(root.help), "", EXIT_CODES, "")
    yield from verbs(root, click.Context(root, info_name="hcs-bridge"))


def verbs(group: click.Command, context: click.Context) -> Iterator[str]:
    for name, command in sorted(getattr(group, "commands", {}).items()):
        below = click.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield from verbs(command, below)
            continue
        usage = " ".join([below.command_path, *command.collect_usage_pieces(below)])
        yield from (f"## {below.command_path}", "", f"`{usage}`", "", words(command.help), "")
        records = [record for each in command.params if (record := each.get_help_record(below))]
        yield from table(("option", ""), [(code(option), cell(words(told))) for option, told in records])


def http_page() -> Iterator[str]:
    """Every operation of the OpenAPI document."""
    schemas = document()["components"]["schemas"]
    yield from ("# HTTP operations", "", HERE, "")
    yield "The same as OpenAPI 3.1: `GET /v1/openapi.json`. In words, with examples: [HTTP API](../http-api.md)."
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            yield from ("", f"## {method.upper()} {path}", "")
            yield f"{operation['summary']}. {operation.get('description', 'No API key is asked for.')}"
            rows = [(each["in"], f"`{each['name']}`", code(shape(each["schema"]))) for each in operation["parameters"]]
            if body := operation.get("requestBody"):
                rows.append(("body", "", code(shape(body["content"][JSON]["schema"]))))
            answers = {status: answer["content"] for status, answer in operation["responses"].items()}
            for status in (each for each in answers if each < "400"):
                ((media, content),) = answers[status].items()
                rows.append(
                    ("answer", status if media == JSON else f"{status} {media}", code(shape(content["schema"])))
                )
            rows.append(("refusal", ", ".join(each for each in answers if each >= "400"), "[one shape](#refusal)"))
            yield from ("", *table(("", "", "shape"), rows))
    yield from ("", "## Refusal", "", code(shape(schemas["Refusal"])), "", "Codes: [errors and codes](codes.md).")


def codes_page() -> Iterator[str]:
    """The client protocol's codes, the HTTP door's, exit codes, and the packages' errors with what to do."""
    yield from ("# Errors and codes", "", HERE, "", "## Of a command, to a client", "")
    yield from table(
        ("code", "message", "clients try again"), [(e.code, e.message, yes(e.temporary)) for e in codes.ERRORS]
    )
    yield from ("## Of a connection's end", "")
    ends = [(each.code, each.reason, yes(each.reconnect)) for each in codes.DISCONNECTS]
    yield from table(("close code", "reason", "clients come back"), ends)
    yield from ("## Of a subscription's end", "")
    ends = [(each.code, each.reason, yes(each.resubscribe)) for each in codes.UNSUBSCRIBES]
    yield from table(("code", "reason", "clients subscribe again"), ends)
    yield from ("## Of the HTTP door", "")
    yield from table(("status", "code", "message, where it is always the same"), sorted(faults().items()))
    yield from ("## Exit codes", "", EXIT_CODES, "", "## Refusals of the network, and what to do", "")
    yield from table(("response code", ""), [(f"`{name}`", hint) for name, hint in topics_errors.HINTS.items()])
    for title, room in (("bridge", bridge_errors), ("topics", topics_errors)):
        rows = [
            (f"`{name}`", cell(words((each.__doc__ or "").partition("\n")[0])), cell(str(getattr(each, "hint", ""))))
            for name, each in vars(room).items()
            if isinstance(each, type) and issubclass(each, Exception)
        ]
        yield from (f"## Errors of `{title}`", "", *table(("error", "means", "hint"), rows))


def faults() -> dict[tuple[int, str], str]:
    """Every `Fault(status, "code", …)` that stands in the gateway, with the messages that are written out."""
    found: dict[tuple[int, str], set[str]] = {}
    for file in sorted((ROOT / "bridge/gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Name("Fault"), args=[ast.Constant(int(status)), ast.Constant(str(name)), said]):
                    messages = found.setdefault((status, name), set())
                    messages |= {said.value} if isinstance(said, ast.Constant) else set()
    return {key: "; ".join(sorted(messages)) for key, messages in found.items()}


def table(head: Sequence[object], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """A Markdown table; nothing where there are no rows. Of a nested first cell each part is a column."""
    if rows:
        yield "| " + " | ".join(map(str, head)) + " |"
        yield "|---" * len(head) + "|"
    for row in rows:
        flat = [part for each in row for part in (each if isinstance(each, tuple) else (each,))]
        yield "| " + " | ".join(map(str, flat)) + " |"
    yield ""


def member(schema: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What a property refers to, or what an array's items do."""
    found = found.get("items", found)
    (reference,) = [each["$ref"] for each in (found, *found.get("allOf", ())) if "$ref" in each]
    resolved: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return resolved


def takes(schema: dict[str, Any], found: dict[str, Any]) -> str:
    """A configuration key's type, and the bounds that it has."""
    if "anyOf" in found:
        return " or ".join(takes(schema, each) for each in found["anyOf"] if each.get("type") != "null")
    if "enum" in found:
        return ", ".join(f"`{each}`" for each in found["enum"])
    if "$ref" in found:
        return "table"
    kind = {"array": "list", "string": "text", "object": "table"}.get(found.get("type", "string"), found.get("type"))
    bounds = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
    return ", ".join([str(kind), *(f"{sign} {found[name]:g}" for name, sign in bounds if name in found)])


def shape(schema: dict[str, Any]) -> str:
    """A JSON schema in one line, as TypeScript would write it."""
    match schema:
        case {"const": value}:
            return toml(value)
        case {"enum": values}:
            return " | ".join(map(toml, values))
        case {"anyOf": options}:
            return " | ".join(map(shape, options))
        case {"type": "array", "items": items}:
            inner = shape(items)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case {"properties": members, "required": required}:
            each = (f"{name}{'' if name in required else '?'}: {shape(of)}" for name, of in members.items())
            return "{" + ", ".join(each) + "}"
        case {"type": kind}:
            return str(kind)
    return "any"


def toml(value: object) -> str:
    """A value as config.toml and JSON write it."""
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def code(text: str) -> str:
    return f"`{text}`"  # a bar inside a code span ends no cell


def cell(text: str) -> str:
    """Words for a cell: a bar would end it."""
    return text.replace("|", "\\|")


def words(text: str | None) -> str:
    """Paragraphs, each in one line; `<id>` is no tag."""
    paragraphs = [re.sub(r"\s+", " ", each).strip() for each in re.split(r"\n\s*\n", text or "")]
    return "\n\n".join(paragraphs).replace("<", "&lt;")


def yes(it: bool) -> str:
    return "yes" if it else "no"
