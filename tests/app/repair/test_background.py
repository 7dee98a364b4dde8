"""A refused commit returns at once; the repair goes on without it, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.core.job import Job, JobState
from tests.support.changes import BUGGY, EVAL
from tests.support.fixes import in_store
from tests.support.matrix import MORE
from tests.support.patience import PATIENCE
from tests.support.project import BIN, TWO_LINES, Project, phases
from tests.support.push import Remote
from tests.support.repairs import Crew, plan, repair
from tests.support.server import ModelServer, Reply, Request
from tests.support.stand_in import executable
from tests.support.terminal import at_terminal

MENDED = "def calculate(text):\n    return int(text)\n"
MENDS = repair(("calc.py", "return eval(text)", "return int(text)"))
BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"
PRE_COMMIT = f"""\
repos:
  - repo: local
    hooks:
      - id: ralph-gate
        name: ralph-hooks gate
        entry: {BIN / "ralph-hooks"} gate
        language: system
        pass_filenames: false
        always_run: true
        verbose: true
"""


@pytest.fixture(autouse=True)
def temporary(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder for this test alone, so that what is left behind shows."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    project.environ |= {"TMPDIR": str(folder), "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"), "CI": ""}
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("CI", "")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def the_job(project: Project) -> Job:
    [job] = project.jobs.all()
    return job


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"it did not come to this: {what}"
        time.sleep(0.02)


def ended(project: Project) -> Job:
    """The one job, once its process has gone."""
    until(lambda: project.jobs.all() and not project.jobs.runs(the_job(project)), "the job has ended")
    return the_job(project)


def pins(project: Project) -> list[str]:
    return in_store(project.repo).git("for-each-ref", "--format=%(refname)", "refs/ralph/jobs").split()


def with_hook(project: Project, crew: Crew, *lines: str, framework: bool = False) -> ModelServer:
    """The project with a hook, git's own or real pre-commit's, and ``crew`` to answer for its models."""
    server = project.models(crew, user=BUDGET)
    fix = "\n".join(["[tool.ralph-hooks.fix]", *lines])
    project.configure(f'{TWO_LINES}on-failure = "fix"\n{fix}\n')
    project.repo.commit({".pre-commit-config.yaml": PRE_COMMIT, "calc.py": MENDED})
    if not framework:
        executable(project.repo.path / ".git/hooks/pre-commit", f"#!/bin/sh\nexec {BIN}/ralph-hooks gate\n")
        return server
    subprocess.run(
        [BIN / "pre-commit", "install"], cwd=project.repo.path, env=project.environ, check=True, capture_output=True
    )
    return server


def commit(project: Project, *args: str) -> str:
    """A refused `git commit`: what it said. It fails the test where the hook is waited for."""
    done = subprocess.run(
        ["git", "commit", "-m", "change", *args],
        cwd=project.repo.path,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


def by_hand(project: Project, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / "ralph-hooks", *args],
        cwd=project.repo.path,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(server: ModelServer, phase: str) -> int:
    return phases(list(server.requests)).count(phase)


def test_a_refused_commit_returns_while_the_repair_goes_on_and_can_be_ended(project: Project, temporary: Path) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]), framework=True)
    project.repo.stage({"calc.py": BUGGY})
    tree = project.repo.git("write-tree")
    said = commit(project)  # a hook that waited would never return: nobody answers
    assert "a repair is running" in said
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    job = the_job(project)
    assert (job.tree, job.state, job.step) == (tree, JobState.RUNNING, "implement")
    assert pins(project) == [f"refs/ralph/jobs/{tree}"]
    assert list(temporary.iterdir()) != []

    shown = project.run("show")
    assert "A repair of staged change is running: implement" in shown.err
    assert project.last()["job"]["state"] == "running"
    again = project.judge()
    assert (again.code, again.report["job"]["state"], again.report["fix"]) == (1, "running", None)

    cancelled = project.run("fix", "--cancel")
    assert (cancelled.code, cancelled.out) == (0, "Stopped the repair of staged change.\n")
    until(lambda: not alive(job.pid), "its process has gone")
    assert ended(project).state is JobState.CANCELLED
    assert pins(project) == []
    assert list(temporary.iterdir()) == []
    assert asked(server, "implement") == 1
    assert project.run("fix", "--cancel").out == "No repair is running in the background.\n"
    assert "it was cancelled; ralph-hooks fix tries again" in commit(project)


def alive(pid: int) -> bool:
    """A process that only waits for its parent to take notice of its end is none any more."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


