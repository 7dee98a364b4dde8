"""What good configurations mean: defaults, everything at once, which file wins, which model serves a path."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.config import InHook, OnFailure, Policy, Stage, load
from ralph_hooks.core.command import Command
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.route import Phase, Wire
from ralph_hooks.errors import ConfigError
from tests.support.configuration import BUILT_IN, EVERYTHING, load_texts, names, served

CORP = """
[tool.ralph-hooks.providers.corp]
base-url = "https://llm.corp.example/v1"
"""


def test_without_any_file_all_defaults_hold_and_there_is_no_model(tmp_path: Path) -> None:
    settings = load(tmp_path, tmp_path / "none" / "config.toml", BUILT_IN)
    assert (settings.on_failure, settings.models, settings.routes) == (OnFailure.FIX, {}, ())
    gate, push = settings.gate, settings.push
    assert (gate.block_at, gate.min_confidence, gate.confirm, gate.exclude) == (Severity.ERROR, 0.5, True, ())
    assert (gate.deadline, gate.when_unavailable, gate.parallel) == (60, Policy.OPEN, 8)
    assert (push.deadline, push.when_unavailable, push.block_at, push.parallel) == (
        600,
        Policy.CLOSED,
        Severity.ERROR,
        8,
    )
    assert (settings.verify.commands, settings.verify.on, settings.verify.timeout) == ((), (Stage.PRE_PUSH,), 600)
    assert (settings.fix.rounds, settings.fix.attempts, settings.fix.in_hook) == (2, 2, InHook.BACKGROUND)
    assert (settings.budget.per_run, settings.budget.per_day) == (Decimal("0.50"), Decimal("5.00"))
    assert settings.budget.per_month == Decimal("100.00")
    assert (settings.providers, settings.prices, settings.sensitive, settings.sources) == (BUILT_IN, {}, (), ())
    assert settings.route("a.py").reason == "no model is configured"


def test_without_any_place_to_look_the_defaults_hold() -> None:
    assert load(None, None, BUILT_IN).gate.deadline == 60


def test_a_pyproject_of_another_tool_changes_nothing(tmp_path: Path) -> None:
    assert load_texts(tmp_path, "[tool.ruff]\nline-length = 120\n").sources == (tmp_path / "config.toml",)


def test_two_lines_are_enough(tmp_path: Path) -> None:
    settings = load_texts(
        tmp_path,
        """[tool.ralph-hooks]
