"""The quality of gates: checks alone, with tests, with a model of 135 million parameters, with one of known errors."""

# A claim about a model is made for the one that ran, and for none that did not: the last rows are a simulation whose
# error rates are stated, to show that the backtest measures what is there. LOCAL=100 has the small model judge as many.

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.backtests import ALL, CLEAN, HUMANEVALFIX, QUIXBUGS, SZZ, Row, User, numbered, rows
from bench.figures import Figure
from ralph_hooks.core.backtest import interval
from tests.support import llama
from tests.support.server import ModelServer, Reply, Request, verdicts

LOCAL = int(os.environ.get("LOCAL", "40"))
SIMULATED = 2000
CATCHES, ALARMS = 0.60, 0.05
"""Of the simulated model: the share of bugs that it reports, and of changes that it reports something wrong in."""
AGREES, FALLS_FOR = 0.90, 0.20
"""Of the simulated model asked again: the share of true reports, and of wrong ones, that it confirms."""
BIAS = 15.0
"""The bias of the small model towards the end of every list: with 5 one answer took longer than a minute."""
_SEED = 18
_SETS = {
    "47 - 6 commits that brought real bugs in (SZZ)": SZZ,
    "164 hand-written bugs and 164 clean (HumanEvalPack)": HUMANEVALFIX,
    "40 bugs and 40 clean (QuixBugs)": QUIXBUGS,
    "109 ordinary commits": CLEAN,
}
_LOCAL = """
[providers.local]
base-url = "{url}"
context = {context}
quick = {{ logit_bias = [["]", {bias}]] }} # it comes to no end by itself
[prices."local/smollm2"]
input = 0
output = 0
"""
_SIMULATED = """
cheap = "simulated/model"
[providers.simulated]
base-url = "{url}"
[prices."simulated/model"] # made up, in US dollars per million tokens
input = 0.10
output = 0.40
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as folder:
        work = Path(folder)
        yield from _checks(work / "checks")
        yield from _tests(work / "tests")
        yield from _local(work / "local")
        yield from simulated(work / "simulated")


def _rates(who: str, scored: Mapping[str, Any]) -> Iterator[Figure]:
    for what, hits, count, rate in (
        ("bugs caught", "caught", "bugs", "catch_rate"),
        ("clean changes blocked", "false_blocks", "clean", "false_block_rate"),
    ):
        if scored[count]:
            yield _share(f"{who}: {what}", scored[hits], scored[count], scored[rate], scored.get("unjudged", 0))


def _share(what: str, hits: int, count: int, rate: Sequence[float], unjudged: int = 0) -> Figure:
    share, low, high = rate
    left = f"; {unjudged} were not reviewed and are excluded from the rates" if unjudged else ""
    return Figure(
        what=what,
        value=share * 100,
        unit="%",
        how=f"{hits} of {count}, 95 % interval {low:.1%} to {high:.1%}{left}",
    )


def _checks(folder: Path) -> Iterator[Figure]:
    user = User(folder, "")
    for name, file in _SETS.items():
        scored, _ = user.backtest(rows(file), "--routing", "checks")
        yield from _rates(f"checks alone, {name}", scored)


def _tests(folder: Path) -> Iterator[Figure]:
    """Yield for each change whether its test fails, run as by a verify command."""
    found = rows(HUMANEVALFIX)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = list(pool.map(_fails, found, (folder / str(number) for number in range(len(found)))))
    for label, what in (("buggy", "bugs caught"), ("clean", "clean changes blocked")):
        mine = [fails for row, fails in zip(found, failed, strict=True) if row["label"] == label]
        yield _share(f"with the tests of HumanEvalPack: {what}", sum(mine), len(mine), interval(sum(mine), len(mine)))


def _fails(row: Row, folder: Path) -> bool:
    folder.mkdir(parents=True)
    (folder / row["path"]).write_text(row["after"], encoding="utf-8")
    (folder / row["test_file"]).write_text(row["test_source"], encoding="utf-8")
    command = [sys.executable, row["test_file"]]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=20).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def _local(folder: Path) -> Iterator[Figure]:
    package = llama.missing()
    if package:
        yield Figure(what=f"a model of 135 million parameters: not run, {package} is not installed", value=0, unit="")
        return
    found = rows(HUMANEVALFIX)
    random.Random(_SEED).shuffle(found)
    sample = [row for label in ("buggy", "clean") for row in [r for r in found if r["label"] == label][: LOCAL // 2]]
    with llama.running() as url:
        user = User(folder, _LOCAL.format(url=url, context=llama.CONTEXT, bias=BIAS))
        for confirm in (False, True):
            gate = f"[gate]\ndeadline = 600\nparallel = 1\nmin-confidence = 0\nconfirm = {str(confirm).lower()}\n"
            scored, _ = user.backtest(
                sample, "--routing", "small=local/smollm2", "--workers", "1", settings=gate + 'block-at = "note"\n'
            )
            yield from _rates(f"SmolLM2 135M, {_confirmed(confirm)}, every finding blocks", scored)


def _confirmed(confirm: bool) -> str:  # noqa: FBT001 - the setting's own name
    return f"confirm = {str(confirm).lower()}"


def simulated(folder: Path, changes: int = SIMULATED) -> Iterator[Figure]:
    chosen = list(numbered(rows(*ALL), changes))
    with ModelServer(_Model(chosen)) as server:
        user = User(folder, _SIMULATED.format(url=server.url))
        checks, _ = user.backtest(chosen, "--routing", "checks")
        for confirm in (False, True):
            scored, _ = user.backtest(chosen, settings=f"[gate]\nconfirm = {str(confirm).lower()}\n")
            stated = (CATCHES * AGREES, ALARMS * FALLS_FOR) if confirm else (CATCHES, ALARMS)
            figures = list(_rates(f"a simulated model, {_confirmed(confirm)}", scored))
            alone = (checks["catch_rate"][0], checks["false_block_rate"][0])
            rates = (scored["catch_rate"], scored["false_block_rate"])
            for figure, share, mine, (_, low, high) in zip(figures, stated, alone, rates, strict=True):
                expected = mine + (1 - mine) * share
                yield Figure(
                    what=figure.what,
                    value=figure.value,
                    unit="%",
                    how=f"{figure.how}; stated {share:.0%}, with what the checks find {expected:.1%}, which is "
                    f"{'within' if low <= expected <= high else 'OUTSIDE'} the interval",
                )


class _Model:
    """Answers with the stated rates. Which changes it errs on is drawn by the change's name, the same each time."""

    def __init__(self, changes: Sequence[Row]) -> None:
        self._wrong = {row["path"]: frozenset(_wrong_lines(row)) for row in changes}

    def __call__(self, request: Request) -> Reply:
        if request.phase == "verify":
            return Reply.json_text({"verdicts": verdicts(request.prompt, self._confirms)})
        return Reply.json_text({"findings": list(self._reports(request.prompt))})

    def _reports(self, prompt: str) -> Iterator[Row]:
        path = ""
        shown: dict[str, list[tuple[str, int, str]]] = {}
        for row in prompt.splitlines():
            if header := _FILE.match(row):
                path = header[1]
            elif (line := _CHANGED.fullmatch(row)) and line[3].strip():
                shown.setdefault(path, []).append((line[1], int(line[2]), line[3].strip()))
        for path, lines in shown.items():
            true = [line for line in lines if line[:2] in self._wrong[path]]
            other = [line for line in lines if line not in true]
            if true and _draw("catch", path) < CATCHES:
                yield _report(path, true[0], _TRUE)
            if other and _draw("alarm", path) < ALARMS:
                yield _report(path, other[-1], _FALSE)

    @staticmethod
    def _confirms(claim: str) -> bool:
        return _draw("confirm", claim.partition(",")[0]) < (AGREES if _TRUE in claim else FALLS_FOR)


