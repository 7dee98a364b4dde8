"""`fix` from end to end over 164 bugs from HumanEvalFix: every right repair is stored, and no wrong one."""

# The expensive model is scripted: it answers with the recorded correct version for half of the bugs, with an edit that
# does not apply for a quarter, and for the rest with a repair that fixes nothing or weakens the test. The cheap
# one repeats it. This measures the tool and not a model.

from __future__ import annotations

import difflib
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

from bench.clock import spend
from bench.figures import Figure, NotMeasured, UnexpectedError
from bench.project import CHECKOUT, PROGRAM
from tests.support.fixes import in_store
from tests.support.project import TWO_LINES, environment, provider
from tests.support.repairs import Crew, plan, repair
from tests.support.repo import Repo
from tests.support.server import ModelServer, Reply, Request

DATA = CHECKOUT.parent / "shared" / "data" / "humanevalfix.jsonl"
OVERHEAD = 1.0  # seconds at most for one bug, besides models and tests
_SEED = 164
_CONFIGURATION = """
[budget]
per-run = 10
per-day = 1000
per-month = 1000
[prices."scripted/cheap"] # made up, in US dollars per million tokens
input = 0.10
output = 0.40
[prices."scripted/big"]
input = 5.0
output = 25.0
[verify]
commands = ["{python} {stopwatch} @LOG@"]
timeout = 20
"""
# Runs the one test of the folder and writes down how long that took; the start of Python itself counts as ours. Some
# bugs are loops without an end: as in the data's own commands, that is a failure.
_STOPWATCH = """\
import glob, runpy, signal, sys, time
started = time.monotonic()
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.alarm(5)
try:
    runpy.run_path(glob.glob("test_*.py")[0], run_name="__main__")
finally:
    with open(sys.argv[1], "a") as log:
        log.write(f"{time.monotonic() - started}\\n")
"""


class Kind(StrEnum):
    """The kind of answer that the expensive model gives."""

    RIGHT = "the correct version"
    LOOSE = "an edit that does not apply"
    WRONG = "a repair that mends nothing"
    EXCUSE = "a test that passes with the bug"


class Bug(Struct, frozen=True):
    """One bug, as the data has it, and what is answered to it."""

    id: str
    kind: Kind
    path: str
    right: str
    wrong: str
    test_path: str
    test: str


class Tried(Struct, frozen=True):
    """The outcome for one bug."""

    bug: Bug
    stored: str | None
    """The file in the stored fix; None if none is stored."""
    verified: bool
    wall: float
    cpu: float
    """Seconds, the tests' included."""
    overhead: float
    """Seconds besides models and tests."""
    sent: int
    """Tokens to and from the expensive model."""
    cheap: int
    cost: float


def measure() -> Iterator[Figure]:
    tried = list(try_all(bugs()))
    right = [each for each in tried if each.bug.kind is Kind.RIGHT]
    yield Figure(
        what="right repairs that were not verified and stored",
        value=sum(each.stored != each.bug.right or not each.verified for each in right),
        unit=f"of {len(right)}",
        at_most=0,
    )
    others = [each for each in tried if each.bug.kind is not Kind.RIGHT]
    kinds = ", ".join(f"{sum(each.bug.kind is kind for each in tried)} {kind.value}" for kind in Kind)
    yield Figure(
        what="wrong repairs that were stored",
        value=sum(each.stored is not None for each in others),
        unit=f"of {len(others)}",
        at_most=0,
        how=kinds,
    )
    for name, group in (("repairs that are right", right), ("those that are not", others)):
        spent = sorted(each.overhead for each in group)
        yield Figure(
            what=f"our own time for {name}, the slowest bug",
            value=spent[-1] * 1000,
            unit="ms",
            at_most=OVERHEAD * 1000,
            how=f"besides models and tests; median {statistics.median(spent) * 1000:.0f} ms; "
            f"whole time {_median(each.wall for each in group) * 1000:.0f} ms in the median, "
            f"CPU {_median(each.cpu for each in group) * 1000:.0f} ms",
        )
    yield Figure(
        what="tokens of the expensive model for a repair that is right",
        value=_median(each.sent for each in right),
        unit="tokens",
        how=f"median; beside {_median(each.cheap for each in right):,.0f} of the cheap one; "
        f"${_median(each.cost for each in right):.4f} a bug at $5 and $25 per million",
    )


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


def bugs() -> list[Bug]:
    """Return all bugs, with the answers assigned by a fixed seed. Raises NotMeasured if the data is missing."""
    try:
        rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError as error:
        raise NotMeasured(f"{DATA} is missing: labelled bugs with tests") from error
    found = [row for row in rows if row["label"] == "buggy"]
    half, eighth = len(found) // 2, len(found) // 8
    kinds = [Kind.RIGHT] * half + [Kind.WRONG] * eighth + [Kind.EXCUSE] * eighth
    kinds += [Kind.LOOSE] * (len(found) - len(kinds))
    random.Random(_SEED).shuffle(kinds)
    return [_bug(row, kind) for row, kind in zip(found, kinds, strict=True)]


