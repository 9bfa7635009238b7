"""The site that mkdocs makes of docs/: built strictly, complete, and fetching nothing from elsewhere."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

from bridge.cli import app
from bridge.config import Config
from bridge.gateway.openapi import document
from bridge.protocol.realtime import codes
from tests.doc_blocks import ROOT

QUIET = {"NO_MKDOCS_2_WARNING": "1"}  # the theme's word on its own future
FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("material") is None:
        pytest.fail("mkdocs-material is needed: `make test` installs it")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", f"--site-dir={folder}"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout + done.stderr
    return folder


class Fetching(HTMLParser):
    """What a browser would load for a page by itself; where links lead is the reader's business."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (wanted := dict(attrs).get(FETCHED.get(tag, ""))) and dict(attrs).get("rel") != "canonical":
            self.found.append(wanted)


def test_every_page_is_there_and_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 20
    for page in pages:
        parser = Fetching()
        parser.feed(page.read_text())
        assert not [each for each in parser.found if re.match(r"([a-z]+:)?//", each)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\(['\"]?)\s*['\"]?(https?:)?//", sheet.read_text()), sheet
    assert not [*site.rglob("*.py")]


def test_the_reference_has_all_that_the_code_has(site: Path) -> None:
    config, cli, http, of_codes = (words(site, page) for page in ("config", "cli", "http", "codes"))
    for section, keys in tomllib.loads((ROOT / "config.toml").read_text()).items():
        assert section in Config.model_fields
        missing = {key for key in keys if f"<code>{key}</code>" not in config} - {"api_keys", "issuers"}
        assert not missing, section
    assert "<code>keys_url</code>" in config
    verbs = typer.main.get_command(app)
    assert not [name for name in getattr(verbs, "commands", {}) if f"hcs-bridge {name}" not in cli]
    for path, operations in document()["paths"].items():
        assert not [method for method in operations if f"{method.upper()} {path}" not in http], path
    for each in (*codes.ERRORS, *codes.DISCONNECTS, *codes.UNSUBSCRIBES):
        assert f"<td>{each.code}</td>" in of_codes
    assert "idempotency_conflict" in of_codes


def words(site: Path, page: str) -> str:
    return html.unescape((site / "reference" / page / "index.html").read_text())
