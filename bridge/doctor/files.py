"""Whether every key file is there, closed to others, and holds a key; and whether ours are fit for this network."""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bridge.config import Config
from bridge.doctor.findings import Finding, failed, ok
from bridge.doctor.ground import Ground, apart
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.key_files import check_key_files, key_files
from bridge.keys.load import load_keys
from bridge.remotes import operator_key
from bridge.room_settings import authenticator

OPERATOR_KEY = "operator.key"


async def keys(ground: Ground) -> Sequence[Finding]:
    """A line for each, the operator's also where it comes from the environment."""
    return await apart(partial(_keys, ground.config))


def _keys(config: Config) -> list[Finding]:
    wrong = _wrong(config)
    named = [(key, path) for key, path, _ in key_files(config)]
    findings = [_file(key, path, wrong[key]) for key, path in named]
    if config.operator.key is not None:
        rules = wrong[OPERATOR_KEY]
        hint = "put the account's private key there: DER, PEM, or 64 hex digits, whose kind operator.key_kind tells"
        findings.insert(0, failed(OPERATOR_KEY, rules[0], hint) if rules else ok(OPERATOR_KEY, "in the environment"))
    others = [
        rule for key, rules in wrong.items() if key not in {finding.name for finding in findings} for rule in rules
    ]
    return findings + [failed("key files", rule, "see `hcs-bridge check-config`") for rule in others]


def check_keys(config: Config) -> None:
    """Raise ConfigInvalid with all that is wrong with keys and their files, as a start would find it."""
    if problems := key_problems(config):
        raise ConfigInvalid(problems)


def key_problems(config: Config) -> list[ConfigProblem]:
    """What is wrong with keys and their files, each once: their contents are looked at, too, as at a start."""
    problems: list[ConfigProblem] = []
    for look in (
        lambda: check_key_files(config),
        lambda: load_keys(config.keys),
        lambda: operator_key(config.operator),
        lambda: authenticator(config),
    ):
        try:
            look()
        except ConfigInvalid as invalid:
            known = {(each.key, each.rule) for each in problems}
            problems += [each for each in invalid.problems if (each.key, each.rule) not in known]
    return problems


def _wrong(config: Config) -> defaultdict[str, list[str]]:
    """The rules that are broken, by dotted key."""
    wrong = defaultdict[str, list[str]](list)
    for problem in key_problems(config):
        wrong[problem.key].append(problem.rule)
    return wrong


def _file(key: str, path: Path, rules: Sequence[str]) -> Finding:
    if rules:
        return failed(key, f"{path} {'; '.join(rules)}", f"mend that, or name another file with {key}")
    return ok(key, f"{path}, mode {stat.S_IMODE(path.stat().st_mode):04o}")
