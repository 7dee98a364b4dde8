"""The models that init proposes."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ralph_hooks.cli.init.model_choice import COMMIT, REPAIR
from ralph_hooks.providers.defaults import defaults
from tests.support.initialised import KEY, PYTEST, init, table
from tests.support.project import Project
from tests.support.server import Reply
from tests.support.stand_in import executable

pytestmark = pytest.mark.usefixtures("alone")


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