def _bug(row: Mapping[str, Any], kind: Kind) -> Bug:
    return Bug(row["id"], kind, row["path"], row["before"], row["after"], row["test_file"], row["test_source"])


class _Models:
    """The scripted models, which answer for the current bug."""

    def __init__(self) -> None:
        self.crew = Crew()

    def __call__(self, request: Request) -> Reply:
        return self.crew(request)


def try_all(chosen: Sequence[Bug], *, tries: int = 5) -> Iterator[Tried]:
    """Have each of ``chosen`` repaired in a repository of its own, by the installed program.

    One that is slow by the clock is tried again, up to ``tries`` times in all: others use the machine too.
    """
    models = _Models()
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as folder, ModelServer(models) as server:
        work = Path(folder)
        stopwatch = work / "stopwatch.py"
        stopwatch.write_text(_STOPWATCH, encoding="utf-8")
        settings = provider("scripted", server.url) + _CONFIGURATION.format(python=sys.executable, stopwatch=stopwatch)
        for number, bug in enumerate(chosen):
            answers = _answers(bug)
            models.crew = Crew(planned=plan(bug.path, bug.test_path), implement=answers, fix=answers)
            yield _best(bug, work / f"bug-{number}", settings, tries)


def _best(bug: Bug, folder: Path, settings: str, tries: int) -> Tried:
    tried: list[Tried] = []
    for attempt in range(tries):
        tried.append(_tried(bug, folder / str(attempt), settings))
        if tried[-1].overhead <= OVERHEAD:
            break
    if len({(each.stored, each.verified) for each in tried}) > 1:
        raise UnexpectedError(f"{bug.id}: one try is stored and another is not")
    return min(tried, key=lambda each: each.overhead)


def _tried(bug: Bug, folder: Path, settings: str) -> Tried:
    """Run `ralph-hooks fix` as a new user in a new repository."""
    home, log, report_path = folder / "ralph", folder / "seconds", folder / "report.json"
    home.mkdir(parents=True)
    (home / "config.toml").write_text(settings.replace("@LOG@", str(log)), encoding="utf-8")
    repo = Repo.create(folder / "project", home=folder)
    repo.commit({"pyproject.toml": TWO_LINES, bug.path: bug.right, bug.test_path: bug.test})
    repo.stage({bug.path: bug.wrong})
    args: list[str | Path] = [PROGRAM, "fix", "--format", "json", "--output", report_path]
    spent = spend(args, cwd=repo.path, env=environment(folder, home))
    if spent.code not in {0, 1}:
        raise UnexpectedError(f"{bug.id}: fix ended with {spent.code}: {spent.output}")
    report = json.loads(report_path.read_text(encoding="utf-8"))
    if not report["rungs"]:
        raise UnexpectedError(f"{bug.id}: nothing was repaired: {spent.output}")
    fix, calls = report["fix"], report["calls"]
    tests = sum(map(float, log.read_text(encoding="utf-8").split()))
    return Tried(
        bug=bug,
        stored=in_store(repo).git("show", f"{fix['ref']}:{bug.path}") + "\n" if fix else None,
        verified=bool(fix and fix["verified"]),
        wall=spent.wall,
        cpu=spent.cpu,
        overhead=spent.wall - tests - sum(call["seconds"] for call in calls),
        sent=_tokens(calls, "scripted/big"),
        cheap=_tokens(calls, "scripted/cheap"),
        cost=float(report["cost_usd"]),
    )


def _tokens(calls: Sequence[Mapping[str, Any]], model: str) -> int:
    return sum(call["input_tokens"] + call["output_tokens"] for call in calls if call["model"] == model)


def _answers(bug: Bug) -> list[Reply]:
    match bug.kind:
        case Kind.RIGHT:
            return [repair(_edit(bug.path, bug.wrong, bug.right))]
        case Kind.LOOSE:
            path, search, replace = _edit(bug.path, bug.wrong, bug.right)
            return [repair((path, f"{search}# as it was", replace))]
        case Kind.WRONG:
            more = [f"{bug.wrong}\n\nTRIED = {number}\n" for number in range(6)]
            return [repair(_edit(bug.path, old, new)) for old, new in zip([bug.wrong, *more], more, strict=False)]
        case Kind.EXCUSE:
            return [repair((bug.test_path, bug.test, "print('fine')\n"))]


def _edit(path: str, old: str, new: str) -> tuple[str, str, str]:
    """The smallest run of whole lines that leads from ``old`` to ``new`` and is there once."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    changes = [c for c in difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes() if c[0] != "equal"]
    first, last = changes[0][1], changes[-1][2]
    shift = len(after) - len(before)
    while first == last or old.count("".join(before[first:last])) != 1:
        first, last = max(0, first - 1), min(len(before), last + 1)
    return path, "".join(before[first:last]), "".join(after[first : last + shift])
