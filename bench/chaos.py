"""The gate under a random mix of faults: the frequency of each outcome, and a check that some never occur.

Users with repositories and budgets of their own run the installed program on changes, half of which have a bug that a
model reports whenever it answers. The seed draws the models' answers: outages, limits, refusals, nonsense, replies that
never end. Some runs are interrupted or killed. If a change with the bug passes, a run outlasts its deadline, a budget
is exceeded, or a traceback appears, this program reports it and exits with 1.

    python -m bench.chaos [--runs 500] [--seed 1] [--at-once 4]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.project import BIN, environment, provider
from tests.support.repo import Repo
from tests.support.server import JSON, Finds, ModelServer, Reply, Request, Responder, analyst

DEADLINE = 5.0
GRACE = 1.0  # seconds that a busy machine may need after it to write its report
RUNS_A_USER = 10
BUG = Finds("items[:-1]", "The last item is left out.")
CODE = "# {name}\ndef total(items):\n    out = 0\n    for item in {items}:\n        out += item\n    return out\n"
GOOD = analyst(BUG)
PRICE = "input = 1.0\noutput = 2.0\n"  # US dollars per million tokens
CAPS = (None, None, Decimal("0.03"), Decimal("0.08"))  # US dollars a day; a request reserves about one cent
_RUN = re.compile(r"run_(\d+)_\d\.py")


def _error(message: str, **fields: JSON) -> dict[str, JSON]:
    return {"error": {"message": message, **fields}}


def _item(**changes: JSON) -> Reply:
    plain = {"path": "nowhere.py", "line": 4, "category": "bug", "severity": "error", "confidence": 0.9}
    return Reply.json_text({"findings": [{**plain, "message": "Wrong.", "quote": "items", **changes}]})


def _verdicts(*rows: tuple[str, bool]) -> Reply:
    verdicts = [{"id": name, "holds": holds, "confidence": 0.9, "reason": "So."} for name, holds in rows]
    return Reply.json_text({"verdicts": verdicts})


EVERYWHERE: dict[str, Reply] = {
    "reset": Reply.reset(),
    "408": Reply.status(408),
    "500, a web page": Reply.status(500, b"<html>Oops</html>"),
    "503": Reply.status(503, _error("Overloaded")),
    "529": Reply.status(529, _error("Overloaded")),
    "error in a 200": Reply.status(200, _error("Upstream is down", code=502)),
    "429": Reply.status(429),
    "429, soon": Reply.status(429, headers={"Retry-After": "0.2"}),
    "429, late": Reply.status(429, headers={"Retry-After": "3600"}),
    "401": Reply.status(401),
    "403": Reply.status(403, _error("Not you")),
    "404": Reply.status(404),
    "400": Reply.status(400, _error("Something is off")),
    "400, a parameter": Reply.status(400, _error("temperature is not supported", param="temperature")),
    "413": Reply.status(413),
    "web page": Reply.html(),
    "broken JSON": Reply.truncated_json(),
    "broken gzip": Reply.bad_gzip(),
    "200 MB of gzip": Reply.gzip_bomb(),
    "short body": Reply.short_body(),
    "no content": Reply.status(204, b""),
    "prose": Reply.text("Looks good to me!"),
    "another shape": Reply.text('{"verdict": "pass"}'),
    "cut off": Reply.length(),
    "cut off, and whole so far": Reply.length('{"findings": [], "verdicts": []}'),
    "empty": Reply.empty(),
    "refusal": Reply.refusal(),
    "content filter": Reply.status(400, _error("Filtered", code="content_filter")),
}
ENDLESS = {"hang": Reply.hang(), "drip": Reply.drip(), "slow headers": Reply.slow_headers()}
ANALYZE = {
    "invented path": _item(),
    "no path": _item(path=""),
    "unknown severity": _item(severity="fatal"),
    "not an item": Reply.json_text({"findings": [7]}),
    "null": Reply.text('{"findings": null}'),
}
VERIFY = {
    "no verdict": _verdicts(),
    "another claim": _verdicts(("C9", False)),
    "contradiction": _verdicts(("C1", False), ("C1", True)),
}


class Storm:
    """The models' answers, drawn from the seed, the run and its number of requests: independent of their order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()
        self.faults: Counter[str] = Counter()
        self.requests = 0

    def at(self, place: str) -> Responder:
        """Return the script of the server at ``place``."""
        return lambda request: self._reply(place, request)

    def _reply(self, place: str, request: Request) -> Reply:
        found = _RUN.search(request.prompt)
        key = (found[1] if found else "", place, request.phase)
        with self._lock:
            self._asked[key] += 1
            self.requests += 1
            chance = random.Random(f"{self._seed} {key} {self._asked[key]}")
        weather = random.Random(f"{self._seed} {key[0]}").choice((0.15, 0.5, 0.9))
        if chance.random() >= weather:
            return GOOD(request)
        own = VERIFY if request.phase == "verify" else ANALYZE
        kinds = EVERYWHERE | own | (ENDLESS if chance.random() < 0.3 else {})
        name = chance.choice(list(kinds))
        with self._lock:
            self.faults[name] += 1
        return kinds[name]


