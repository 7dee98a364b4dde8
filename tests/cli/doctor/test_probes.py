"""Each thing that doctor looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.asking import KEY, KEY_NAME
from tests.support.diagnosis import ALIVE, checks, of
from tests.support.project import EXPENSIVE, MODEL, TWO_LINES, Project
from tests.support.proxy import Proxy
from tests.support.server import Reply


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


def test_a_price_that_is_not_known_is_said_to_be(project: Project) -> None:
    project.models(ALIVE)
    project.configure(TWO_LINES.replace(MODEL, "scripted/nameless"))
    price, *_ = of(checks(project, "--offline"), "price")
    assert price == ("warn", "scripted/nameless: no known price")


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
        ("", "warn", "none found"),
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


def test_a_state_folder_that_cannot_be_made(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("")
    monkeypatch.setenv("RALPH_HOOKS_HOME", "/dev/null/ralph")
    ((status, message),) = of(checks(project, "--offline", code=1), "state")
    assert (status, message.split(":")[0]) == ("fail", "/dev/null/ralph/state cannot be written")


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
