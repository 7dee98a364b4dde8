"""``doctor`` says of everything that can be missing that it is, and what to do about it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.git.hooks import script
from tests.support.asking import KEY, KEY_NAME
from tests.support.hook_managers import Manager
from tests.support.project import BIN, EXPENSIVE, MODEL, TWO_LINES, Project
from tests.support.proxy import Proxy
from tests.support.server import Reply
from tests.support.stand_in import executable

ALIVE = Reply.json_text({"findings": []})


def checks(project: Project, *args: str, code: int | None = None) -> list[dict[str, Any]]:
    done = project.run("doctor", "--format", "json", *args)
    document = json.loads(done.out)
    assert document["ok"] is (done.code == 0)
    assert code in {None, done.code}, done.out
    found: list[dict[str, Any]] = document["checks"]
    assert all(bool(line["hint"]) is (line["status"] != "ok") for line in found)  # each says what to do, or nothing
    return found


def of(found: list[dict[str, Any]], check: str) -> list[tuple[str, str]]:
    """Status and message of all lines about ``check``."""
    return [(line["status"], line["message"]) for line in found if line["check"] == check]


def statuses(found: list[dict[str, Any]]) -> Mapping[str, list[str]]:
    return {
        check: [status for status, _ in of(found, check)] for check in dict.fromkeys(line["check"] for line in found)
    }


def test_all_is_well(project: Project) -> None:
    server = project.models(ALIVE)
    project.run("install")
    found = checks(project, code=0)
    assert statuses(found) == {
        "git": ["ok"],
        "python": ["ok"],
        "state": ["ok"],
        "repository": ["ok"],
        "configuration": ["ok"],
        "trust": ["ok"],
        "key": ["ok"],
        "price": ["ok", "ok"],
        "model": ["ok", "ok"],
        "hook": ["ok", "ok"],
    }
    assert len(server.requests) == 2
    assert sorted(request.body["model"] for request in server.requests) == ["big", "cheap"]
    ledger = project.ledger()
    assert ledger.calls == 2
    assert ledger.cost_usd > 0
    assert project.run("doctor").out.splitlines()[-1] == "No problems found."


def test_offline_sends_nothing(project: Project) -> None:
    server = project.models(ALIVE)
    found = checks(project, "--offline")
    assert of(found, "model") == []
    assert len(of(found, "price")) == 2
    assert server.requests == []


def test_a_key_is_never_shown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.models(Reply.status(401, {"error": {"message": f"bad key {KEY}"}}))
    assert of(checks(project), "key") == [("ok", f"scripted: {KEY_NAME} is there")]
    shown = project.run("doctor").out
    monkeypatch.setenv(KEY_NAME, f"{KEY} x")
    malformed = project.run("doctor")
    assert malformed.code == 1
    assert "malformed" in malformed.out
    assert KEY not in shown + malformed.out
    monkeypatch.delenv(KEY_NAME)
    found = checks(project, code=1)
    assert of(found, "key") == [("fail", f"no key for scripted: set {KEY_NAME}")]
    assert of(found, "model") == []  # said once is enough


def test_a_model_that_does_not_answer_fails_unless_another_stands_in(project: Project) -> None:
    project.models(lambda request: Reply.status(404) if request.body["model"] == "cheap" else ALIVE)
    found = of(checks(project, code=1), "model")
    assert [status for status, _ in found] == ["fail", "ok"]
    assert found[0][1].startswith(f"{MODEL}: ")
    project.configure(TWO_LINES.replace(f'cheap = "{MODEL}"', f'models.analyze = ["{MODEL}", "{EXPENSIVE}"]'))
    assert sorted(status for status, _ in of(checks(project), "model")) == ["ok", "warn"]


def test_a_proxy_that_nobody_has_allowed_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    corp = f'[providers.corp]\nwire = "openai"\nbase-url = "https://llm.invalid/v1"\napi-key-env = "{KEY_NAME}"\n'
    project.configure('[tool.ralph-hooks]\ncheap = "corp/small"\n', user=corp)
    for name in ("https_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Proxy("403 Forbidden") as other:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{other.host}")
        ignored = project.run("doctor").out
        project.write_user('proxy = "environment"\n' + corp)
        used = project.run("doctor").out
    assert "the proxy in HTTPS_PROXY is used once" in ignored
    assert f"the proxy {other.host} does not connect to llm.invalid (it answered 403)" in used
    assert "is used once" not in used


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply.text("I am fine, thank you."), 'it answers in prose, not in JSON: "I am fine, thank you."'),
        (Reply.json_text({"ok": True}), "its answer does not match the requested JSON schema: "),
        (Reply.text(""), "sent an empty answer"),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(project: Project, reply: Reply, told: str) -> None:
    project.models(reply)
    found = of(checks(project, code=1), "model")
    assert {status for status, _ in found} == {"fail"}
    assert told in found[0][1]


def test_it_is_asked_what_a_review_asks_and_an_overlooked_bug_is_told(project: Project) -> None:
    bug = {
        "path": "mean.py",
        "line": 3,
        "category": "logic",
        "severity": "error",
        "confidence": 0.9,
        "message": "It divides by 0.",
        "quote": "return total / 0",
    }
    found = Reply.json_text({"findings": [bug]})
    server = project.models(lambda request: found if request.body["model"] == "cheap" else ALIVE)
    (_, good), (_, blind) = of(checks(project), "model")
    assert "overlooked" not in good
    assert "missed the planted bug" in blind
    assert all("total / 0" in request.prompt for request in server.requests)


def test_a_budget_holds_for_it_too(project: Project) -> None:
    server = project.models(ALIVE, user="[budget]\nper-day = 0\n")
    found = of(checks(project, code=1), "model")
    assert all("budget" in message for _, message in found)
    assert server.requests == []


def test_a_price_that_is_not_known_is_said_to_be(project: Project) -> None:
    project.models(ALIVE)
    project.configure(TWO_LINES.replace(MODEL, "scripted/nameless"))
    price, *_ = of(checks(project, "--offline"), "price")
    assert price == ("warn", "scripted/nameless: not known")


def test_nothing_is_asked_before_it_is_approved(project: Project) -> None:
    server = project.models(ALIVE)
    project.configure(TWO_LINES + 'verify.commands = ["true"]\n')
    found = checks(project, code=1)
    assert of(found, "trust") == [("fail", "verify.commands: not approved, so nothing is reviewed")]
    assert server.requests == []
    project.run("trust", "--yes")
    assert of(checks(project), "trust") == [("ok", "verify.commands: approved")]
    assert len(server.requests) == 2


def test_each_linter_is_tried_on_one_file(project: Project) -> None:
    """One writes what it should, one is missing, one writes something else, and one has no file."""
    runs = {
        "fine": 'echo \'{"version": "2.1.0", "runs": []}\'',
        "missing": "no-such-linter {files}",
        "prose": "echo All is well.",
    }
    tables = [f"[[tool.ralph-hooks.linters]]\nname = '{name}'\nrun = {json.dumps(run)}\n" for name, run in runs.items()]
    tables.append("[[tool.ralph-hooks.linters]]\nname = 'go'\nrun = 'go vet'\npaths = ['*.go']\n")
    project.configure("[tool.ralph-hooks]\n" + "".join(tables))
    project.run("trust", "--yes")
    lines = [line for line in project.run("doctor", "--offline").out.splitlines() if "linter  " in line]
    assert [line.split()[0] for line in lines] == ["ok", "warn", "warn", "warn"]
    assert "missing: it could not be started (exit code 127" in lines[1]
    assert "prose: its output is not sarif" in lines[2]
    assert "go: no file of HEAD matches its paths" in lines[3]


def test_an_agent_is_looked_for(project: Project) -> None:
    project.models(ALIVE)
    agent = '[providers.helper]\nwire = "agent"\ncommand = ["no-such-agent", "-p"]\n'
    project.write_user((project.home / "config.toml").read_text(encoding="utf-8") + agent)
    project.configure(TWO_LINES.replace(EXPENSIVE, "helper/any"))
    found = checks(project, "--offline", code=1)
    assert of(found, "agent") == [("fail", "helper: no-such-agent was not found on PATH")]
    assert len(of(found, "price")) == 1


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("", "warn", "there is none"),
        ("[tool.ralph-hooks]\ngate.deadline = 5\n", "warn", "no model is configured"),
        (f'[tool.ralph-hooks]\ncheap = "{MODEL}"\n', "warn", "no model for implement"),
        ("[tool.ralph-hooks]\ngate.deadlin = 5\n", "fail", "gate.deadlin"),
        ("[tool.ralph-hooks\n", "fail", "not valid TOML"),
    ],
)
def test_the_configuration(project: Project, text: str, status: str, words: str) -> None:
    if text:
        project.models(ALIVE)
    project.configure(text)
    (found,) = of(checks(project, "--offline"), "configuration")
    assert found[0] == status
    assert words in found[1]


def test_outside_of_a_repository(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = checks(project, code=1)
    assert statuses(found) == {"git": ["ok"], "python": ["ok"], "state": ["ok"], "repository": ["fail"]}


def test_a_state_folder_that_cannot_be_made(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("")
    monkeypatch.setenv("RALPH_HOOKS_HOME", "/dev/null/ralph")
    ((status, message),) = of(checks(project, "--offline", code=1), "state")
    assert (status, message.split(":")[0]) == ("fail", "/dev/null/ralph/state cannot be written")


def test_in_a_folder_that_was_removed(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert of(checks(project, code=1), "repository") == [("fail", "the current folder no longer exists")]
    monkeypatch.chdir(tmp_path)


def test_a_state_folder_that_is_none(project: Project) -> None:
    project.home.mkdir(exist_ok=True)
    (project.home / "state").write_text("a file\n", encoding="utf-8")
    ((status, message),) = of(checks(project, "--offline", code=1), "state")
    assert status == "fail"
    assert "is not a folder" in message


def test_an_old_git_is_named(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho git version 2.17.1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert of(checks(project, "--offline", code=1), "git") == [("fail", "2.17.1 is too old")]
    program.unlink()
    assert of(checks(project, "--offline", code=1), "git") == [("fail", "git was not found on PATH")]


class TestHooks:
    @pytest.fixture(autouse=True)
    def _models(self, project: Project) -> None:
        project.models(ALIVE)

    def hooks(self, project: Project) -> list[tuple[str, str]]:
        return of(checks(project, "--offline"), "hook")

    @staticmethod
    def script(project: Project) -> Path:
        return project.repo.path / ".git" / "hooks" / "pre-commit"

    def test_none(self, project: Project) -> None:
        assert [status for status, _ in self.hooks(project)] == ["fail", "fail"]

    def test_one_of_the_two_may_be_all_that_is_wanted(self, project: Project) -> None:
        project.run("install", "--hook", "pre-push")
        assert self.hooks(project) == [
            ("warn", "pre-commit: no commit is reviewed (.git/hooks/pre-commit)"),
            ("ok", "pre-push: native hook, runs first (.git/hooks/pre-push)"),
        ]

    def test_one_that_git_leaves_alone(self, project: Project) -> None:
        project.run("install")
        self.script(project).chmod(0o644)
        assert "is not executable, so git ignores it" in self.hooks(project)[0][1]

    def test_one_that_was_edited(self, project: Project) -> None:
        project.run("install")
        path = self.script(project)
        path.write_text(path.read_text(encoding="utf-8") + ":\n", encoding="utf-8")
        assert self.hooks(project)[0] == ("warn", "pre-commit: .git/hooks/pre-commit was edited by hand")

    def test_one_whose_interpreter_is_gone(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        python = tmp_path / "python"
        python.symlink_to(BIN / "python")
        monkeypatch.setattr("sys.executable", str(python))
        project.run("install")
        python.unlink()
        assert self.hooks(project)[0][0] == "warn"
        monkeypatch.setenv("PATH", re.sub(f"{BIN}{os.pathsep}?", "", os.environ["PATH"]))
        assert self.hooks(project)[0] == ("fail", f"pre-commit: {python}, which it runs, no longer exists")

    def test_one_of_another_policy(self, project: Project) -> None:
        project.run("install")
        project.configure(f'{TWO_LINES}gate.when-unavailable = "closed"\n')
        said = ("warn", "pre-commit: .git/hooks/pre-commit was installed with when-unavailable = open")
        assert self.hooks(project)[0] == said

    def test_one_of_an_older_version(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("ralph_hooks.git.hooks.script.VERSION", script.VERSION - 1)
            project.run("install")
        said = "pre-commit: .git/hooks/pre-commit was written by an older ralph-hooks"
        assert self.hooks(project)[0] == ("warn", said)
        project.run("install")
        assert self.hooks(project)[0][0] == "ok"

    def test_a_manager_that_keeps_gits_lines_back(self, project: Project) -> None:
        """Under lefthook a job has no standard input unless it asks for it: it sees no ref, and passes."""
        executable(self.script(project).with_name("pre-push"), "#!/bin/sh\ncall_lefthook run pre-push\n")
        job = "pre-push:\n  jobs:\n    - run: ralph-hooks pre-push {1} {2}\n"
        project.repo.write({"lefthook.yml": job + "      # use_stdin: true\n"})
        said = "pre-push: lefthook does not pass on git's list of pushed refs: no push is reviewed"
        assert self.hooks(project)[1] == ("fail", said)
        project.repo.write({"lefthook.yml": job + "      use_stdin: true\n"})
        assert self.hooks(project)[1] == ("ok", "pre-push: lefthook runs ralph-hooks (lefthook.yml)")

    def test_somebody_elses(self, project: Project) -> None:
        self.script(project).write_text("#!/bin/sh\n", encoding="utf-8")
        self.script(project).chmod(0o755)
        said = "pre-commit: a script is installed and does not run ralph-hooks (.git/hooks/pre-commit)"
        assert self.hooks(project)[0] == ("fail", said)

    def test_turned_off(self, project: Project) -> None:
        project.repo.git("config", "core.hooksPath", "/dev/null")
        ((status, message),) = self.hooks(project)
        assert status == "fail"
        assert "hooks are turned off" in message

    def test_pre_commit_with_and_without_its_hook(self, project: Project) -> None:
        manager = Manager("pre-commit", project.repo)
        manager.install("pre-commit")
        assert "pre-commit's script is installed and does not run ralph-hooks" in self.hooks(project)[0][1]
        path = project.repo.path / ".pre-commit-config.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("log-pre-commit", "ralph-gate"), encoding="utf-8")
        assert self.hooks(project)[0] == ("ok", "pre-commit: pre-commit runs ralph-hooks (.pre-commit-config.yaml)")
        self.script(project).unlink()
        said = "pre-commit: .pre-commit-config.yaml runs ralph-hooks, but pre-commit's hook is not installed"
        assert self.hooks(project)[0][1] == said

    def test_a_legacy_hook_and_a_second_judge(self, project: Project) -> None:
        project.run("install", "--hook", "pre-commit")
        Manager("pre-commit", project.repo).install("pre-commit")
        said = "pre-commit: pre-commit runs the native hook as its legacy hook (.git/hooks/pre-commit)"
        assert self.hooks(project)[0] == ("ok", said)
        project.run("uninstall")
        project.run("install")
        path = project.repo.path / ".pre-commit-config.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("log-pre-commit", "ralph-gate"), encoding="utf-8")
        assert "reviewed twice, by the native hook and through .pre-commit-config.yaml" in self.hooks(project)[0][1]
