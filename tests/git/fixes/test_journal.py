"""`kill -9` anywhere in `apply` and `undo`: after the next command everything is as before, or as it was to be.

`make test` kills a few; `make kills` kills 300 (KILLS=n) from a seed of its own (SEED=n), half of them by the clock.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from ralph_hooks.git.fixes import journal
from ralph_hooks.git.snapshot import open_repository
from tests.support.fixes import private_state, store_fix, tree
from tests.support.project import Project, new_project
from tests.support.repo import Repo

KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("SEED", "1"))
LINES = "".join(f"line {n}\n" for n in range(1, 21))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")

# Before each step that the system is asked for (a file opened, renamed, removed, a program started) Python raises an
# audit event: there the program kills itself. Imports do not count, since their steps differ with what is compiled.
VICTIM = """
import os, signal, sys
import ralph_hooks.cli.apply, ralph_hooks.cli.undo
from ralph_hooks.cli.main import run

kill_at, seen = int(sys.argv[1]), 0
CODE = (sys.prefix, sys.base_prefix, os.environ["PYTHONPATH"])
STEPS = {
    "open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.chmod", "os.chown", "subprocess.Popen"
}

def count(event, args):
    global seen
    if event in STEPS and not os.fsdecode(args[0] if isinstance(args[0], (str, bytes)) else "").startswith(CODE):
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

print("ready", flush=True)
sys.addaudithook(count)
code = run(sys.argv[2:])
print(seen, flush=True)
os._exit(code)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a fix of what is staged, and edits of every kind since."""
    home = tmp_path_factory.mktemp("template")
    repo = Repo.create(home / "project", home=home)
    repo.commit({".gitattributes": "*.txt text eol=crlf\n", "clean.py": "clean\n", "run.sh": "#!/bin/sh\n"})
    (repo.path / "run.sh").chmod(0o755)
    odd = os.fsdecode(b"\xff\n.py") if sys.platform == "linux" else "odd.py"
    repo.stage(
        {"merged.py": LINES, "dos.txt": "one\r\n", "gone/last.py": "gone\n", odd: "odd\n", "both.py": "staged\n"}
    )
    repo.stage({"run.sh": "#!/bin/sh\n", "staged.py": "staged\n"})
    store_fix(
        repo,
        {
            "merged.py": LINES.replace("line 5\n", "five\n"), "dos.txt": "two\n", "gone/last.py": None, odd: "mended\n",
            "both.py": "mended\n", "run.sh": "#!/bin/sh\ntrue\n", "new/deep/made.py": "made\n", "clean.py": "mended\n",
        },
    )  # fmt: skip
    repo.write({"merged.py": LINES + "mine\n", "untracked.py": "untracked\n", "intended.py": "intended\n"})
    repo.write({"staged.py": "and unstaged\n"}).git("add", "--intent-to-add", "intended.py")
    return repo.path


def start(project: Project, command: str, kill_at: int = 0) -> subprocess.Popen[str]:
    """The command in a process and a process group of its own, at the moment when it begins."""
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(kill_at), command],
        cwd=project.repo.path, env={**project.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


class Course(Struct, frozen=True):
    """What a command does when nobody kills it."""

    old: dict[str, tuple[int, bytes]]
    new: dict[str, tuple[int, bytes]]
    private: dict[str, bytes]
    steps: int


COURSES: dict[str, Course] = {}


def begin(project: Project, template: Path, command: str) -> None:
    """A fresh repository, in the state in which ``command`` has something to do."""
    shutil.rmtree(project.repo.path)
    shutil.copytree(template, project.repo.path, symlinks=True)
    os.chdir(project.repo.path)
    if command == "undo":
        assert project.run("apply").code == 0


def course(project: Project, template: Path, command: str) -> Course:
    """Found out once, by running it to its end."""
    if command not in COURSES:
        begin(project, template, command)
        old, private = tree(project.repo), private_state(project.repo)
        with start(project, command) as process:
            out, _ = process.communicate()
        assert process.returncode == 0, out
        COURSES[command] = Course(old, tree(project.repo), private, int(out.splitlines()[-1]))
    return COURSES[command]


def kill(project: Project, command: str, rng: random.Random, steps: int, *, by_the_clock: bool) -> str:
    """Kill ``command`` once; where, for people."""
    if by_the_clock:
        delay = rng.uniform(0, 0.25)
        with start(project, command) as process:
            time.sleep(delay)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with the git that it waits for, whose locks stay
        return f"{delay:.3f} s into {command}"
    step = rng.randint(rng.choice((1, steps * 2 // 3)), steps)  # files change in the last third
    with start(project, command, step):
        pass
    return f"before step {step} of {steps} of {command}"


@pytest.mark.parametrize("number", range(KILLS))
def test_nothing_is_lost_and_nothing_half_done(project: Project, template: Path, number: int) -> None:
    rng = random.Random(f"{SEED}:{number}")
    command = ("apply", "undo")[number % 2]
    repo = project.repo
    normal = course(project, template, command)
    begin(project, template, command)
    where = ""
    for attempt in range(rng.choice((1, 1, 2))):  # the one that goes on may be killed as well
        clock = KILLS > 100 and bool(number // 2 % 2) and not attempt
        where += f", {kill(project, command, rng, normal.steps, by_the_clock=clock)}"
    after = project.run("show", "--list")
    assert after.code == 0, f"{where}: {after.err}"
    now = tree(repo)
    assert now in (normal.old, normal.new), where
    assert private_state(repo) == normal.private, where
    assert not journal.pending(open_repository(repo.path)), where
    assert repo.git("fsck", "--connectivity-only", "--no-dangling") == ""
    before, applied = (normal.old, normal.new) if command == "apply" else (normal.new, normal.old)
    if now == before:
        done = project.run("apply")
        assert done.code == 0, f"{where}: {done.err}"
    assert tree(repo) == applied, where
    again = project.run("undo")
    assert (again.code, tree(repo)) == (0, before), f"{where}: {again.err}"


@pytest.mark.parametrize("command", ["apply", "undo"])
def test_the_kills_reach_every_part(project: Project, template: Path, command: str) -> None:
    """Else the test above would kill before or after everything and show nothing."""
    normal = course(project, template, command)
    assert normal.old != normal.new
    half_way = []
    for part in (0.3, 0.85):
        begin(project, template, command)
        with start(project, command, int(normal.steps * part)):
            pass
        half_way.append((journal.pending(open_repository(project.repo.path)), tree(project.repo) != normal.old))
    assert half_way == [(False, False), (True, True)]