_FILE = re.compile(r"### (n\d+\.py)")
_CHANGED = re.compile(r"([+-])(\d+) (.*)")
_TRUE, _FALSE = "This is a true report.", "This is a false report."


def _report(path: str, line: tuple[str, int, str], message: str) -> Row:
    _, number, code = line
    about = {"category": "bug", "severity": "error", "confidence": 0.9, "message": message}
    return {"path": path, "line": number, "quote": code, **about}


def _draw(what: str, name: str) -> float:
    return random.Random(f"{_SEED} {what} {name}").random()


def _wrong_lines(row: Row) -> Iterator[tuple[str, int]]:
    """The lines of a bug, with their side: those that the data names, or all that the change adds or takes away."""
    if row["label"] != "buggy":
        return
    if row["bug_lines_after"]:
        yield from (("+", number) for number in row["bug_lines_after"])
        return
    counts = {"-": 0, "+": 0}
    for line in row["diff"].splitlines():
        if hunk := re.match(r"@@ -(\d+)\S* \+(\d+)", line):
            counts = {"-": int(hunk[1]) + 1, "+": int(hunk[2]) + 1}  # `numbered` has put a line before the file
        elif counts["+"]:
            sides = line[:1] if line[:1] in counts else "-+"
            if len(sides) == 1:
                yield sides, counts[sides]
            for side in sides:
                counts[side] += 1
