"""Consistency of the team's ledger while machines are killed and their shared server is stopped at random.

Each machine makes calls, settles most of them and pays for answers, in one process after the other; several run at
once. In the end every machine catches up. Then the team's ledger has to hold each call of each machine once, as that
machine has it; besides, at most the reservations of killed machines. The days' sums have to equal those of the calls.

    python -m bench.books [--seconds 30] [--seed 1]
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from bench.project import CHECKOUT
from tests.support.postgres import PostgresServer, binaries, postgres_server
from tests.support.team import machine

MACHINES = 4
AT_ONCE = 5
_COLUMNS = "uid, outcome, cost, estimated, input_tokens, remembered, day, run"

CLIENT = """\
import os, random, sys
from pathlib import Path
from ralph_hooks.core.model_errors import ModelError
from ralph_hooks.core.route import Phase
from tests.support.team import machine
state, url, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
chance = random.Random(name)
for turn in range(6):
    with machine(state, url, run=f"{name}-{turn}") as one:
        for number in range(chance.randint(1, 6)):
            try:
                call = one.reserve("0.05")
            except ModelError:
                continue  # the state was locked: the call was not made
            if chance.random() < 0.2:
                one.ledger.remembered(Phase.ANALYZE, "a/b")
            if chance.random() < 0.9:
                one.settle(call, f"0.0{chance.randint(1, 4)}")
            one.answers.put({f"{name}-{turn}-{number}": os.urandom(50)})
            one.answers.get([f"{chance.randint(1, 40)}-0-0"])
"""

Books = dict[str, tuple[object, ...]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.books")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    programs = binaries()
    if programs is None:
        print("PostgreSQL is not installed here: initdb is nowhere to be found")
        return 1
    with postgres_server(programs) as server:
        wrong = storm(server, seconds=args.seconds, seed=args.seed, say=print)
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    return 1 if wrong else 0


def storm(server: PostgresServer, *, seconds: float, seed: int, say: Callable[[str], None]) -> list[str]:
    """Return everything that is wrong in the end; nothing, if all is well."""
    chance = random.Random(seed)
    url = server.database()
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder, "first"), url) as first:
        first.spend("0.01")
        states = [Path(folder, f"machine{number}") for number in range(MACHINES)]
        ended, stops = _rage(server, url, states, seconds, chance)
        killed = sum(process.returncode == -9 for process in ended)
        for state in states:
            _catch_up(state, url)
        theirs = _local([*states, Path(folder, "first")])
    ours = {
        str(uid).replace("-", ""): tuple(rest) for uid, *rest in server.execute(url, f"SELECT {_COLUMNS} FROM calls")
    }
    say(
        f"{len(ended)} processes on {MACHINES} machines, {killed} of them killed; the server stopped {stops} times; "
        f"{len(ours)} rows in the team's ledger, seed {seed}"
    )
    failed = [f"a process ended with {process.returncode}" for process in ended if process.returncode not in {0, -9}]
    ((days,),) = server.execute(url, "SELECT sum(cost)::bigint FROM days")
    ((calls,),) = server.execute(url, "SELECT sum(cost)::bigint FROM calls")
    return [*failed, *_differences(ours, theirs, killed), *([] if days == calls else ["the days' sums are others"])]


def _rage(
    server: PostgresServer, url: str, states: list[Path], seconds: float, chance: random.Random
) -> tuple[list[subprocess.Popen[bytes]], int]:
    """Return all processes that ran, and how often the server was stopped."""
    every: list[subprocess.Popen[bytes]] = []
    stops = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        running = [process for process in every if process.poll() is None]
        while len(running) < AT_ONCE:
            running.append(_start(states[len(every) % len(states)], url, f"{chance.random()}"))
            every.append(running[-1])
        if chance.random() < 0.3:
            chance.choice(running).kill()
        if chance.random() < 0.1:
            stops += 1
            with server.stopped():
                time.sleep(chance.random() / 2)
        time.sleep(0.1)
    for process in every:
        process.wait()
    return every, stops


def _start(state: Path, url: str, name: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen([sys.executable, "-c", CLIENT, str(state), url, name], cwd=CHECKOUT, env=environment)


def _catch_up(state: Path, url: str) -> None:
    with machine(state, url):
        pass  # pending rows are sent at the end of a run
    with machine(state, url) as one:
        assert not one.team.waiting(), "something still waits"


def _local(states: list[Path]) -> Books:
    books: Books = {}
    for state in states:
        with closing(sqlite3.connect(state / "state.db")) as file:
            books |= {uid: tuple(rest) for uid, *rest in file.execute(f"SELECT {_COLUMNS} FROM calls")}
    return books


def _differences(ours: Books, theirs: Books, killed: int) -> Iterator[str]:
    missing = theirs.keys() - ours.keys()
    if missing:
        yield f"{len(missing)} calls are not in the team's ledger"
    others = [uid for uid in theirs.keys() & ours.keys() if ours[uid] != theirs[uid]]
    if others:
        yield f"{len(others)} calls are not in it as their machine has them, such as {ours[others[0]]}"
    left = [row for uid, row in ours.items() if uid not in theirs]
    if len(left) > killed or any(row[0] != "unsettled" for row in left):
        yield f"{len(left)} calls are in it that no machine has made: {left[:3]}"


if __name__ == "__main__":
    sys.exit(main())