@pytest.mark.parametrize("args", [("-a",), pytest.param((), marks=MORE), pytest.param(("--", "calc.py"), marks=MORE)])
def test_apply_waits_for_the_fix_and_the_commit_then_passes(project: Project, args: tuple[str, ...]) -> None:
    """Whichever way the commit was made: the index that git hands to the hook is gone when the repair begins."""
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.write({"calc.py": BUGGY, "other.py": "other = 1\n"})
    if not args:
        project.repo.stage({"calc.py": BUGGY})
    commit(project, *args)
    applied = project.program("apply")
    assert applied.code == 0, applied.err
    assert (project.repo.path / "calc.py").read_text() == MENDED
    assert ended(project).state is JobState.FINISHED
    assert pins(project) == []
    assert asked(server, "implement") == 1
    shown = project.run("show", "--format", "json")
    assert json.loads(shown.out)["job"]["state"] == "finished"


def test_a_stored_fix_is_told_and_not_made_again(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    fix = ended(project).fix
    assert f"ralph-hooks apply {fix}" in commit(project)
    judged = project.judge()
    assert (judged.report["fix"]["id"], judged.report["job"]) == (fix, None)
    assert asked(server, "implement") == 1


def test_what_was_tried_in_vain_is_not_tried_again_by_a_hook(project: Project, temporary: Path) -> None:
    wrong = repair(("calc.py", "return eval(text)", "return eval(text.strip())"))
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[wrong]), "attempts = 1", "rounds = 0")
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    job = ended(project)
    assert (job.state, job.settled) == (JobState.FAILED, True)
    assert job.outcome.startswith("not repaired: repair failed after 1 attempt")
    assert "an earlier repair ended" in commit(project)
    assert asked(server, "implement") == 1
    failed = project.run("apply")
    assert (
        failed.code,
        "there is no fix of staged change: not repaired: repair failed after 1 attempt" in failed.err,
    ) == (1, True)
    assert list(temporary.iterdir()) == []
    assert pins(project) == []


def test_a_repair_that_an_outage_stopped_is_begun_again(project: Project) -> None:
    refused = Reply.status(401)
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[refused, MENDS]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    job = ended(project)
    assert (job.state, job.settled) == (JobState.FAILED, False)
    assert "(401)" in job.outcome
    commit(project)
    assert ended(project).state is JobState.FINISHED
    assert asked(server, "implement") == 2


