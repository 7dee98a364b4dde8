"""`ralph-hooks fix` as a user meets it; what the ladder does is in tests/engine/repair/test_fixer.py."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.snapshot import open_repository
from tests.support.changes import BUGGY, EVAL
from tests.support.fixes import private_state, tree
from tests.support.patience import PATIENCE
from tests.support.project import BIN, TWO_LINES, Project, new_project, phases
from tests.support.repairs import Crew, repair
from tests.support.server import Finds, ModelServer, Reply, Request
from tests.support.terminal import at_terminal

EXEC = Finds("exec(", "Runs what the user wrote.")
SAFE = "def calculate(text):\n    return int(text)\n"
MENDS = ("a.py", "eval(text)", "int(text)")
BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made.configure()


def serve(project: Project, *finds: Finds, implement: Reply | None = None) -> ModelServer:
    """Models that find ``finds`` and mend ``a.py``; what they see of a repair is fine with them."""
    crew = Crew(
        *(finds or (EVAL,)),
        implement=[implement or repair(MENDS, summary="Parses a number instead of running code.")],
        holds=lambda claim: "After the repair" not in claim,
    )
    return project.models(crew, user=BUDGET)


def text(project: Project, path: str) -> str:
    return (project.repo.path / path).read_text(encoding="utf-8")


def test_without_a_terminal_the_fix_is_stored_and_how_to_apply_it_is_said(project: Project) -> None:
    serve(project)
    project.repo.stage({"a.py": BUGGY})
    files, ours = tree(project.repo), private_state(project.repo)
    ran = project.run("fix")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("ralph-hooks: REPAIRED: staged change: 1 blocking finding\n")
    [fix] = fixes.every(open_repository(project.repo.path))
    assert f"an unverified fix of 1 file (+1 -1) is stored: ralph-hooks apply {fix.id}" in ran.out
    assert fix.summary == "Parses a number instead of running code."
    assert (tree(project.repo), private_state(project.repo)) == (files, ours)
    assert project.run("apply").code == 0
    assert text(project, "a.py") == SAFE


def test_apply_brings_it_in_and_a_report_for_a_program_stays_one(project: Project) -> None:
    serve(project)
    project.repo.stage({"a.py": BUGGY})
    ran = project.run("fix", "--apply", "--format", "json")
    assert json.loads(ran.out)["fix"]["files"] == 1
    assert "Applied fix" in ran.err
    assert text(project, "a.py") == SAFE
    assert project.repo.git("show", ":a.py") + "\n" == BUGGY  # the index is the user's


@pytest.mark.parametrize(("answer", "applied"), [(b"y\n", True), (b"\n", False)])
def test_at_a_terminal_the_fix_is_shown_and_offered(project: Project, answer: bytes, applied: bool) -> None:  # noqa: FBT001 - pytest's
    serve(project)
    project.repo.stage({"a.py": BUGGY})
    question = "Apply it to your working tree?"
    args = [str(BIN / "ralph-hooks"), "fix"]
    env = {**project.environ, "TERM": "dumb"}
    code, seen = at_terminal(args, cwd=project.repo.path, env=env, question=question, answer=answer)
    assert code == 0
    assert "+    return int(text)" in seen
    assert text(project, "a.py") == (SAFE if applied else BUGGY)


def test_the_last_commit_is_repaired_where_nothing_is_staged(project: Project) -> None:
    serve(project)
    project.repo.commit({"a.py": BUGGY})
    judged = project.judge(command="fix")
    assert judged.code == 0
    assert judged.report["title"].startswith("commit ")
    assert "nothing is staged: repairing the last commit" in judged.notices
    assert judged.report["fix"]["files"] == 1


def test_a_range_is_repaired_where_it_is_named(project: Project) -> None:
    serve(project)
    start = project.repo.git("rev-parse", "HEAD")
    project.repo.commit({"a.py": BUGGY})
    project.repo.commit({"b.py": SAFE})
    judged = project.judge("--from-ref", start, command="fix")
    assert (judged.code, judged.report["paths"]) == (0, 2)


def test_before_the_first_commit_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_project(tmp_path, monkeypatch) as project:
        project.repo.git("update-ref", "-d", "HEAD")
        project.repo.git("rm", "-q", "--cached", "-r", ".")
        ran = project.run("fix")
    assert (ran.code, ran.out) == (2, "")
    assert "nothing is staged, and there is no commit yet" in ran.err


def test_what_passes_needs_no_repair(project: Project) -> None:
    server = serve(project)
    project.repo.stage({"a.py": SAFE})
    ran = project.run("fix")
    assert (ran.code, ran.out.partition(":")[0]) == (0, "ralph-hooks")
    assert "PASS: 1 file reviewed" in ran.out
    assert phases(server.requests) == ["analyze"]


def test_what_cannot_be_judged_is_not_called_repaired(project: Project) -> None:
    project.models(Reply.refusal(), user=BUDGET)
    project.repo.stage({"a.py": SAFE})
    ran = project.run("fix")
    assert ran.code == 3
    assert "NOT REVIEWED" in ran.out
    assert "not blocked" not in ran.out


@pytest.mark.parametrize("name", ["2", "fingerprint"])
def test_one_finding_alone_is_repaired(project: Project, name: str) -> None:
    server = serve(project, EVAL, EXEC)
    project.repo.stage({"a.py": BUGGY, "b.py": "exec(code)\n"})
    found = project.judge().findings
    number = 1 + next(index for index, finding in enumerate(found) if finding["path"] == "a.py")
    judged = project.judge(
        "--finding", str(number) if name == "2" else found[number - 1]["fingerprint"][:6], command="fix"
    )
    assert judged.code == 0
    asked = next(request for request in server.requests if request.phase == "implement").prompt
    assert EVAL.message in asked
    assert EXEC.message not in asked


@pytest.mark.parametrize("name", ["0", "7", "nothing"])
def test_a_finding_that_is_not_there_is_an_error_that_lists_those_that_are(project: Project, name: str) -> None:
    server = serve(project)
    project.repo.stage({"a.py": BUGGY})
    ran = project.run("fix", "--finding", name)
    assert (ran.code, ran.out) == (2, "")
    assert f"no finding has the number or fingerprint {name!r}" in ran.err
    assert "1: a.py:2 " in ran.err
    assert "implement" not in phases(server.requests)


def test_a_fix_that_is_there_is_not_paid_for_again_unless_asked_for(project: Project) -> None:
    server = serve(project)
    project.repo.stage({"a.py": BUGGY})
    first = project.judge(command="fix")
    asked = len(server.requests)
    again = project.judge(command="fix")
    assert (again.code, again.report["fix"]["id"]) == (0, first.report["fix"]["id"])
    assert "this fix was already stored and cost nothing" in again.notices
    assert len(server.requests) == asked
    other = project.judge("--again", command="fix")
    assert other.code == 0
    assert phases(server.requests).count("implement") == 2


def test_an_instruction_is_followed_where_the_gate_has_nothing_against_the_change(project: Project) -> None:
    server = serve(project, implement=repair(("a.py", "calculate", "parse")))
    project.repo.stage({"a.py": SAFE})
    ran = project.run("fix", "call", "it", "parse")
    assert ran.code == 0
    assert ran.out.startswith("ralph-hooks: REPAIRED: staged change: as you asked\n")
    asked = next(request for request in server.requests if request.phase == "implement").prompt
    assert asked.startswith("TASK: The user asks: call it parse\nBEGIN ")


def test_show_tells_the_steps_of_the_repair(project: Project) -> None:
    serve(project)
    project.repo.stage({"a.py": BUGGY})
    project.run("fix")
    shown = project.run("show").out
    assert "REPAIRED: staged change" in shown
    assert "implement (attempt 1 of 2): 1 edit in 1 file" in shown


def test_an_unapproved_repository_gets_nothing_run_or_sent(project: Project) -> None:
    server = serve(project)
    project.configure('[tool.ralph-hooks]\n[tool.ralph-hooks.verify]\ncommands = ["touch ran"]\n')
    project.repo.stage({"a.py": BUGGY})
    assert project.run("fix").code == 4
    assert server.requests == []


def test_ctrl_c_leaves_nothing_behind(project: Project, tmp_path: Path) -> None:
    asked = threading.Event()

    def answer(request: Request) -> Reply:
        if request.phase != "implement":
            return Crew(EVAL)(request)
        asked.set()
        return Reply.hang()

    project.models(answer, user=BUDGET)
    project.repo.stage({"a.py": BUGGY})
    before = project.repo.state()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {**project.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [BIN / "ralph-hooks", "fix"], cwd=project.repo.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert asked.wait(PATIENCE)
        assert list(temporary.glob("ralph-hooks-scratch-*"))
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, out) == (130, b"")
    assert b"interrupted" in err
    assert list(temporary.iterdir()) == []
    assert project.repo.state() == before
    assert project.ledger().unknown == 0  # the call that was under way is in the books
    assert project.ledger().cost_usd > 1


COUNTED = """
import sys
open({log!r}, "a").write("x")
sys.exit("eval" in open("a.py").read())
"""


def test_what_the_gate_has_just_seen_fail_is_not_run_again(project: Project) -> None:
    serve(project)
    log = project.home / "ran"
    command = f"commands = ['{sys.executable} check.py']\non = ['pre-commit']\n"
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\n{command}")
    project.repo.commit({"check.py": COUNTED.format(log=str(log)), "a.py": SAFE})
    assert project.run("trust", "--yes").code == 0
    project.repo.stage({"a.py": BUGGY})
    assert project.run("gate").code == 1
    assert log.read_text() == "xx"  # the change, and its base
    assert project.run("fix").code == 0
    assert log.read_text() == "xxx"  # the repair alone
    [verification] = project.last()["verification"]
    assert verification["from_store"] is True
    assert project.run("fix", "--again").code == 0
    assert log.read_text() == "xxxx"  # the change again; the same repair has passed