cheap = "openrouter/deepseek/deepseek-v4-flash"
expensive = "anthropic/claude-opus-4-5"
""",
    )
    flash = ["openrouter/deepseek/deepseek-v4-flash"]
    assert served(settings) == {
        "analyze": flash,
        "verify": flash,
        "plan": flash,
        "fix": flash,
        "implement": ["anthropic/claude-opus-4-5"],
    }
    model = settings.models[Phase.ANALYZE][0]
    assert (model.provider, model.name) == (BUILT_IN["openrouter"], "deepseek/deepseek-v4-flash")


def test_everything_at_once(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, EVERYTHING)
    assert names(settings.models[Phase.ANALYZE]) == ["minimax/minimax-m2.7", "openrouter/deepseek/deepseek-v4-flash"]
    assert names(settings.models[Phase.VERIFY]) == ["openrouter/deepseek/deepseek-v4-flash"]
    assert settings.routes[0].label == "routes[0] (migrations/**, **/*_pb2.py)"
    assert settings.gate.exclude == settings.push.exclude == ("*.lock", "vendor/**")
    assert (settings.push.deadline, settings.push.when_unavailable) == (600, Policy.CLOSED)
    assert settings.verify.commands == ("python -m pytest -q --junit-xml={junit}",)
    assert settings.verify.invariants == ("public functions keep their signatures",)
    assert settings.fix.protected == ("tests/**",)
    corp, agent = settings.providers["corp"], settings.providers["claude-code"]
    assert (corp.wire, corp.base_url, corp.api_key_env) == (Wire.OPENAI, "https://llm.corp.example/v1", "CORP_LLM_KEY")
    assert (agent.wire, agent.command) == (Wire.AGENT, ("claude", "-p", "--output-format", "json"))
    price = settings.prices["corp/big"]
    assert (price.input, price.cached_input, price.cache_write, price.output) == (
        Decimal("3.0"),
        Decimal("0.3"),
        None,
        Decimal("15.0"),
    )
    assert settings.sources == (tmp_path / "config.toml", tmp_path / "pyproject.toml")


def test_what_the_repository_wants_to_run_or_call_is_listed_as_sensitive(tmp_path: Path) -> None:
    assert load_texts(tmp_path, EVERYTHING).sensitive == (
        ("providers.claude-code", '{"command":["claude","-p","--output-format","json"],"wire":"agent"}'),
        (
            "providers.corp",
            '{"api-key-env":"CORP_LLM_KEY","base-url":"https://llm.corp.example/v1","wire":"openai"}',
        ),
        ("verify.commands", '["python -m pytest -q --junit-xml={junit}"]'),
    )


def test_a_network_for_a_models_code_is_sensitive(tmp_path: Path) -> None:
    assert load_texts(tmp_path, "[tool.ralph-hooks]\nfix.network = true\n").sensitive == (("fix.network", "true"),)
    assert load_texts(tmp_path, "[tool.ralph-hooks]\nfix.network = false\n").sensitive == ()


def test_nothing_in_the_users_own_file_is_sensitive(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, user=EVERYTHING.replace("tool.ralph-hooks.", "").replace("[tool.ralph-hooks]", ""))
    assert settings.sensitive == ()
    assert settings.verify.commands == ("python -m pytest -q --junit-xml={junit}",)
    assert "corp" in settings.providers


def test_the_users_provider_stays_and_the_repositorys_of_that_name_is_not_asked_about(tmp_path: Path) -> None:
    settings = load_texts(
        tmp_path, CORP + 'api-key-env = "STOLEN"\n', '[providers.corp]\nbase-url = "https://mine.example/v1"\n'
    )
    assert (settings.providers["corp"].base_url, settings.providers["corp"].api_key_env) == (
        "https://mine.example/v1",
        "",
    )
    assert settings.sensitive == ()


def test_a_repository_that_redefines_a_built_in_provider_needs_trust(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, CORP.replace("corp]", "openai]"))
    assert settings.providers["openai"].base_url == "https://llm.corp.example/v1"
    assert [key for key, _ in settings.sensitive] == ["providers.openai"]


def test_every_byte_of_a_sensitive_value_shows(tmp_path: Path) -> None:
    one = load_texts(tmp_path, CORP + "[tool.ralph-hooks.providers.corp.quick]\neffort = 'low'\n")
    other = load_texts(tmp_path, CORP + "[tool.ralph-hooks.providers.corp.quick]\neffort = 'lou'\n")
    assert json.loads(one.sensitive[0][1])["quick"] == {"effort": "low"}
    assert one.sensitive != other.sensitive


def test_the_repository_wins_key_by_key(tmp_path: Path) -> None:
    settings = load_texts(
        tmp_path,
        "[tool.ralph-hooks.gate]\ndeadline = 30\n[tool.ralph-hooks.verify]\ntimeout = 5\n",
        "on-failure = 'warn'\n[gate]\ndeadline = 90\nconfirm = false\n[verify]\ncommands = ['make test']\n",
    )
    assert (settings.gate.deadline, settings.gate.confirm, settings.on_failure) == (30, False, OnFailure.WARN)
    assert (settings.verify.commands, settings.verify.timeout) == (("make test",), 5)


def test_an_on_failure_in_the_repository_replaces_the_users(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, "[tool.ralph-hooks]\non-failure = 'fix'\n", "on-failure = 'warn'\n")
    assert settings.on_failure is OnFailure.FIX


def test_push_takes_from_gate_what_it_does_not_set_but_for_its_own_defaults(tmp_path: Path) -> None:
    settings = load_texts(
        tmp_path,
        """[tool.ralph-hooks.gate]