def test_two_hooks_at_once_start_one_repair(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    project.judge()  # the verdict is known now, so that both get to the repair at the same time
    project.jobs.cancel(the_job(project))
    state = project.home / "state"
    for path in sorted((state / "jobs").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    before = {phase: asked(server, phase) for phase in ("plan", "implement")}
    gates = [
        subprocess.Popen(
            [BIN / "ralph-hooks", "gate", "--format", "json"],
            cwd=project.repo.path,
            env=project.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    reports = [json.loads(gate.communicate(timeout=PATIENCE)[0]) for gate in gates]
    assert [report["job"]["state"] for report in reports] == ["running", "running"]
    until(lambda: asked(server, "implement") > before["implement"], "the repair asks the expensive model")
    assert the_job(project).state is JobState.RUNNING
    assert asked(server, "plan") == before["plan"] + 1


def test_a_killed_repair_leaves_nothing_once_the_next_command_has_looked(project: Project, temporary: Path) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    job = the_job(project)
    os.kill(job.pid, signal.SIGKILL)
    until(lambda: not project.jobs.runs(job), "it is gone")
    assert list(temporary.iterdir()) != []
    told = project.run("cost")
    assert "the repair of staged change was killed, and its files are removed" in told.err
    assert list(temporary.iterdir()) == []
    assert pins(project) == []
    assert project.jobs.all() == ()
    assert [path.name for path in (project.home / "state" / "jobs").rglob("*") if path.is_file()] == []
    assert "killed" not in project.run("cost").err


def test_apply_that_waits_for_a_killed_repair_says_so(project: Project, temporary: Path) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    job = the_job(project)
    waiting = by_hand(project, "apply")
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("Waiting for the repair of staged change (implement")
    os.kill(job.pid, signal.SIGKILL)
    assert "was killed" in waiting.communicate(timeout=PATIENCE)[1]
    assert waiting.returncode == 1
    assert list(temporary.iterdir()) == []


def test_a_repair_survives_the_terminal(project: Project) -> None:
    gate = Gate(MENDS)
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[gate]))
    project.repo.stage({"calc.py": BUGGY})
    code, said = at_terminal(["git", "commit", "-m", "change"], cwd=project.repo.path, env=project.environ)
    assert (code, "a repair is running" in said) == (1, True)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")  # the terminal is closed by now
    gate.opened.set()
    assert ended(project).state is JobState.FINISHED


class Gate:
    """An answer that comes when the test lets it."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.opened = threading.Event()

    def __call__(self, _: Request) -> Reply:
        assert self.opened.wait(PATIENCE)
        return self._reply


@pytest.mark.parametrize("first", ["commit", pytest.param("fix", marks=MORE)])
def test_whoever_wants_the_same_repair_waits_for_the_one_that_goes_on(project: Project, first: str) -> None:
    gate = Gate(MENDS)
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[gate]))
    project.repo.stage({"calc.py": BUGGY})
    started = by_hand(project, "fix") if first == "fix" else None
    if first == "commit":
        commit(project)
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    assert project.judge().report["job"]["state"] == "running"
    assert "A repair of staged change is running: implement" in project.run("show").err
    waiting = [by_hand(project, "fix", "--format", "json"), by_hand(project, "apply")]
    for process in waiting:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Waiting for the repair of staged change (implement")
    gate.opened.set()
    again, _ = (process.communicate(timeout=PATIENCE)[0] for process in waiting)
    assert [process.returncode for process in waiting] == [0, 0]
    assert "this fix was already stored" in "".join(json.loads(again)["notices"])
    assert json.loads(again)["fix"]["id"] == the_job(project).fix
    assert (project.repo.path / "calc.py").read_text() == MENDED
    assert asked(server, "implement") == 1
    if started:
        started.communicate(timeout=PATIENCE)
        assert started.returncode == 0


def test_who_has_waited_for_what_did_not_do_does_not_pay_for_the_same(project: Project) -> None:
    gate = Gate(repair(("calc.py", "return eval(text)", "return eval(text.strip())")))
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[gate]), "attempts = 1", "rounds = 0")
    project.repo.stage({"calc.py": BUGGY})
    first = by_hand(project, "fix")
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    second = by_hand(project, "fix")
    assert second.stderr is not None
    assert second.stderr.readline().startswith("Waiting for the repair of staged change")
    gate.opened.set()
    said = [process.communicate(timeout=PATIENCE)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [1, 1]
    assert "there is no fix of staged change: not repaired: repair failed after 1 attempt" in said[1]
    assert asked(server, "implement") == 1


@pytest.mark.parametrize("how", ["cancelled", "killed"])
def test_a_fix_by_hand_can_be_ended_from_elsewhere_and_leaves_nothing(
    project: Project, temporary: Path, how: str
) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]))
    project.repo.stage({"calc.py": BUGGY})
    started = by_hand(project, "fix")
    until(lambda: asked(server, "implement"), "the repair asks the expensive model")
    if how == "cancelled":
        assert project.run("fix", "--cancel").out == "Stopped the repair of staged change.\n"
        assert "interrupted" in started.communicate(timeout=PATIENCE)[1]
        assert (started.returncode, the_job(project).state) == (130, JobState.CANCELLED)
    else:
        started.kill()
        started.communicate(timeout=PATIENCE)
        assert "the repair of staged change was killed, and its files are removed" in project.run("cost").err
        assert project.jobs.all() == ()
    assert list(temporary.iterdir()) == []


def test_what_was_tried_in_vain_by_hand_is_not_tried_again_by_a_hook(project: Project) -> None:
    wrong = repair(("calc.py", "return eval(text)", "return eval(text.strip())"))
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[wrong]), "attempts = 1", "rounds = 0")
    project.repo.stage({"calc.py": BUGGY})
    assert project.run("fix").code == 1
    assert "an earlier repair ended: not repaired: repair failed after 1 attempt" in commit(project)
    assert asked(server, "implement") == 1
    assert project.run("fix", "--finding", "1").code == 1  # by hand it is
    assert asked(server, "implement") == 2
    project.repo.stage({"calc.py": MENDED})
    assert (project.run("fix").code, len(project.jobs.all())) == (0, 1)  # where nothing is wrong there is no record


@pytest.mark.parametrize("ci", ["", pytest.param("true", marks=MORE)])
def test_of_a_push_of_several_refs_the_first_that_is_refused_is_repaired(
    project: Project, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    monkeypatch.setenv("CI", ci)
    remote, repo = Remote(project), project.repo
    repo.commit({"fine.py": "fine = 1\n"})
    for branch in ("broken", "worse"):
        repo.git("checkout", "--quiet", "-b", branch)
        repo.commit({"calc.py": BUGGY, "more.py": f"{branch} = 1\n"} if branch == "broken" else {"more.py": BUGGY})
    judged = remote.push("main", "worse", "broken")
    assert [ref["verdict"] for ref in judged.report["refs"]] == ["pass", "fail", "fail"]
    assert judged.report["tree"] == repo.tree("broken")
    assert {finding["message"][-10:] for finding in judged.blocking} == {"in broken)", "(in worse)"}
    assert "only broken of the rejected refs is repaired; push worse again" in judged.notices
    if ci:
        assert judged.report["fix"]["files"] == 1
    else:
        assert judged.report["job"]["state"] == "running"
        assert (ended(project).tree, ended(project).state) == (repo.tree("broken"), JobState.FINISHED)
    alone = remote.push("broken").report
    assert (alone["fix"]["files"], "only" in "".join(alone["notices"])) == (1, False)
    assert asked(server, "implement") == 1
    repo.git("checkout", "--quiet", "broken")
    assert project.run("apply").code == 0
    assert (repo.path / "calc.py").read_text() == MENDED


def test_its_deadline_ends_a_repair(project: Project, temporary: Path) -> None:
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[Reply.hang()]), "deadline = 2")
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    job = ended(project)
    assert (job.state, job.settled) == (JobState.FAILED, False)
    assert "deadline" in job.outcome
    assert list(temporary.iterdir()) == []
    assert pins(project) == []


@pytest.mark.parametrize(("ci", "setting"), [("true", ()), ("", ('in-hook = "foreground"',))])
def test_where_nobody_sits_at_a_terminal_or_waits_on_purpose_the_hook_repairs(
    project: Project, monkeypatch: pytest.MonkeyPatch, ci: str, setting: tuple[str, ...]
) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]), *setting)
    monkeypatch.setenv("CI", ci)
    project.repo.stage({"calc.py": BUGGY})
    judged = project.judge()
    assert judged.code == 1
    assert judged.report["fix"]["files"] == 1
    assert judged.report["job"] is None
    assert [call["phase"] for call in judged.sent] == ["analyze", "verify", "plan", "implement"]
    assert judged.report["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in judged.sent))
    assert the_job(project).state is JobState.FINISHED
    assert asked(server, "implement") == 1


def test_what_the_hook_and_the_repair_spend_is_in_one_ledger(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    assert ended(project).state is JobState.FINISHED
    assert phases(server.requests) == ["analyze", "verify", "plan", "implement"]
    assert project.ledger().calls == 4


@pytest.mark.parametrize(
    ("expensive", "said"),
    [("", ""), ('expensive = "keyless/big"', "no repair was started: no key for keyless: set OTHER_KEY")],
)
def test_without_a_model_to_implement_it_nothing_is_started(project: Project, expensive: str, said: str) -> None:
    project.models(Crew(EVAL))
    path = project.home / "config.toml"
    path.write_text(
        path.read_text() + '[providers.keyless]\nbase-url = "http://127.0.0.1:9/v1"\napi-key-env = "OTHER_KEY"\n'
    )
    project.configure(f'[tool.ralph-hooks]\non-failure = "fix"\ncheap = "scripted/cheap"\n{expensive}\n')
    project.repo.stage({"calc.py": BUGGY})
    judged = project.judge()
    assert (judged.code, judged.report["job"]) == (1, None)
    assert judged.notices == said
    assert not (project.home / "state" / "jobs").exists()


def test_nothing_is_repaired_that_passes_or_that_is_not_to_be(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": "def calculate(text):\n    return float(text)\n"})
    assert project.judge().code == 0
    project.repo.stage({"calc.py": BUGGY})
    assert project.judge(command="analyze").code == 1
    sha = project.repo.commit({"calc.py": BUGGY})
    assert project.judge("--commit", sha).code == 1  # looked at by hand: nobody asked for its repair
    project.configure(TWO_LINES + 'on-failure = "block"\n')
    project.repo.stage({"other.py": BUGGY})
    assert project.judge().code == 1
    assert asked(server, "plan") == 0
    assert project.jobs.all() == ()


def test_a_secret_is_not_repaired(project: Project) -> None:
    import random

    from tests.support.credentials import SERVICES

    server = with_hook(project, Crew(EVAL, implement=[MENDS]))
    project.repo.stage({"calc.py": f'KEY = "{SERVICES["AWS access key id"](random.Random(3))}"\n'})
    assert project.judge().report["job"] is None
    assert asked(server, "plan") == 0


def test_modules_of_the_repository_are_not_imported_by_the_repair(project: Project, tmp_path: Path) -> None:
    """It is started in the repository's folder, where Python would look for modules first."""
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    project.repo.commit({"click.py": trap, "msgspec.py": trap, "ralph_hooks/__init__.py": trap})
    project.repo.stage({"calc.py": BUGGY})
    commit(project)
    assert ended(project).state is JobState.FINISHED
    assert not (tmp_path / "ran").exists()


def test_the_hook_writes_nothing_but_its_refs_and_objects(project: Project) -> None:
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": BUGGY}).write({"calc.py": BUGGY + "\nunstaged = 1\n", "untracked.py": "u = 1\n"})

    def state() -> dict[str, Any]:
        ours = (".git/ralph-hooks/", ".git/objects/")
        return {name: data for name, data in project.repo.state().items() if not name.startswith(ours)}

    before = state()
    assert project.judge().code == 1
    assert ended(project).state is JobState.FINISHED
    assert state() == before


def test_a_hook_without_a_place_for_the_state_refuses_all_the_same(project: Project) -> None:
    with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    state = project.home / "state"
    state.mkdir(exist_ok=True)
    (state / "jobs").write_text("in the way")
    project.repo.stage({"calc.py": BUGGY})
    judged = project.judge()
    assert (judged.code, judged.report["job"]) == (1, None)
    assert "the repair could not be started" in judged.err
