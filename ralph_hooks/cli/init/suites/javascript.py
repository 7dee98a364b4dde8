"""Tests of JavaScript and TypeScript: npm, pnpm, yarn, bun and deno, and the runners behind their scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ralph_hooks.cli.init.suites.suite import Suite, first, json_object, text

_NO_NPM_TEST = "no test specified"  # the default script of `npm init`
_QUIET = "--prefer-offline --no-audit --no-fund --silent"
_ASKS = re.compile(r"[;&|<>$`\n]")  # a script with several plain commands is run unchanged


_SPEC = "--test-reporter=spec --test-reporter-destination=stdout"
_BUILT_IN = (
    (["node", "--test"], f"{_SPEC} --test-reporter=junit --test-reporter-destination={{junit}}"),
    (["bun", "test"], "--reporter=junit --reporter-outfile={junit}"),
)
"""Prefixes of scripts whose runner writes a report by itself, and its options."""
_PLUGINS = {
    "jest": ("jest-junit", "JEST_JUNIT_OUTPUT_FILE", "--reporters=default --reporters=jest-junit"),
    "mocha": ("mocha-junit-reporter", "MOCHA_FILE", "--reporter mocha-junit-reporter"),
}
"""Runners that need a package for a report: its name, the variable for the file, the options."""


class _Manager(Struct, frozen=True):
    name: str
    install: str
    test: str
    """The command that runs the script and passes arguments on."""
    everywhere: str
    """The command that runs the script of every package of a workspace."""


_NPM = _Manager("npm", f"npm ci {_QUIET}", "npm test --silent --", "npm test --silent --workspaces --if-present")
_MANAGERS = (
    (
        "pnpm-lock.yaml",
        _Manager(
            "pnpm",
            "pnpm install --frozen-lockfile --prefer-offline --silent",
            "pnpm --silent test",
            "pnpm --silent -r --if-present test",
        ),
    ),
    (
        "yarn.lock",
        _Manager("yarn", "yarn install --frozen-lockfile --silent", "yarn test", "yarn workspaces run test"),
    ),
    ("bun.lock*", _Manager("bun", "bun install --frozen-lockfile", "bun run test", "")),
    ("package-lock.json", _NPM),
    ("npm-shrinkwrap.json", _NPM),
)


def find(folder: Path) -> Iterator[Suite]:
    """Yield the tests of the package or workspace in ``folder``."""
    package = json_object(folder / "package.json")
    if not package:
        yield from _deno(folder)
        return
    manager = next((manager for lock, manager in _MANAGERS if first(folder, lock)), None)
    named = str(package.get("packageManager", "")).partition("@")[0]
    manager = manager or next((each for _, each in _MANAGERS if each.name == named), _unlocked())
    script = _script(package)
    workspaces = package.get("workspaces") or first(folder, "pnpm-workspace.yaml")
    if not script and not (workspaces and manager.everywhere):
        return
    needs = {**_mapping(package, "dependencies"), **_mapping(package, "devDependencies")}
    line, advice = _line(script, needs, manager) if script else (manager.everywhere, "")
    program = line.split(maxsplit=1)[0] if line.startswith(("node ", "bun ")) else manager.name
    if needs or workspaces:
        line = f"test -d node_modules || {manager.install}; {line}"
    yield Suite(line=line, why="package.json", programs=(program,), advice=advice, whole=bool(workspaces))


def _unlocked() -> _Manager:
    return _Manager("npm", f"npm install {_QUIET}", _NPM.test, _NPM.everywhere)


def _mapping(package: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = package.get(key)
    return found if isinstance(found, dict) else {}


def _script(package: Mapping[str, Any]) -> str:
    test = _mapping(package, "scripts").get("test")
    return test.strip() if isinstance(test, str) and _NO_NPM_TEST not in test else ""


def _line(script: str, needs: Mapping[str, Any], manager: _Manager) -> tuple[str, str]:
    """Return the command, with a JUnit report if its runner can write one, and advice if a plugin is missing."""
    plain = manager.test.removesuffix(" --")
    words = script.split()
    if _ASKS.search(script):
        return plain, "its script runs more than one command: name the test runner itself to get a JUnit report"
    for start, options in _BUILT_IN:
        if words[: len(start)] == start:
            return " ".join([*start, options, *words[len(start) :]]), ""
    if "vitest" in words:
        run = "" if "run" in words or "--run" in words else " --run"
        return f"{manager.test}{run} --reporter=default --reporter=junit --outputFile.junit={{junit}}", ""
    for runner, (plugin, variable, options) in _PLUGINS.items():
        if runner in words and plugin in needs:
            return f"{variable}={{junit}} {manager.test} {options}", ""
        if runner in words:
            return plain, f"add the package {plugin} so that only new failures count"
    return plain, ""


def _deno(folder: Path) -> Iterator[Suite]:
    name = first(folder, "deno.json", "deno.jsonc")
    if not name:
        return
    tasked = re.search(r'"test"\s*:', text(folder / name).partition('"tasks"')[2]) is not None
    run = "deno task test" if tasked else "deno test"
    yield Suite(line=f"{run} --junit-path={{junit}}", why=name, programs=("deno",))