block-at = "warning"
min-confidence = 0.9
confirm = false
exclude = ["docs/**"]
parallel = 3
deadline = 5
when-unavailable = "open"
[tool.ralph-hooks.push]
min-confidence = 0.2
""",
    )
    push = settings.push
    assert (push.block_at, push.confirm, push.exclude, push.parallel) == (Severity.WARNING, False, ("docs/**",), 3)
    assert (push.min_confidence, push.deadline, push.when_unavailable) == (0.2, 600, Policy.CLOSED)


@pytest.mark.parametrize(
    ("user", "repository", "holds"),
    [("0.10", "0.50", "0.1"), ("0.50", "0.10", "0.1"), ("2", None, "2"), (None, "2", "2"), ("0", "1", "0")],
)
def test_a_repository_tightens_a_budget_and_never_loosens_it(
    tmp_path: Path, user: str | None, repository: str | None, holds: str
) -> None:
    settings = load_texts(
        tmp_path,
        f"[tool.ralph-hooks.budget]\nper-run = {repository}\n" if repository else "",
        f"[budget]\nper-run = {user}\n" if user else "",
    )
    assert settings.budget.per_run == Decimal(holds)
    assert settings.budget.per_day == Decimal("5.00")


@pytest.mark.parametrize(
    ("user", "repository", "holds"),
    [
        ("allow", "allow", "allow"),
        ("refuse", "allow", "refuse"),
        ("allow", "refuse", "refuse"),
        (None, None, "allow"),
    ],
)
def test_a_repository_can_refuse_what_has_no_price_and_never_allow_it(
    tmp_path: Path, user: str | None, repository: str | None, holds: str
) -> None:
    settings = load_texts(
        tmp_path,
        f"[tool.ralph-hooks.budget]\nunpriced = '{repository}'\n" if repository else "",
        f"[budget]\nunpriced = '{user}'\n" if user else "",
    )
    assert settings.budget.unpriced == holds
    assert settings.budget.per_day == Decimal("5.00")


@pytest.mark.parametrize("table", ["verify", "fix"])
@pytest.mark.parametrize("refusing", ["user", "repository"])
def test_a_network_that_one_file_does_not_allow_stays_cut(tmp_path: Path, table: str, refusing: str) -> None:
    user, repository = (str(who != refusing).lower() for who in ("user", "repository"))
    settings = load_texts(
        tmp_path, f"[tool.ralph-hooks.{table}]\nnetwork = {repository}\n", f"[{table}]\nnetwork = {user}\n"
    )
    assert (settings.verify if table == "verify" else settings.fix).network is False
    assert settings.sensitive == ()


def test_the_repositorys_cheap_model_replaces_what_the_user_chose_for_a_phase(tmp_path: Path) -> None:
    settings = load_texts(
        tmp_path,
        "[tool.ralph-hooks]\ncheap = 'deepseek/chat'\n",
        "expensive = 'openai/gpt-5'\n[models]\nanalyze = 'openai/gpt-5-mini'\n",
    )
    assert served(settings)["analyze"] == ["deepseek/chat"]
    assert served(settings)["implement"] == ["openai/gpt-5"]


def test_a_repository_cannot_call_a_dear_model_cheap(tmp_path: Path) -> None:
    """Its price counts where nobody else has one, and not at all where the user wants no call without one."""
    price = "[{}prices.'openai/{}']\ninput = {}\noutput = 1\n"
    theirs = price.format("tool.ralph-hooks.", "a", 0) + price.format("tool.ralph-hooks.", "b", 0)
    prices = load_texts(tmp_path, theirs, price.format("", "a", 3)).prices
    assert {name: (each.input, each.fallback) for name, each in prices.items()} == {
        "openai/a": (Decimal(3), False),
        "openai/b": (Decimal(0), True),
    }
    assert not load_texts(tmp_path, theirs, '[budget]\nunpriced = "refuse"\n').prices


def test_the_repositorys_rules_come_after_the_users(tmp_path: Path) -> None:
    settings = load_texts(
        tmp_path,
        "[[tool.ralph-hooks.routes]]\npaths = ['*.py']\nmodels.fix = 'openai/b'\n",
        "[[routes]]\npaths = ['*.py', '*.c']\nmodels.fix = 'openai/a'\n",
    )
    assert served(settings)["fix"] == ["openai/b"]
    assert settings.route("a.c").reason == "config.toml routes[0] (*.py, *.c), the last rule that matches"


def test_a_long_list_of_patterns_is_cut_in_the_reason(tmp_path: Path) -> None:
    settings = load_texts(tmp_path, "[[tool.ralph-hooks.routes]]\npaths = ['a', 'b', 'c', 'd']\nskip = true\n")
    assert settings.routes[0].label == "routes[0] (a, b, c, ...)"


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/v1", "http://127.0.0.1:1/v1/", "http://[::1]:80", "https://h_a:443"]
)
def test_urls_that_are_taken(tmp_path: Path, url: str) -> None:
    settings = load_texts(tmp_path, f"[tool.ralph-hooks.providers.own]\nbase-url = '{url}'\n")
    assert settings.providers["own"].base_url == url.rstrip("/")


def test_an_agent_serves_implement_and_fix(tmp_path: Path) -> None:
    agent = "[providers.claude-code]\nwire = 'agent'\ncommand = ['claude', '-p']\n"
    settings = load_texts(tmp_path, user="expensive = 'claude-code/opus'\n[models]\nfix = 'claude-code/opus'\n" + agent)
    assert served(settings) == {"implement": ["claude-code/opus"], "fix": ["claude-code/opus"]}


def test_a_good_configuration_loads_nothing_that_only_mistakes_need(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(EVERYTHING, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from tests.support.configuration import BUILT_IN\n"
        "before = set(sys.modules)\n"
        "from ralph_hooks.config import load\n"
        f"load(Path({str(tmp_path)!r}), None, BUILT_IN)\n"
        "print(sorted({'difflib', 'shlex', 'ralph_hooks.config.mistakes', 'dataclasses'} & set(sys.modules)))"
    )
    done = subprocess.run(  # a fresh interpreter has only what the import brings
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_file_of_our_own_has_the_keys_without_the_prefix(tmp_path: Path) -> None:
    (tmp_path / ".ralph-hooks.toml").write_text(
        "cheap = 'openai/a'\n[verify]\ncommands = ['go test ./...']\n[[routes]]\npaths = ['*.go']\nskip = true\n"
    )
    settings = load(tmp_path, None, BUILT_IN)
    assert settings.verify.command_list == (Command("go test ./..."),)
    assert settings.sensitive == (("verify.commands", '["go test ./..."]'),)
    assert settings.routes[0].label == ".ralph-hooks.toml routes[0] (*.go)"
    assert settings.sources == (tmp_path / ".ralph-hooks.toml",)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert load(tmp_path, None, BUILT_IN).sources == settings.sources
    (tmp_path / "pyproject.toml").write_text("[tool.ralph-hooks]\ncheap = 'openai/a'\n")
    with pytest.raises(ConfigError, match=r"\.ralph-hooks\.toml: the repository is configured twice: pyproject\.toml"):
        load(tmp_path, None, BUILT_IN)


def test_mistakes_in_a_file_of_our_own_name_it(tmp_path: Path) -> None:
    (tmp_path / ".ralph-hooks.toml").write_text("[tool.ralph-hooks]\ncheap = 'openai/a'\n")
    with pytest.raises(ConfigError, match=r"\.ralph-hooks\.toml: tool: unknown key") as caught:
        load(tmp_path, None, BUILT_IN)
    assert "without the prefix" in caught.value.hint
