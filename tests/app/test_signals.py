"""Ctrl-C and SIGTERM at any moment, and two runs at once: nothing is left running, nothing is stored half-way."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import string
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from ralph_hooks.errors import ExitCode
from tests.support.matrix import first
from tests.support.patience import PATIENCE
from tests.support.project import BIN, TWO_LINES, Project
from tests.support.push import Remote
from tests.support.running import started, until
from tests.support.server import Reply, analyst

SIGNALS = [signal.SIGINT, signal.SIGTERM]
STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
apart = sys.platform == "linux"  # where it is found all the same
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=apart)
child.stdout.readline()
pathlib.Path({pids!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(600)
"""
DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="the threads of a process are counted in /proc")


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(listed.strip()) and not listed.startswith("Z")


def rows(project: Project, table: str) -> int:
    """How many rows a table of the state has; 0 where there is no state yet."""
    path = project.home / "state" / "state.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        except sqlite3.OperationalError:
            return 0
    return count


def ends(process: subprocess.Popen[bytes]) -> str:
    """What it says at its end, which has to be that of an interrupted command."""
    out, err = process.communicate(timeout=PATIENCE)
    said = (out + err).decode()
    assert (process.returncode, "Traceback" in said) == (ExitCode.INTERRUPTED, False), said
    assert "interrupted" in said
    return said


