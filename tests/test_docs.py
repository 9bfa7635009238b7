"""The pages as they are written: every block of code is run by a test, and those that only are read, are read here."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from bridge.config import load
from tests.doc_blocks import DOCS, ROOT, blocks, differences, documents, every, pages

RUN = {"sh", "python", "js", "html", "json", "toml", "yaml"}
ELSEWHERE = {
    "cddl": "tests/vectors/test_cddl.py",
    "jsx": "tests/integration/test_hashbuzz_example.py",
    "nginx": "tests/integration/test_rolling.py",
    "sql": "tests/bridge/commands/test_preset.py",
}
NO_CODE = {"text"}  # what a command prints, and drawings
MOST_NOT_RUN = 8
CLIENT = ROOT / "bridge/web/client"
PRELUDE = """
declare const Centrifuge: typeof import("centrifuge").Centrifuge;
declare const BridgeClient: typeof import("hcs-bridge-client").BridgeClient;
declare const devicePublicKey: typeof import("hcs-bridge-client").devicePublicKey;
declare const onEvent: (event: import("hcs-bridge-client").BridgeEvent) => void;
declare const createDecipheriv: typeof import("node:crypto").createDecipheriv;
declare const message: { data: string }, key: Buffer;
declare function getToken(): Promise<string>;
declare function freshToken(): Promise<string>;
declare module "https://bridge.example.com/web/client/hcs-bridge.js" { export * from "hcs-bridge-client"; }
"""


def test_every_block_has_a_language_that_is_run() -> None:
    known = RUN | NO_CODE | {*ELSEWHERE}
    unknown = [str(each) for page in pages() for each in blocks(page) if each.language not in known]
    assert not unknown, f"of no language that a test runs: {unknown}"
    for language, file in ELSEWHERE.items():
        assert f"```{language}" in (ROOT / file).read_text()


def test_what_is_not_run_says_why_and_is_little() -> None:
    not_run = [each for page in pages() for each in blocks(page) if each.said == "not run"]
    print("\n".join(f"{each}: {each.why}" for each in not_run))  # noqa: T201 # pytest -s lists them
    assert len(not_run) <= MOST_NOT_RUN
    for each in (each for page in pages() for each in blocks(page) if each.said == "run by"):
        assert each.page.rpartition("/")[2] in (ROOT / each.why.partition(":")[0]).read_text(), each


def test_json_is_json() -> None:
    for each in every("json"):
        assert documents(each.text), each


def test_yaml_is_yaml() -> None:
    for each in every("yaml"):
        assert yaml.safe_load(each.text), each


def test_toml_is_a_configuration(tmp_path: Path) -> None:
    for each in every("toml"):
        (tmp_path / f"{each.page}-{each.line}.toml").write_text(each.text)
        load(tmp_path / f"{each.page}-{each.line}.toml", {})


def test_pieces_of_javascript_fit_the_libraries_types(tmp_path: Path) -> None:
    """Those that aren't whole programs, which tests/test_docs_run.py runs; what they leave out is declared."""
    if not (CLIENT / "node_modules/.bin/tsc").exists():
        pytest.fail("the client's packages are needed: `make test` installs them")
    (tmp_path / "node_modules").symlink_to(CLIENT / "node_modules")
    (tmp_path / "prelude.d.ts").write_text(PRELUDE)
    options = {
        "allowJs": True, "checkJs": True, "noEmit": True, "skipLibCheck": True, "strict": True, "noImplicitAny": False,
        "module": "esnext", "moduleResolution": "bundler", "target": "es2022", "lib": ["es2022", "dom"],
        "types": ["node"], "paths": {"hcs-bridge-client": [str(CLIENT / "dist/types/index.d.ts")]},
    }  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*"]}))
    pieces = [each for each in every("js", "html") if not each.text.startswith("import ")]
    assert len(pieces) >= 5
    for each in pieces:
        script = each.text.partition(">\n")[2].rpartition("</script>")[0] if each.language == "html" else each.text
        (tmp_path / f"{each.page}-{each.line}.js").write_text(f"{script}\nexport {{}};\n")
    tsc = [str(tmp_path / "node_modules/.bin/tsc"), "-p", str(tmp_path)]
    done = subprocess.run(tsc, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_shape_that_differs_is_told() -> None:
    (shown,) = documents('{"a":1,"b":[{"c":"x"}],"m":{"d2…":"77"},"n":null}')
    assert not [*differences(shown, {"a": 2.5, "b": [], "m": {}, "n": "anything"})]
    assert {*differences(shown, {"a": "2", "b": [{}], "m": {}, "n": 1})} == {
        "answer.a: shown is 1, got '2'",
        "answer.b[0]: shown are ['c'], got []",
    }
    assert [*differences(shown, shown | {"more": 1})]
    assert not [*differences(documents('{"a":1,…}')[0], {"a": 1, "more": 1})]


def test_the_picture_needs_nothing_from_elsewhere_and_has_words() -> None:
    text = (DOCS / "corridors.svg").read_text()
    root = ET.fromstring(text)  # noqa: S314 # ours
    assert {each.tag.rpartition("}")[2] for each in root} >= {"title", "desc"}
    assert "prefers-color-scheme: dark" in text
    assert not {"image", "script", "use"} & {each.tag.rpartition("}")[2] for each in root.iter()}
