"""The gate under a random mix of faults: `python -m bench.chaos [RUNS [SEED]]`.

A change with a bug, two models in a chain, and for every request a draw: a good answer, or one of the faults below.
Each run is the real command with a home of its own. The bug is there, so a pass is always wrong; what could not be
judged has to be said. Ends with 1 where a pass, a traceback or a run past its deadline was seen.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.support.repo import Repo
from tests.support.server import Finds, ModelServer, Reply, Request, analyst

RUNS, SEED = 500, 20261125
DEADLINE = 4.0  # seconds
LATE = 1.0  # seconds after it that a busy machine may need to write its report
GOOD = 0.4  # the share of good answers
BUG = Finds("items[:-1]", "The last item is left out.")
CODE = "def total(items):\n    return sum(items[:-1])\n"
FAULTS: Mapping[str, Reply] = {
    "500": Reply.status(500),
    "529": Reply.status(529),
    "429": Reply.status(429, headers={"Retry-After": "1"}),
    "429 for an hour": Reply.status(429, headers={"Retry-After": "3600"}),
    "401": Reply.status(401),
    "404": Reply.status(404),
    "400": Reply.status(400, {"error": {"message": "no"}}),
    "413": Reply.status(413),
    "web page": Reply.html(),
    "half JSON": Reply.truncated_json(),
    "prose": Reply.text("Looks good to me! No issues found."),
    "other shape": Reply.json_text({"verdict": "approved"}),
    "bad items": Reply.json_text({"findings": [{"path": 1}], "verdicts": [{"id": None}]}),
    "empty": Reply.empty(),
    "cut off": Reply.length(),
    "refusal": Reply.refusal(),
    "bad gzip": Reply.bad_gzip(),
    "short body": Reply.short_body(),
    "reset": Reply.reset(),
    "hang": Reply.hang(),
    "drip": Reply.drip(),
}
_TOP = Path(__file__).parents[1]
_EXITS = {1: "the bug was reported", 3: "not judged, and said so", 0: "PASSED, which is wrong"}


class Outcome(Struct, frozen=True):
    """What came of one run."""

    exit_code: int
    said: str
    traceback: bool
    seconds: float
    requests: int
    cost_usd: Decimal


class _Draws:
    """Answers each request by a draw that depends on the seed, the run and the number of the request alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.drawn: Counter[str] = Counter()

    def __call__(self, request: Request) -> Reply:
        place = request.path.partition("/v1")[0]
        with self._lock:
            self._counts[place] += 1
            draw = random.Random(f"{self._seed} {place} {self._counts[place]}")
            good = draw.random() < GOOD
            fault = draw.choice(sorted(FAULTS))
            self.drawn["good answer" if good else fault] += 1
        return analyst(BUG)(request) if good else FAULTS[fault]


def measure(runs: int = RUNS, seed: int = SEED) -> list[Outcome]:
    """An outcome for each run, two at once."""
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-chaos-") as folder, ModelServer(_Draws(seed)) as server:
        repo = Repo.create(Path(folder) / "shop")
        repo.commit({"README.md": "A shop.\n"})
        repo.stage({"a.py": CODE})
        root = server.url.removesuffix("/v1")
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda number: _run(repo, Path(folder), root, number), range(runs)))


def _run(repo: Repo, folder: Path, root: str, number: int) -> Outcome:
    home = folder / f"home-{number}"
    home.mkdir()
    models = ("first", "second")
    places = "".join(
        f'[providers.{name}]\nbase-url = "{root}/{number}/{name}/v1"\nwire = "openai"\n'
        f'[prices."{name}/model"]\ninput = 1.0\noutput = 2.0\n'
        for name in models
    )
    chain = json.dumps([f"{name}/model" for name in models])
    (home / "config.toml").write_text(
        f"[models]\nanalyze = {chain}\nverify = {chain}\n"
        f'[gate]\ndeadline = {DEADLINE}\nwhen-unavailable = "closed"\n{places}',
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "ralph_hooks", "gate", "--format", "json"],
        cwd=repo.path,
        env={**repo.env, "RALPH_HOOKS_HOME": str(home), "PYTHONPATH": str(_TOP), "CI": os.environ.get("CI", "")},
        capture_output=True,
        text=True,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout, parse_float=Decimal) if done.stdout else {}
    return Outcome(
        exit_code=done.returncode,
        said=str(report.get("verdict", done.stderr)),
        traceback="Traceback" in done.stderr,
        seconds=float(report.get("seconds", 0)),
        requests=len([call for call in report.get("calls", ()) if not call["from_store"]]),
        cost_usd=Decimal(report.get("cost_usd") or 0),
    )


def broken(outcomes: Sequence[Outcome]) -> list[str]:
    """What must not happen and did."""
    found: list[str] = []
    for number, outcome in enumerate(outcomes):
        if outcome.exit_code not in {1, 3}:
            found.append(f"run {number} ended with {outcome.exit_code}: {outcome.said}")
        if (outcome.exit_code == 1) != (outcome.said == "fail"):
            found.append(f"run {number} says {outcome.said} and ends with {outcome.exit_code}")
        if outcome.traceback:
            found.append(f"run {number} showed a traceback")
        if outcome.seconds > DEADLINE + LATE:
            found.append(f"run {number} took {outcome.seconds} s of {DEADLINE}")
    return found


def main() -> int:
    given = [int(text) for text in sys.argv[1:3]]
    runs, seed = given + [RUNS, SEED][len(given) :]
    outcomes = measure(runs, seed)
    for code, count in Counter(outcome.exit_code for outcome in outcomes).most_common():
        print(f"{count:6,}  {_EXITS.get(code, f'exit {code}')}")
    print(f"{sum(outcome.traceback for outcome in outcomes):6,}  tracebacks")
    print(f"{sum(outcome.requests for outcome in outcomes):6,}  requests, {len(FAULTS)} kinds of faults")
    print(f"{max(outcome.seconds for outcome in outcomes):6.2f}  seconds for the longest run, of {DEADLINE} allowed")
    print(f"${sum(outcome.cost_usd for outcome in outcomes):.4f} spent or counted at its worst case; seed {seed}")
    problems = broken(outcomes)
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