def nothing_half_done(project: Project) -> None:
    """No report, no receipt, no answer of a model, no scratch copy; and the state is sound."""
    assert (rows(project, "reports"), rows(project, "receipts")) == (0, 0)
    with closing(sqlite3.connect(project.home / "state" / "state.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    assert [path for path in folder.glob("ralph-hooks-scratch-*") if path.stat().st_uid == os.getuid()] == []


@pytest.fixture
def remote(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    """A remote, and a temporary folder that is only ours to leave things in."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    project.environ["TMPDIR"] = str(tmp_path / "tmp")
    return Remote(project)


def heavy(count: int = 12) -> dict[str, str | bytes | None]:
    """Files that take the secret scan long: about a second each."""
    rng = random.Random(1)
    letters = string.ascii_letters + string.digits
    body = "".join(f"x = '{''.join(rng.choices(letters, k=40))}'\n" for _ in range(15_000))
    return {f"data{number}.txt": f"{number}\n{body}" for number in range(count)}


@pytest.mark.parametrize("number", first(1, SIGNALS))
def test_while_the_secret_scan_runs(project: Project, remote: Remote, number: signal.Signals) -> None:
    project.models(analyst())
    project.repo.commit(heavy())
    with started(project, "pre-push", "origin", "url", stdin=remote.lines("main")) as process:
        until(lambda: rows(project, "answers"))  # some files are done, others are not
        process.send_signal(number)
        ends(process)
    nothing_half_done(project)


@needs_proc
@pytest.mark.parametrize("number", first(1, SIGNALS[::-1]))
@pytest.mark.usefixtures("remote")
def test_while_checks_run(project: Project, number: signal.Signals) -> None:
    project.models(analyst())
    project.repo.stage(heavy())
    with started(project, "gate") as process:
        until(
            lambda: len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1
        )  # the checks are what has threads first
        process.send_signal(number)
        ends(process)
    nothing_half_done(project)


@pytest.mark.parametrize("number", SIGNALS)
def test_while_a_model_is_waited_for(project: Project, remote: Remote, number: signal.Signals) -> None:
    server = project.models(Reply.hang())
    project.repo.commit({"a.py": "a = 1\n"})
    with started(project, "pre-push", "origin", "url", stdin=remote.lines("main")) as process:
        until(lambda: server.requests)
        process.send_signal(number)
        ends(process)
    nothing_half_done(project)
    with closing(sqlite3.connect(project.home / "state" / "state.db")) as connection:
        calls = connection.execute("SELECT outcome, estimated FROM calls").fetchall()
    # The provider may charge for the call that it received; one that never reached it was free.
    assert [estimated for outcome, estimated in calls if outcome != "unreachable"] == [1], calls


@pytest.mark.parametrize("number", first(1, [signal.SIGTERM, signal.SIGHUP]))
def test_while_a_command_runs_that_does_not_want_to_end(
    project: Project, remote: Remote, tmp_path: Path, number: signal.Signals
) -> None:
    project.models(analyst())
    pids = tmp_path / "pids"
    project.repo.commit({"check.py": STUBBORN.format(pids=str(pids))})
    verify = f"commands = ['{sys.executable} check.py']\n"
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\n{verify}")
    assert project.run("trust", "--yes").code == 0
    with started(project, "pre-push", "origin", "url", stdin=remote.lines("main")) as process:
        until(lambda: pids.exists() and pids.read_text())
        process.send_signal(number)
        ends(process)
    assert not any(runs(int(pid)) for pid in pids.read_text().split())
    nothing_half_done(project)


def test_ctrl_c_at_a_push_ends_git_and_everything_below_it(project: Project, remote: Remote, tmp_path: Path) -> None:
    project.models(analyst())
    pids = tmp_path / "pids"
    project.repo.commit({"check.py": STUBBORN.format(pids=str(pids))})
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ['{sys.executable} check.py']\n")
    assert project.run("trust", "--yes").code == 0
    assert project.program("install", "--hook", "pre-push").code == 0
    before = remote.bare.git("rev-parse", "main")
    with subprocess.Popen(
        ["git", "push", "origin", "main"],
        cwd=project.repo.path,
        env={**project.repo.env, **project.environ},
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as git:
        until(lambda: pids.exists() and pids.read_text())
        os.killpg(git.pid, signal.SIGINT)  # as a terminal does
        git.communicate(timeout=PATIENCE)
    assert git.returncode != 0
    until(lambda: not any(runs(int(pid)) for pid in pids.read_text().split()))
    assert remote.bare.git("rev-parse", "main") == before


def test_who_is_interrupted_twice_ends_all_the_same(project: Project, remote: Remote, tmp_path: Path) -> None:
    project.models(analyst())
    pids = tmp_path / "pids"
    project.repo.commit({"check.py": DEAF + STUBBORN.format(pids=str(pids))})
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ['{sys.executable} check.py']\n")
    assert project.run("trust", "--yes").code == 0
    with started(project, "pre-push", "origin", "url", stdin=remote.lines("main")) as process:
        until(lambda: pids.exists() and pids.read_text())
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        ends(process)
    assert not any(runs(int(pid)) for pid in pids.read_text().split())
    nothing_half_done(project)


def test_a_push_that_an_editor_cancels_ends_its_hook(project: Project, remote: Remote) -> None:
    """It kills git alone, and git leaves its hooks running."""
    server = project.models(Reply.hang())
    project.repo.commit({"a.py": "a = 1\n"})
    assert remote.project.program("install", "--hook", "pre-push").code == 0
    env = {**project.repo.env, **project.environ}
    command = ["git", "push", "origin", "main"]
    with subprocess.Popen(command, cwd=project.repo.path, env=env, stderr=subprocess.PIPE) as git:
        until(lambda: server.requests)
        git.terminate()
        git.wait()
        _, said = git.communicate(timeout=PATIENCE)  # until nobody holds the pipe any more
    assert b"interrupted" in said
    nothing_half_done(project)


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe is set as on Linux")
def test_while_nobody_reads_what_is_printed(project: Project) -> None:
    """A pager that stands still."""
    import fcntl

    project.models(analyst())
    project.repo.stage({"a.py": "a = 1\n"})
    reader, writer = os.pipe()
    os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)))
    command = [str(BIN / "ralph-hooks"), "gate"]
    with subprocess.Popen(command, cwd=project.repo.path, env=project.environ, stdout=writer, stderr=writer) as process:
        until(lambda: rows(project, "reports"))
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(5.0) == ExitCode.INTERRUPTED
        finally:
            process.kill()
            os.close(reader)
            os.close(writer)


def test_before_anything_is_imported_there_is_no_traceback(project: Project, tmp_path: Path) -> None:
    """Most of what a short run does is to import, and Ctrl-C comes whenever it likes."""
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = project.program("gate", env={"PYTHONPATH": str(tmp_path)})
    assert (done.code, done.out, done.err) == (-signal.SIGINT, "", "")


# Side by side


def test_a_lock_that_another_git_holds_is_no_matter_for_who_only_reads(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"a.py": "a = 1\n"})
    lines = remote.lines("main")
    project.repo.stage({"b.py": "b = 1\n"})
    lock = project.repo.path / ".git/index.lock"
    lock.write_bytes(b"another git is at work")
    before = project.repo.state()
    assert project.run("gate").code == 0
    assert project.program("pre-push", "origin", "url", stdin=None, input=lines.decode()).code == 0
    assert project.repo.state() == before
