"""``init`` sets a repository up by what is there, shows it first, and changes nothing the second time."""

from __future__ import annotations

import json
import os
import pty
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tomli

from ralph_hooks.cli.init.model_choice import COMMIT, REPAIR
from ralph_hooks.providers import registry
from ralph_hooks.providers.defaults import defaults
from tests.support.hook_managers import Manager, missing
from tests.support.ports import free_port
from tests.support.project import Project
from tests.support.server import Reply
from tests.support.stand_in import executable

KEY = "sk-made-up-0123456789abcdef"
PYTEST = {"pyproject.toml": '[project]\nname = "x"\n\n[tool.pytest.ini_options]\n'}
BY_HAND = "For you to do:\n"


@pytest.fixture(autouse=True)
def _alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository without configuration, on a machine without keys, agents and servers."""
    project.repo.commit({"pyproject.toml": None})
    for provider in registry.built_in().values():
        monkeypatch.delenv(provider.api_key_env or "NONE", raising=False)
    agents = {registry.built_in()[name].command[0] for name in defaults().agents}
    folders = os.environ["PATH"].split(os.pathsep)
    kept = [folder for folder in folders if not any((Path(folder) / agent).exists() for agent in agents)]
    monkeypatch.setenv("PATH", os.pathsep.join(kept))
    port = free_port()
    local = [name for name, provider in registry.built_in().items() if provider.base_url.startswith("http:")]
    project.write_user("".join(f'[providers.{name}]\nbase-url = "http://127.0.0.1:{port}/v1"\n' for name in local))


def init(project: Project, *args: str, code: int = 0, offline: bool = True) -> str:
    done = project.run("init", *args, *(["--offline"] if offline else []))
    assert done.code == code, done.out + done.err
    return done.out + done.err


def project_without(project: Project) -> Project:
    """The project without its configuration."""
    (project.repo.path / "pyproject.toml").unlink(missing_ok=True)
    return project


def table(project: Project) -> dict[str, Any]:
    own = project.repo.path / ".ralph-hooks.toml"
    if own.exists():
        return tomli.loads(own.read_text(encoding="utf-8"))
    text = (project.repo.path / "pyproject.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomli.loads(text)["tool"]["ralph-hooks"]
    return found


def test_from_nothing_to_a_judged_commit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key for one provider, which is a server on this machine here. Each model is tried before it is written."""
    project.repo.commit(PYTEST)
    server = project.models(Reply.json_text({"findings": []}))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    user = f'[providers.openai]\nbase-url = "{server.url}"\napi-key-env = "OPENAI_API_KEY"\ncatalogue = "openai"\n'
    project.write_user((project.home / "config.toml").read_text(encoding="utf-8") + user)
    said = init(project, "--yes", offline=False)
    pair = defaults().models["openai"]
    assert [request.body["model"] for request in server.requests] == [pair.cheap, pair.expensive]
    assert re.search(rf"Tried:\n  openai/{pair.cheap}: answered in \S+ s for \S+; it missed the planted bug", said)
    assert project.ledger().cost_usd > 0
    server.requests.clear()
    written = table(project)
    (command,) = written.pop("verify")["commands"]
    assert command.endswith("-m pytest -q --junit-xml={junit}")
    assert written == {"cheap": f"openai/{pair.cheap}", "expensive": f"openai/{pair.expensive}"}
    assert "Approved." in said
    assert KEY not in said
    project.repo.stage({"a.py": "def f() -> int:\n    return 1\n"})
    done = project.repo.try_git("commit", "-m", "x", env=os.environ)
    assert done.returncode == 0, done.stderr
    assert [request.body["model"] for request in server.requests] == [pair.cheap]


