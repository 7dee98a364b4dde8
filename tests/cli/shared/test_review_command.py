"""What the judging commands share: the change they take, the form they answer in, the code they end with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.support.changes import EVAL
from tests.support.project import BIN, TWO_LINES, Project
from tests.support.reviewed import CLEAN
from tests.support.server import ModelServer, Reply, analyst
from tests.support.terminal import at_terminal

BUGGY = "def run(text):\n    return eval(text)\n"
FORMATS = ("text", "json", "sarif", "github", "agent")


@pytest.fixture(autouse=True)
def server(project: Project) -> ModelServer:
    return project.models(analyst(EVAL))


def prompts(server: ModelServer) -> list[str]:
    """What was asked so far, without the random markers; the server forgets it."""
    asked = [re.sub(r"\b[0-9a-f]{10}(?=i?$)", "", request.prompt, flags=re.MULTILINE) for request in server.requests]
    server.requests.clear()
    return asked


@pytest.mark.parametrize(
    "how", [("--commit", "HEAD"), ("--from-ref", "HEAD~1"), ("--from-ref", "HEAD~1", "--to-ref", "HEAD")]
)
def test_history_gives_the_same_change_as_staging(project: Project, server: ModelServer, how: tuple[str, ...]) -> None:
    repo = project.repo
    long = "".join(f"x{n} = {n}\n" for n in range(40))
    repo.commit({"gone.py": CLEAN, "old.py": long, "mode.sh": "#!/bin/sh\n", "a.py": CLEAN})
    repo.git("mv", "old.py", "new.py")
    repo.git("update-index", "--chmod=+x", "mode.sh")
    repo.stage({"gone.py": None, "new.py": long + "y = eval('1')\n", "a.py": BUGGY, "b.lock": "x\n", "c.bin": b"\0"})
    said = () if how[0] == "--commit" else ("--intent", "change")  # a range tells its messages
    staged = project.judge(*said)
    expected = prompts(server)
    repo.commit(message="change")
    shutil.rmtree(project.home / "state")  # nothing is known any more
    later = project.judge(*how)
    assert prompts(server) == expected
    for field in ("tree", "verdict", "reason", "paths", "reviewed", "findings", "unreviewed"):
        assert later.report[field] == staged.report[field], field
    assert later.report["tree"] == repo.tree()


def test_a_hook_manager_names_the_range_in_the_environment(
    project: Project, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = project.repo.git("rev-parse", "HEAD")
    project.repo.commit({"a.py": BUGGY})
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", base)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", project.repo.git("rev-parse", "HEAD"))
    judged = project.judge()
    assert (judged.code, len(server.requests)) == (1, 2)
    assert project.judge("--commit", "HEAD").code == 1  # what is asked for by name wins


def test_a_range_is_judged_from_where_the_branches_parted(project: Project, server: ModelServer) -> None:
    repo = project.repo
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"topic.py": CLEAN})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"main.py": BUGGY})
    judged = project.judge("--from-ref", "main", "--to-ref", "topic")
    assert (judged.code, judged.report["paths"], judged.report["title"]) == (0, 1, "main..topic")
    assert len(server.requests) == 1


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("text", "code"), [(BUGGY, 1), (CLEAN, 0)], ids=["blocked", "clean"])
def test_every_format_says_it_and_the_exit_code_is_the_same(
    project: Project, format_: str, text: str, code: int
) -> None:
    project.repo.stage({"a.py": text})
    done = project.run("gate", "--format", format_)
    assert (done.code, done.err) == (code, "")
    assert ("Runs what the user typed." in done.out) is bool(code)
    assert done.out.endswith("\n") or (format_ == "github" and not done.out)
    if format_ in {"json", "sarif"}:
        json.loads(done.out)


@pytest.mark.parametrize(("text", "code"), [(BUGGY, 1), (CLEAN, 0)], ids=["blocked", "clean"])
def test_a_report_in_a_file_leaves_the_words_on_the_screen(project: Project, text: str, code: int) -> None:
    project.repo.stage({"a.py": text})
    target = project.home / "report.json"
    done = project.run("gate", "--format", "json", "--output", str(target))
    assert (done.code, done.out) == (code, "")
    assert json.loads(target.read_text(encoding="utf-8"))["exit_code"] == code
    assert ("FAIL" if code else "PASS: 1 file reviewed") in done.err


def test_what_was_not_judged_is_said_aloud_beside_a_report_in_a_file(project: Project) -> None:
    project.models(Reply.refusal())
    project.repo.stage({"a.py": CLEAN})
    done = project.run("gate", "--format", "sarif", "--output", str(project.home / "report.sarif"))
    assert done.code == 0
    assert "NOT REVIEWED" in done.err


def test_a_file_that_cannot_be_written_is_named(project: Project) -> None:
    project.repo.stage({"a.py": CLEAN})
    done = project.run("gate", "--output", str(project.home / "no" / "such" / "folder"))
    assert done.code == 2
    assert "cannot write" in done.err
    assert "No such file or directory" in done.err


def test_what_blocks_shows_the_place_the_line_and_a_mark_under_the_quote(project: Project) -> None:
    project.repo.stage({"a.py": BUGGY})
    shown = project.run("gate").out
    assert "a.py:2: error bug (confidence 0.95, scripted/cheap)\n  Runs what the user typed.\n" in shown
    assert "  2 |     return eval(text)\n    |     ^^^^^^^^^^^^^^^^^\n" in shown
    assert "what to do" in shown


@pytest.mark.parametrize("command", ["gate", "analyze", "verify"])
def test_a_command_is_named_in_its_report(project: Project, command: str) -> None:
    project.repo.stage({"a.py": CLEAN})
    assert project.judge(command=command).report["command"] == command


def test_a_subfolder_judges_the_whole_change(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.repo.stage({"a.py": BUGGY, "deep/er/b.py": CLEAN})
    monkeypatch.chdir(project.repo.path / "deep" / "er")
    judged = project.judge()
    assert (judged.code, judged.report["paths"]) == (1, 2)


@pytest.mark.parametrize(("text", "code"), [(BUGGY, 1), (CLEAN, 0)], ids=["blocked", "clean"])
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_reader_that_goes_away_changes_no_verdict(project: Project, text: str, code: int, format_: str) -> None:
    project.repo.stage({"a.py": text})
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [BIN / "ralph-hooks", "gate", "--format", format_],
        cwd=project.repo.path,
        env=project.environ,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_change_no_verdict(project: Project, streams: str) -> None:
    project.repo.stage({"a.py": BUGGY})
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec ralph-hooks gate {streams}"],
        cwd=project.repo.path,
        env=project.environ,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")  # noqa: PTH110 - no Path needed
def test_a_full_disk_behind_the_output_is_told_in_words(project: Project) -> None:
    project.repo.stage({"a.py": BUGGY})
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = project.program("gate", stdout=full)
    assert done.code == 2
    assert "cannot print the report: No space left on device" in done.err
    assert "Traceback" not in done.err


def test_colour_is_for_terminals_and_never_against_no_color(project: Project) -> None:
    project.repo.stage({"a.py": BUGGY})
    args = [str(BIN / "ralph-hooks"), "gate"]
    env = {**project.environ, "TERM": "xterm"}
    code, shown = at_terminal(args, cwd=project.repo.path, env=env)
    assert code == 1
    assert "\x1b[" in shown
    for against in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        code, shown = at_terminal(args, cwd=project.repo.path, env={**env, **against})
        assert (code, "\x1b[" in shown) == (1, False)
    assert "\x1b[" not in project.program("gate").out


def test_the_push_policy_is_not_the_gates(project: Project) -> None:
    project.configure(TWO_LINES + '[tool.ralph-hooks.push]\nwhen-unavailable = "closed"\n')
    project.models(Reply.refusal())
    project.repo.stage({"a.py": CLEAN})
    assert project.judge().code == 0
