"""Reproducers of bugs from HumanEvalFix and QuixBugs: every right one proves its bug, no wrong one proves anything."""

# The reviewer is scripted: it reports each bug, and as many defects that are none on the correct version. What is
# measured is the tool and not a model. A right reproducer is the test that the data has; wrong ones are of nine kinds.
# Three recorded tests draw random numbers without a seed: they break the rules for a reproducer and are left out. The
# data has no tests for QuixBugs: the examples in its docstrings are used, where they tell the two versions apart.

from __future__ import annotations

import ast
import doctest
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.figures import Figure, NotMeasured, UnexpectedError
from bench.project import CHECKOUT, PROGRAM
from ralph_hooks.languages.runners import CHANCE, runner_called
from ralph_hooks.process import TimeoutExpired, run
from tests.support.project import environment, provider
from tests.support.repo import Repo
from tests.support.server import ModelServer, Reply, Request, verdicts

DATA = CHECKOUT.parent / "shared" / "data"
FILES = ("humanevalfix.jsonl", "quixbugs.jsonl")
BUGS = int(os.environ.get("BUGS", "40"))
"""The number of bugs tried, spread evenly over the data; `BUGS=200` takes all."""
_SECONDS = 10.0  # for the examples of one version
_LEAST = 12  # letters of a promise, as in `languages.promises`
_CONFIGURATION = '[tool.ralph-hooks]\ncheap = "scripted/cheap"\n[tool.ralph-hooks.gate]\ndeadline = 600\n'
_NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_LEFTOVER = "m = os.path.join(tempfile.gettempdir(), 'm'); seen = os.path.exists(m); open(m, 'w').close(); assert seen"
_OUT = "s = socket.socket(); s.settimeout(0.1); s.connect_ex(('192.0.2.1', 80)); _right()"
_AFTER = "{right}\ndef test_it():\n    try:\n        _right()\n    except Exception:\n        pass\n    "
"""Runs the changed lines, whatever comes of it, before the wrong thing."""
WRONG: Mapping[str, str] = {
    "import error": "from {module} import nothing\ndef test_it():\n    nothing()\n",
    "assert False": f"{_AFTER}assert False\n",
    "coin flip": f"import random\n{_AFTER}assert random.random() < 0.5\n",
    "leftover in TMPDIR": f"import os, tempfile\n{_AFTER}{_LEFTOVER}\n",
    "source text": "import {module} as _it\n" + _AFTER + "assert hash(getattr(open(_it.__file__), 'read')()) == 0\n",
    "network": "import socket\n{right}\ndef test_it():\n    " + _OUT + "\n",
    "sleeping": "import time\n{right}\ndef test_it():\n    time.sleep(0.01)\n    _right()\n",
    "order": "seen = []\ndef test_a():\n    seen.append(1)\ndef test_b():\n    assert not seen\n",
    "unreached": "import {module} as _it\ndef test_it():\n    assert _it.__doc__ == 'nothing'\n",
}


class Bug(Struct, frozen=True):
    """One function, right and wrong."""

    id: str
    path: str
    right: str
    wrong: str
    line: int
    """The first line that differs, in the wrong version."""
    quote: str
    back: tuple[int, str]
    """The same for the right version, where the wrong one is the base."""
    test: str
    """The recorded test, as a function ``_right``."""


def measure() -> Iterator[Figure]:
    found = bugs()
    outcomes: Counter[tuple[str, str]] = Counter()
    refused = 0
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as folder:
        for number, bug in enumerate(found):
            kind = list(WRONG)[number % len(WRONG)]
            right = f"{bug.test}\ndef test_it():\n    _right()\n"
            wrong = WRONG[kind].format(module=_module(bug.path), right=bug.test)
            place = Path(folder) / str(number)
            evidence, _, reason = _judged(place / "right", bug.right, bug.wrong, bug.path, (bug.line, bug.quote), right)
            outcomes["right", evidence] += 1
            if evidence != "proved":
                print(f"    {bug.id}: {evidence}: {reason}", flush=True)
            evidence, _, reason = _judged(place / "wrong", bug.right, bug.wrong, bug.path, (bug.line, bug.quote), wrong)
            outcomes["wrong", evidence] += 1
            if evidence in {"proved", "shown"}:
                print(f"    {bug.id}: {kind} counts as {evidence}: {reason}", flush=True)
            evidence, blocked, _ = _judged(place / "clean", bug.wrong, bug.right, bug.path, bug.back, right)
            outcomes["clean", evidence] += 1
            refused += blocked
            if sys.stderr.isatty() or os.environ.get("PROGRESS"):
                print(f"    {number + 1} of {len(found)}: {dict(outcomes)}", file=sys.stderr, flush=True)
    total = len(found)
    yield Figure(
        what="bugs whose recorded test did not prove them",
        value=total - outcomes["right", "proved"],
        unit=f"of {total}",
        at_most=0,
    )
    yield Figure(
        what="wrong reproducers that proved or showed something",
        value=outcomes["wrong", "proved"] + outcomes["wrong", "shown"],
        unit=f"of {total}",
        at_most=0,
        how=", ".join(WRONG),
    )
    yield Figure(what="repairs of these bugs that were blocked", value=refused, unit=f"of {total}", at_most=0)
    for block_on, enough in (("proof", {"proved"}), ("shown", {"proved", "shown"}), ("agreement", {*_ALL})):
        caught = sum(outcomes["right", each] for each in enough)
        false = sum(outcomes["clean", each] for each in enough)
        yield Figure(
            what=f"block-on = {block_on}: bugs caught, clean changes blocked",
            value=caught,
            unit=f"and {false} of {total}",
            how="the scripted verify model agrees with everything",
        )