def test_the_linters_of_the_project_are_proposed_where_a_model_reads_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.repo.commit({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"})
    assert "linters        project-ruff (pyproject.toml)" in init(project, "--dry-run")
    assert "[[tool.ralph-hooks.linters]]" not in init(project, "--dry-run")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert "[[tool.ralph-hooks.linters]]" not in init(project, "--dry-run", "--no-linters")
    init(project, "--yes")
    [written] = table(project)["linters"]
    assert (written["name"], written["block-at"]) == ("project-ruff", "hint")
    assert "nothing to set up: everything is already in place." in init(project, "--yes")


def test_twice_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.repo.commit(PYTEST)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    init(project, "--yes")
    before = project.repo.state()
    assert "nothing to set up: everything is already in place." in init(project, "--yes")
    assert project.repo.state() == before


def test_a_dry_run_does_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.repo.commit(PYTEST | {".pre-commit-config.yaml": "repos: []\n"})
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    before = project.repo.state()
    said = init(project, "--dry-run")
    assert "[tool.ralph-hooks]" in said
    assert "id: ralph-gate" in said
    assert project.repo.state() == before


def test_nobody_to_ask_is_an_error_that_says_what_to_do(project: Project) -> None:
    before = project.repo.state()
    said = init(project, code=2)
    assert "run `ralph-hooks init --yes` to apply the plan without asking" in said
    assert project.repo.state() == before


def test_a_terminal_is_asked_before_anything_is_written_and_before_anything_is_approved(project: Project) -> None:
    project.repo.commit(PYTEST)
    before = project.repo.state()
    code, said = at_a_terminal(project, "n\n")
    assert (code, "Do this? [Y/n]" in said, "Nothing was changed." in said) == (0, True, True)
    assert project.repo.state() == before
    code, said = at_a_terminal(project, "y\nn\n")
    assert (code, "Approve? [y/N]" in said, "Not approved" in said) == (0, True, True)
    assert "verify" in table(project)
    assert project.run("gate").code == 4


def at_a_terminal(project: Project, answers: str) -> tuple[int, str]:
    """Run it with a pseudo-terminal as its standard input."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answers.encode())
        done = project.program("init", env={"PATH": os.environ["PATH"]}, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    return done.code, done.out + done.err


class TestModels:
    def test_without_keys_the_checks_and_tests_run_alone(self, project: Project) -> None:
        project.repo.commit(PYTEST)
        said = init(project, "--yes")
        assert set(table(project)) == {"verify"}
        assert "no API key found: only the checks and your tests run, without a model" in said

    def test_without_anything_no_file_is_made(self, project: Project) -> None:
        init(project, "--yes")
        assert not (project.repo.path / "pyproject.toml").exists()
        assert not (project.repo.path / ".ralph-hooks.toml").exists()
        assert (project.repo.path / ".git" / "hooks" / "pre-commit").exists()

    def test_the_cheapest_judges_and_the_strongest_repairs(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("MISTRAL_API_KEY", "OPENROUTER_API_KEY", "XAI_API_KEY", "ANTHROPIC_API_KEY"):
            monkeypatch.setenv(name, KEY)
        said = init(project, "--yes")
        assert table(project)["expensive"] == f"anthropic/{defaults().models['anthropic'].expensive}"
        prices = dict(re.findall(r"price (\S+) (\S+)", said))
        assert prices == {}
        assert re.search(
            rf"a commit of 100 changed lines: about \$0\.\d+ on {re.escape(table(project)['cheap'])} ", said
        )
        assert f"({COMMIT.input_tokens:,} tokens in, {COMMIT.output_tokens:,} out)" in said
        assert f"({REPAIR.input_tokens:,} tokens in, {REPAIR.output_tokens:,} out)" in said

    def test_another_vendor_checks_what_the_first_has_found(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Groq's model is OpenAI's own: that is no second opinion."""
        project.repo.commit(PYTEST)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        said = init(project, "--dry-run")
        assert "verify =" not in said
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        said = init(project, "--yes")
        vendors = {part.split("/")[-2] for part in (table(project)["cheap"], table(project)["models"]["verify"])}
        assert vendors == {"openai", "anthropic"}
        assert "two models of one family tend to share mistakes" in said

    def test_a_model_that_does_not_answer_is_not_written(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One vendor has no such model, one answers in prose: the third reviews and repairs."""
        project.models(Reply.status(404))
        prose = Reply.text("It looks fine to me.")
        for name, script in {
            "groq": Reply.status(404),
            "xai": prose,
            "mistral": Reply.json_text({"findings": []}),
        }.items():
            monkeypatch.setenv(f"{name.upper()}_API_KEY", KEY)
            project.also(name, script, key_name=f"{name.upper()}_API_KEY")
        said = init(project, "--yes", offline=False)
        pair = defaults().models["mistral"]
        assert table(project) == {"cheap": f"mistral/{pair.cheap}", "expensive": f"mistral/{pair.expensive}"}
        assert f"xai/{defaults().models['xai'].expensive}: it answers in prose, not in JSON" in said

    def test_an_outage_keeps_nobody_from_being_proposed(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = project.models(Reply.status(503))
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        project.write_user(f'[providers.groq]\nbase-url = "{server.url}"\napi-key-env = "GROQ_API_KEY"\n')
        said = init(project, "--yes", offline=False)
        assert table(project) == {"cheap": f"groq/{defaults().models['groq'].cheap}"}
        assert "(proposed anyway: it may be back soon)" in said

    def test_a_second_agent_checks_what_the_first_has_found(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("claude", "codex"):
            executable(tmp_path / "agents" / name, "#!/bin/sh\n")
        monkeypatch.setenv("PATH", f"{tmp_path / 'agents'}{os.pathsep}{os.environ['PATH']}")
        init(project, "--yes")
        assert table(project)["cheap"] == "claude-code/haiku"
        assert table(project)["models"] == {"verify": f"codex/{defaults().agents['codex'].cheap}"}

    def test_a_price_is_that_of_the_catalogue(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        said = init(project, "--dry-run", "--cheap", "anthropic/claude-opus-4-5")
        # 4,000 tokens in at $5 and 500 out at $25 for a million
        assert "a commit of 100 changed lines: about $0.0325 on anthropic/claude-opus-4-5" in said

    def test_the_user_can_choose(self, project: Project) -> None:
        init(project, "--yes", "--cheap", "groq/some-model", "--expensive", "mistral/some-other")
        assert table(project) == {"cheap": "groq/some-model", "expensive": "mistral/some-other"}
        assert "models are already configured" in init(project, "--yes", "--cheap", "groq/x", code=2)

    def test_a_choice_that_is_not_valid_writes_nothing(self, project: Project) -> None:
        said = init(project, "--yes", "--cheap", "gorq/x", code=2)
        assert "the planned configuration is not valid" in said
        assert str(project.repo.path / ".ralph-hooks.toml") in said
        assert 'did you mean "groq"?' in said
        assert not (project.repo.path / "pyproject.toml").exists()
        assert not (project.repo.path / ".ralph-hooks.toml").exists()

    def test_a_server_on_this_machine_judges_where_there_is_no_key(self, project: Project) -> None:
        with models("qwen3-coder:30b", "other") as url:
            project.write_user(f'[providers.ollama]\nbase-url = "{url}"\n')
            said = init(project, "--yes")
        assert table(project) == {"cheap": "ollama/qwen3-coder:30b"}
        assert "ollama (qwen3-coder:30b, other)" in said
        assert "a commit of 100 changed lines: nothing on ollama/qwen3-coder:30b" in said
        assert "a rejected change is blocked, but not repaired" in said

    def test_an_agent_repairs_where_there_is_no_key(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        agent = executable(tmp_path / "agents" / "claude", "#!/bin/sh\n")
        monkeypatch.setenv("PATH", f"{agent.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        said = init(project, "--yes")
        assert table(project)["expensive"] == "claude-code/default"
        assert "providers" not in table(project)
        assert "run claude -p" in said  # shown before it is approved
        assert project.run("doctor", "--offline").code in {0, 1}

    def test_the_users_own_choice_stays(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        project.write_user('cheap = "openai/mine"\n')
        init(project, "--yes")
        assert not (project.repo.path / "pyproject.toml").exists()
        assert not (project.repo.path / ".ralph-hooks.toml").exists()

    def test_an_old_phase_map_is_taken_over(self, project: Project) -> None:
        phases = "".join(f"  {phase}: openrouter/deepseek/deepseek-v4-flash\n" for phase in ("analyze", "verify"))
        project.repo.write({".ralph/config.yml": f"models:\n{phases}  implement: anthropic/claude-opus-4-5\n"})
        init(project, "--yes")
        assert table(project)["models"]["implement"] == "anthropic/claude-opus-4-5"
        assert set(table(project)["models"]) == {"analyze", "verify", "implement"}

    def test_a_phase_map_of_two_models_becomes_two_lines(self, project: Project) -> None:
        phases = "".join(f"  {phase}: groq/x\n" for phase in ("analyze", "verify", "plan", "fix"))
        project.repo.write({".ralph/config.yml": f"models:\n{phases}  implement: anthropic/y\n"})
        init(project, "--yes")
        assert table(project) == {"cheap": "groq/x", "expensive": "anthropic/y"}

    def test_a_phase_map_with_a_mistake_is_an_error(self, project: Project) -> None:
        project.repo.write({".ralph/config.yml": "models:\n  analyse: groq/x\n"})
        assert "line 2: unknown phase 'analyse'" in init(project, "--yes", code=2)


class TestConfiguration:
    def test_not_a_byte_around_it_is_touched(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        text = b"#  odd   \r\n[project]\r\nname='x'\r\n\r\n\r\n[tool.pytest.ini_options]\r\nx  = [ 1 ]"
        path = project.repo.path / "pyproject.toml"
        path.write_bytes(text)
        path.chmod(0o640)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        init(project, "--yes")
        assert path.read_bytes().startswith(text)
        assert path.stat().st_mode & 0o777 == 0o640

    def test_what_is_there_is_only_added_to(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.configure('[tool.ralph-hooks]\non-failure = "block" # ours\n\n[tool.pytest]\n')
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        init(project, "--yes")
        text = (project.repo.path / "pyproject.toml").read_text(encoding="utf-8")
        assert 'on-failure = "block" # ours\ncheap = "groq/' in text
        assert table(project)["verify"]["commands"]

    def test_tests_can_be_left_out(self, project: Project) -> None:
        project.repo.commit(PYTEST)
        init(project, "--yes", "--no-tests")
        assert (project.repo.path / "pyproject.toml").read_text(encoding="utf-8") == PYTEST["pyproject.toml"]

    def test_a_link_stays_one(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.repo.write({"config/pyproject.toml": "# x\n"})
        (project.repo.path / "pyproject.toml").symlink_to("config/pyproject.toml")
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        init(project, "--yes")
        assert (project.repo.path / "pyproject.toml").is_symlink()
        assert "groq/" in (project.repo.path / "config" / "pyproject.toml").read_text(encoding="utf-8")


class TestTrust:
    def test_what_others_asked_for_is_not_approved_by_the_way(self, project: Project) -> None:
        """A clone with commands of its own, and somebody who says yes to setting it up."""
        project.configure('[tool.ralph-hooks]\nverify.commands = ["curl evil.example"]\n')
        said = init(project, "--yes")
        assert "Not approved: ralph-hooks reviews nothing until you approve" in said
        assert project.run("gate").code == 4

    def test_what_init_has_written_is(self, project: Project) -> None:
        project.repo.commit(PYTEST)
        assert "Approved." in init(project, "--yes")
        assert "Approved already." in project.run("trust").out


class TestHooks:
    def test_native_ones(self, project: Project) -> None:
        init(project, "--yes")
        hooks = project.repo.path / ".git" / "hooks"
        assert (hooks / "pre-commit").exists()
        assert (hooks / "pre-push").exists()

    def test_none(self, project: Project) -> None:
        assert "nothing to set up" in init(project, "--yes", "--hooks", "none")
        assert not (project.repo.path / ".git" / "hooks" / "pre-commit").exists()

    @pytest.mark.parametrize("name", ["pre-commit", "prek"])
    def test_a_framework_gets_an_entry_and_runs_it(self, project: Project, name: str) -> None:
        manager = Manager(name, project.repo)
        manager.install("pre-commit")
        file = project.repo.path / ".pre-commit-config.yaml"
        text = file.read_text(encoding="utf-8")
        init(project, "--yes")
        assert file.read_text(encoding="utf-8").startswith(text)
        assert "nothing to set up" in init(project, "--yes")
        project.repo.stage({"a.py": "def f(:\n"})
        done = project.repo.try_git("commit", "-m", "x", env={**os.environ, "CALLS": os.devnull})
        assert done.returncode == 1
        assert b"a.py:1" in done.stdout + done.stderr
        assert b"native" in (project.repo.path / ".git" / "hooks" / "pre-push").read_bytes()  # it judges all refs

    def test_a_framework_whose_hook_is_missing_is_installed(self, project: Project) -> None:
        project.repo.commit({".pre-commit-config.yaml": "repos: []\n"})
        assert "pre-commit install --hook-type pre-commit: done" in init(project, "--yes")
        hook = project.repo.path / ".git" / "hooks" / "pre-commit"
        assert b"File generated by pre-commit" in hook.read_bytes()

    @pytest.mark.skipif(bool(missing("lefthook")), reason=missing("lefthook"))
    def test_lefthook_gets_its_jobs(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        manager = Manager("lefthook", project.repo)
        project.repo.write({"lefthook.yml": "# ours\ncommit-msg:\n  jobs:\n    - run: 'true'\n"})
        monkeypatch.setenv("PATH", manager.repo.env["PATH"])
        init(project, "--yes")
        text = (project.repo.path / "lefthook.yml").read_text(encoding="utf-8")
        assert text.startswith("# ours\n")
        assert (text.count("run: ralph-hooks gate"), text.count("run: ralph-hooks pre-push {1} {2}")) == (1, 1)
        project.repo.stage({"a.py": "def f(:\n"})
        done = project.repo.try_git("commit", "-m", "x", env=os.environ)
        assert done.returncode == 1
        assert b"a.py:1" in done.stdout + done.stderr
        assert "nothing to set up" in init(project, "--yes")

    @pytest.mark.skipif(bool(missing("husky")), reason=missing("husky"))
    def test_husky_gets_its_lines(self, project: Project) -> None:
        Manager("husky", project.repo).install("pre-commit")
        path = project.repo.path / ".husky" / "pre-commit"
        before = path.read_text(encoding="utf-8")
        init(project, "--yes")
        assert path.read_text(encoding="utf-8") == f"{before}ralph-hooks gate\n"
        assert (project.repo.path / ".husky" / "pre-push").read_text(encoding="utf-8") == 'ralph-hooks pre-push "$@"\n'
        assert "nothing to set up" in init(project, "--yes")

    def test_what_cannot_be_added_is_left_to_the_user_with_the_lines(self, project: Project) -> None:
        project.repo.commit({".pre-commit-config.yaml": "repos: [{repo: local, hooks: []}]\n"})
        said = init(project, "--yes")
        assert BY_HAND in said
        assert ".pre-commit-config.yaml must be edited by hand" in said
        assert "entry: ralph-hooks gate" in said

    def test_a_folder_of_all_repositories_is_not_written(self, project: Project) -> None:
        project.repo.git("config", "--global", "core.hooksPath", "~/hooks")
        said = init(project, "--yes")
        assert BY_HAND in said
        assert "is not used by this repository alone" in said
        assert not (project.repo.home / "hooks").exists()
        assert "`git commit` is NOT reviewed yet: pre-commit: no commit is reviewed" in said
        assert "from now on" not in said
        assert "nothing to set up" not in said

    def test_hooks_that_are_turned_off_are_told(self, project: Project) -> None:
        project.repo.git("config", "core.hooksPath", "/dev/null")
        said = init(project, "--yes")
        assert "`git commit` is NOT reviewed yet: hooks are turned off" in said
        assert "nothing to set up" not in said

    def test_a_framework_that_is_not_there_judges_nothing(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its hook is in place, and the Python that it was installed with is gone, as on another machine."""
        project.repo.commit({".pre-commit-config.yaml": "repos: []\n"})
        init(project, "--yes")
        hook = project.repo.path / ".git/hooks/pre-commit"
        hook.write_text(re.sub(r"(?m)^INSTALL_PYTHON=.*", "INSTALL_PYTHON=/gone/python", hook.read_text()))
        folders = os.environ["PATH"].split(os.pathsep)
        kept = [folder for folder in folders if not (Path(folder) / "pre-commit").exists()]
        monkeypatch.setenv("PATH", os.pathsep.join(kept))
        said = init(project, "--yes")
        assert "`git commit` is NOT reviewed yet: pre-commit: pre-commit runs ralph-hooks" in said
        assert "but pre-commit cannot be started\n  -> install it: `uv tool install pre-commit`" in said

    def test_it_ends_with_what_to_commit(self, project: Project) -> None:
        project.repo.commit({"test_a.py": "def test_a(): pass\n", ".pre-commit-config.yaml": "repos: []\n"})
        said = init(project, "--yes")
        assert "ralph-hooks reviews every `git commit` from now on" in said
        assert "pre-commit: pre-commit runs ralph-hooks (.pre-commit-config.yaml)" in said
        assert said.endswith(
            "  git add .ralph-hooks.toml .pre-commit-config.yaml\n  git commit -m 'Review changes with ralph-hooks'\n"
        )


@contextmanager
def models(*names: str) -> Iterator[str]:
    """A server that has these models, as ollama says it. Yields its base URL."""
    body = json.dumps({"data": [{"id": name} for name in names]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Nothing on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


def test_review_rules_that_are_there_are_proposed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    project.repo.commit({"AGENTS.md": "# Agents\n\n## Code review\n\nBe strict.\n"})
    init(project, "--yes")
    assert table(project)["review"] == {"guidelines": ["AGENTS.md#Code review"]}
