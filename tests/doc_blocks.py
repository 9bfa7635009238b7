"""The code blocks of docs/*.md: where each stands, in what language, and what is said above it of running it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(?ms)(?:^<!-- (not run|run by):? (.+?) -->\n)?^( *)```([\w-]*)[^\n]*\n(.*?)^\3```$")
LEFT_OUT = "…"


@dataclass(frozen=True, slots=True)
class Block:
    """`said` is "not run" or "run by" where a comment above says so, `why` the reason or the test's file."""

    page: str
    line: int
    language: str
    text: str
    said: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"docs/{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    """All of one page, in its order."""
    text = (DOCS / page).read_text()
    return [
        Block(page, text[: found.start(3)].count("\n") + 1, found[4], found[5], found[1] or "", found[2] or "")
        for found in BLOCK.finditer(text)
    ]


def pages() -> list[str]:
    """The names of all pages."""
    return sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if "node_modules" not in path.parts)


def every(*languages: str) -> list[Block]:
    """Those in one of these languages, of all pages, that nothing else runs."""
    return [each for page in pages() for each in blocks(page) if each.language in languages and not each.said]


def documents(text: str) -> list[Any]:
    """The JSON documents that stand behind each other. `,…` for members that are left out is a member "…"."""
    text, decoder, found = re.sub(rf",\s*{LEFT_OUT}", f',"{LEFT_OUT}":null', text).strip(), json.JSONDecoder(), []
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].strip()
    return found


def differences(shown: Any, got: Any, where: str = "answer") -> Iterator[str]:
    """How an answer's shape differs from the one that a page shows. Null fits all, and so does an empty list."""
    if shown is None or got is None:
        return
    if type(shown) is not type(got) and not {type(shown), type(got)} <= {int, float}:
        yield f"{where}: shown is {shown!r}, got {got!r}"
    elif isinstance(shown, dict):
        names = {name for name in shown if LEFT_OUT not in name}
        if names - set(got) or (len(names) == len(shown) and set(got) - names):
            yield f"{where}: shown are {sorted(shown)}, got {sorted(got)}"
        for name in names & set(got):
            yield from differences(shown[name], got[name], f"{where}.{name}")
    elif isinstance(shown, list) and shown and got:
        yield from differences(shown[0], got[0], f"{where}[0]")