_ALL = ("proved", "shown", "agreed", "unproved")


def bugs() -> list[Bug]:
    """Return the bugs with a test, spread evenly. Raises NotMeasured if the data is missing."""
    rows: list[dict[str, Any]] = []
    for name in FILES:
        path = DATA / name
        if not path.exists():
            raise NotMeasured(f"{path} is missing: labelled bugs with tests")
        rows += map(json.loads, path.read_text(encoding="utf-8").splitlines())
    buggy = [row for row in rows if row["label"] == "buggy"]
    found = [_bug(row) for row in buggy if row.get("test_source")]
    found = [bug for bug in found if CHANCE not in runner_called("python").refusals(bug.test)]
    found += filter(None, (_from_examples(row) for row in buggy if not row.get("test_source")))
    step = max(1, len(found) // BUGS)
    return found[::step][:BUGS]


def _from_examples(row: Mapping[str, Any]) -> Bug | None:
    """Return the bug with the examples of its docstring as its test; None if they do not tell it from the right one."""
    examples = doctest.DocTestParser().get_examples("\n".join(_docstrings(row["before"])))
    lines = [f"assert ({each.source.strip()}) == ({each.want.strip()})" for each in examples if each.want.strip()]
    results = []
    for text in (row["before"], row["after"]):
        try:
            done = run([sys.executable, "-c", f"{text}\n{os.linesep.join(lines)}"], timeout=_SECONDS)
            results.append(done.returncode == 0)
        except TimeoutExpired:
            results.append(False)
    return _bug({**row, "test_source": "\n".join(lines)}) if results == [True, False] else None


def _bug(row: Mapping[str, Any]) -> Bug:
    body = "".join(
        f"    {line}\n" for line in row["test_source"].strip().splitlines() if not line.startswith("globals()")
    )
    module = _module(row["path"])
    head = (
        f"import {module} as _module\nglobals().update({{k: v for k, v in vars(_module).items() if k[:2] != '__'}})\n"
    )
    return Bug(
        row["id"],
        row["path"],
        row["before"],
        row["after"],
        *_first(row["before"], row["after"]),
        _first(row["after"], row["before"]),
        f"{head}def _right():\n{body}",
    )


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _first(old: str, new: str) -> tuple[int, str]:
    """The first changed line of ``new``: its number and text; the line at the gap where lines are only removed."""
    before, after = old.splitlines(), new.splitlines()
    for number, line in enumerate(after, start=1):
        if number > len(before) or before[number - 1] != line:
            return number, line.strip()
    return len(after), after[-1].strip()


def _judged(
    folder: Path, base: str, change: str, path: str, place: tuple[int, str], test: str
) -> tuple[str, bool, str]:
    """Return the evidence of the one finding, True if it blocks, and why: by the program, in a new repository."""

    def answer(request: Request) -> Reply:
        if request.phase == "reproduce":
            item = {"id": "C1", "test": test, "asserts": "It is right.", "because": quoted, "cannot": ""}
            return Reply.json_text({"reproducers": [item]})
        if request.phase == "verify":
            return Reply.json_text({"verdicts": verdicts(request.prompt, lambda _: True)})
        return Reply.json_text({"findings": [finding]})

    finding = {
        "path": path, "line": place[0], "category": "bug", "severity": "error", "confidence": 0.9,
        "message": "The result is wrong.", "quote": place[1],
    }  # fmt: skip
    quoted = _promise(base, change)
    with ModelServer(answer) as server:
        home = folder / "ralph"
        home.mkdir(parents=True)
        (home / "config.toml").write_text(provider("scripted", server.url), encoding="utf-8")
        repo = Repo.create(folder / "project", home=folder)
        repo.commit({"pyproject.toml": _CONFIGURATION, path: base})
        repo.stage({path: change})
        env = {**environment(folder, home), **_NO_PLUGINS, "VIRTUAL_ENV": sys.prefix}
        done = run([str(PROGRAM), "analyze", "--format", "json"], cwd=repo.path, env=env)
    report = json.loads(done.stdout)
    if len(report["findings"]) != 1:
        raise UnexpectedError(f"{folder.name}: {len(report['findings'])} findings: {report['reason']}")
    (found,) = report["findings"]
    reason = found["proof"]["reason"] if found["proof"] else found["note"]
    return str(found["evidence"]), bool(found["blocking"]), str(reason)


def _promise(base: str, change: str) -> str:
    """A sentence of the docstring that both sides have, as a model would quote it."""
    for text in _docstrings(base):
        for line in text.splitlines():
            if len(re.findall(r"\w", line)) > _LEAST and line in change:
                return f'"{line.strip()}"'
    return ""


def _docstrings(text: str) -> list[str]:
    """Return the strings that are statements: docstrings, some of them in an unusual place."""
    nodes = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