@dataclass
class Tally:
    """The outcomes of all runs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    with_bug: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    """Seconds, as the report has them."""
    spent: Decimal = Decimal(0)
    capped: Decimal = Decimal(0)
    """US dollars spent by those who have a cap, and below it the sum of their caps."""
    caps: Decimal = Decimal(0)
    calls: int = 0
    wrong: list[str] = field(default_factory=list)
    """Violations: events that must never happen, and did."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class User:
    """Somebody with a repository, a policy and perhaps a budget."""

    number: int
    folder: Path
    urls: dict[str, str]
    tally: Tally

    def __post_init__(self) -> None:
        chance = random.Random(f"user {self.number}")
        self.policy = chance.choice(("open", "closed"))
        self.cap = chance.choice(CAPS)
        self.parallel = chance.choice((1, 8))
        self.repo = Repo.create(self.folder / "shop", home=self.folder)
        self.repo.commit({"README.md": "A shop.\n"})
        self.home = self.folder / "ralph"
        self.home.mkdir()
        self.env = {**environment(self.folder, self.home), "OTHER_KEY": "sk-made-up-too"}
        (self.home / "config.toml").write_text(self._configuration(chance), encoding="utf-8")

    def _configuration(self, chance: random.Random) -> str:
        chain = ["first/small", "second/large"] if chance.random() < 0.7 else ["first/small"]
        first = provider("first", self.urls["first"], chance.choice(("openai", "anthropic")))
        second = provider("second", self.urls["second"], "anthropic").replace("SCRIPTED_KEY", "OTHER_KEY")
        prices = "".join(f'[prices."{name}"]\n{PRICE}' for name in ("first/small", "second/large"))
        budget = f"[budget]\nper-day = {self.cap}\n" if self.cap is not None else ""
        models = f"[models]\nanalyze = {json.dumps(chain)}\nverify = {json.dumps(chain)}\n"
        gate = f'[gate]\ndeadline = {DEADLINE}\nwhen-unavailable = "{self.policy}"\nparallel = {self.parallel}\n'
        gate += 'block-on = "agreement"\n'  # the scripted models write no reproducers
        return f'on-failure = "block"\n{models}{gate}{budget}{first}{second}{prices}'

    def run(self, number: int) -> None:
        """Stage a change and judge it."""
        chance = random.Random(f"run {number}")
        buggy = chance.random() < 0.5
        files = chance.randint(1, 3)
        where = chance.randrange(files)
        self.repo.stage(
            {
                name: CODE.format(name=name, items="items[:-1]" if buggy and index == where else "items")
                for index, name in enumerate(f"run_{number:04}_{index}.py" for index in range(files))
            }
        )
        ended = self._judge(chance.choice([None] * 18 + [signal.SIGTERM, signal.SIGKILL]), chance.uniform(0.3, 2.0))
        self._count(number, buggy=buggy, ended=ended)
        self.repo.commit()

    def _judge(self, send: signal.Signals | None, after: float) -> tuple[int, str, str]:
        with subprocess.Popen(
            [BIN / "ralph-hooks", "gate", "--format", "json"],
            cwd=self.repo.path,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            if send is not None:
                try:
                    process.wait(after)
                except subprocess.TimeoutExpired:
                    process.send_signal(send)
            out, errors = process.communicate()
        return process.returncode, out, errors

    def _count(self, number: int, *, buggy: bool, ended: tuple[int, str, str]) -> None:
        code, out, errors = ended
        report: dict[str, Any] = json.loads(out) if out else {}
        name = NAMES.get((report.get("verdict"), code), f"exit {code}")
        wrong = list(wrong_with(code, report, errors, self.policy, buggy=buggy))
        with self.tally.lock:
            self.tally.outcomes[name] += 1
            if buggy:
                self.tally.with_bug[name] += 1
            self.tally.longest = max(self.tally.longest, report.get("seconds", 0.0))
            self.tally.wrong += [f"run {number}: {each}" for each in wrong]

    def settle(self) -> None:
        """Add up the ledger."""
        path = self.home / "state" / "state.db"
        with closing(sqlite3.connect(path)) as database:
            calls, cost = database.execute("SELECT count(*), coalesce(sum(cost), 0) FROM calls").fetchone()
        spent = Decimal(cost).scaleb(-12)
        with self.tally.lock:
            self.tally.calls += calls
            self.tally.spent += spent
            if self.cap is not None:
                self.tally.capped += spent
                self.tally.caps += self.cap
                if spent > self.cap:
                    self.tally.wrong.append(f"user {self.number}: spent ${spent} of ${self.cap}")


NAMES = {
    ("pass", 0): "pass",
    ("fail", 1): "blocked: the bug was found",
    ("inconclusive", 0): "NOT reviewed, not blocked (open)",
    ("inconclusive", 3): "NOT reviewed, blocked (closed)",
    (None, 130): "interrupted",
    (None, -9): "killed",
    (None, -15): "ended before it began",
}
"""Names of outcomes, by verdict and exit code."""


def wrong_with(code: int, report: dict[str, Any], errors: str, policy: str, *, buggy: bool) -> Iterator[str]:
    """Yield each violation: an event that must never happen."""
    verdict = report.get("verdict")
    if "Traceback" in errors or "internal error" in errors:
        yield f"it broke: {errors.strip().splitlines()[-1]}"
    if verdict == "pass" and buggy:
        yield "a change with a bug passed"
    if verdict == "fail" and not buggy:
        yield "a clean change was blocked"
    if report and report["seconds"] > DEADLINE + GRACE:
        yield f"it took {report['seconds']} s"
    if report and not report["reason"]:
        yield "no reason was given"
    expected = {"pass": 0, "fail": 1, "inconclusive": {"open": 0, "closed": 3}[policy], None: code}[verdict]
    # SIGTERM before the program can handle it ends it at once: git takes that for a refusal.
    if code != expected or (verdict is None and code not in {130, -9, -15}):
        yield f"exit {code} with verdict {verdict}: {errors.strip()}"


def storm(runs: int, seed: int, at_once: int, say: Callable[[str], None]) -> list[str]:
    """Run it and return the violations: events that must never happen, and did."""
    weather, tally = Storm(seed), Tally()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="ralph-hooks-chaos-", ignore_cleanup_errors=True) as folder,
        ModelServer(weather.at("first")) as first,
        ModelServer(weather.at("second")) as second,
        ThreadPoolExecutor(at_once) as pool,
    ):
        urls = {"first": first.url, "second": second.url}

        def use(number: int) -> None:
            home = Path(folder) / f"user{number}"
            home.mkdir()
            user = User(number, home, urls, tally)
            for run in range(number * RUNS_A_USER, min(runs, (number + 1) * RUNS_A_USER)):
                user.run(seed * 10_000 + run)
            user.settle()

        list(pool.map(use, range(-(-runs // RUNS_A_USER))))
    for line in _summary(runs, seed, weather, tally, time.monotonic() - started):
        say(line)
    return tally.wrong


def _summary(runs: int, seed: int, weather: Storm, tally: Tally, seconds: float) -> Iterator[str]:
    buggy, faults = sum(tally.with_bug.values()), sum(weather.faults.values())
    yield f"{runs} runs of the gate (seed {seed}), {buggy} of them on a change with a bug that the model reports"
    yield f"{weather.requests:,} requests, {faults:,} answered with one of {len(weather.faults)} kinds of fault"
    yield ""
    yield f"{'outcome':<34}{'runs':>6}{'with the bug':>14}"
    for name, count in tally.outcomes.most_common():
        yield f"{name:<34}{count:>6}{tally.with_bug[name]:>14}"
    yield ""
    yield f"longest run        {tally.longest:.2f} s of {DEADLINE:g} s allowed"
    capped = f"${tally.capped:.4f} by users who allow ${tally.caps}"
    yield f"spent              ${tally.spent:.4f} in {tally.calls:,} calls, {capped}"
    yield f"must never happen  {len(tally.wrong)}"
    yield from (f"  {each}" for each in tally.wrong)
    yield f"took               {seconds:.0f} s"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description="The gate under a random mix of faults.")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=4, help="how many run side by side")
    args = parser.parse_args(arguments)
    return 1 if storm(args.runs, args.seed, args.at_once, print) else 0


if __name__ == "__main__":
    sys.exit(main())
