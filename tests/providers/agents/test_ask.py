"""A coding agent answers a question: in an empty folder, without tools, and its failures are what they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from ralph_hooks.core import model_errors
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.core.route import Model
from ralph_hooks.core.usage import Usage
from ralph_hooks.providers import registry
from tests.support.agent_program import DOLLARS, LOGGED_OUT, UPDATE
from tests.support.agents import PROGRAMS, Agent
from tests.support.asking import SCHEMA, deadline, question
from tests.support.matrix import product
from tests.support.server import ModelServer, Reply

ANSWER = '{"findings":[]}'
every_agent = pytest.mark.parametrize("name", PROGRAMS)
USED = Usage(input_tokens=180, cached_input_tokens=40, cache_write_tokens=20, output_tokens=30)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(Reply.text(ANSWER)) as started:
        yield started


def ask(
    agent: Agent, *, seconds: float = 20.0, model: str = "small", environ: dict[str, str] | None = None
) -> Completion:
    path = f"{agent.bin}{os.pathsep}{os.environ['PATH']}"
    client = registry.client({**os.environ, "PATH": path, **(environ or {})})
    provider = registry.built_in()[agent.name]
    return client.complete(question(Model(provider, model)), deadline(seconds))


@every_agent
def test_an_answer_comes_with_what_it_used(name: str, tmp_path: Path, server: ModelServer) -> None:
    done = ask(Agent(tmp_path, name, server))
    assert done.text == ANSWER
    wanted = {
        "claude-code": replace(USED, reported_usd=Decimal(str(DOLLARS))),
        "gemini-cli": replace(USED, cache_write_tokens=0),
        "copilot": Usage(input_tokens=14, output_tokens=4, estimated=True),  # it tells no tokens
    }
    assert done.usage == wanted.get(name, USED)


@every_agent
def test_the_question_is_all_there_is(name: str, tmp_path: Path, server: ModelServer) -> None:
    """No file of the repository, no key, no tool: only what the question says."""
    agent = Agent(tmp_path, name, server)
    kept_back = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "GITHUB_TOKEN": "t", "GIT_DIR": "g"}
    ask(agent, environ=kept_back)
    (call,) = agent.calls
    assert call["here"] == ([".gemini", ".gemini/settings.json"] if name == "gemini-cli" else [])
    assert not Path(call["cwd"]).exists()
    assert kept_back.keys() & call["environ"].keys() == set()
    assert call["environ"]["HOME"] == os.environ["HOME"]  # where it finds its login
    (request,) = server.requests
    assert "You review changes." in request.system
    assert "eval(line)" in call["prompt"]
    assert not any("eval(line)" in word for word in call["words"])  # others can see a command line


NO_TOOLS = {
    "claude-code": ["--tools", ""],
    "codex": ["-c", "features.shell_tool=false"],
    "copilot": ["--available-tools", "none"],
}


@pytest.mark.parametrize("name", NO_TOOLS)
def test_no_tools_are_offered(name: str, tmp_path: Path, server: ModelServer) -> None:
    agent = Agent(tmp_path, name, server)
    ask(agent)
    words = agent.calls[0]["words"]
    assert NO_TOOLS[name] in [words[index : index + 2] for index in range(len(words))]


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_the_schema_is_handed_over_where_the_agent_takes_one(name: str, tmp_path: Path, server: ModelServer) -> None:
    agent = Agent(tmp_path, name, server)
    ask(agent)
    words = agent.calls[0]["words"]
    if name == "claude-code":
        assert json.loads(words[words.index("--json-schema") + 1]) == SCHEMA
    else:
        assert Path(words[words.index("--output-schema") + 1]).name == "schema.json"


@every_agent
def test_the_model_is_named_unless_the_agent_is_to_choose(name: str, tmp_path: Path, server: ModelServer) -> None:
    agent = Agent(tmp_path, name, server)
    ask(agent, model="vendor/small")
    ask(agent, model="default")
    named, chosen = (call["words"] for call in agent.calls)
    assert named[named.index("--model") + 1] == "vendor/small"
    assert "--model" not in chosen
    assert len(chosen) == len(named) - 2


FAILURES: dict[str, type[model_errors.ModelError]] = {
    "logged-out": model_errors.NoCredential,
    "denied": model_errors.Denied,
    "limit": model_errors.RateLimited,
    "away": model_errors.Unreachable,
    "update": model_errors.AgentFailed,
    "crash": model_errors.AgentFailed,
}


@pytest.mark.parametrize(("name", "behaviour"), product(PROGRAMS, FAILURES))
def test_a_failure_is_what_it_is(name: str, behaviour: str, tmp_path: Path, server: ModelServer) -> None:
    kind = FAILURES[behaviour]
    agent = Agent(tmp_path, name, server)
    agent.behave(behaviour)
    with pytest.raises(kind) as caught:
        ask(agent)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(agent.program)
    said = {"logged-out": LOGGED_OUT[agent.program].partition(".")[0], "update": UPDATE}.get(behaviour, "")
    assert said in str(caught.value)


@every_agent
def test_a_hang_ends_with_the_deadline(name: str, tmp_path: Path, server: ModelServer) -> None:
    agent = Agent(tmp_path, name, server)
    agent.behave("hang")
    with pytest.raises(model_errors.DeadlineReached, match="was stopped after"):
        ask(agent, seconds=1.0)


@every_agent
def test_a_notice_before_the_answer_is_no_part_of_it(name: str, tmp_path: Path, server: ModelServer) -> None:
    agent = Agent(tmp_path, name, server)
    agent.behave("notice")
    assert ask(agent).text == ANSWER


@every_agent
def test_what_is_not_told_is_estimated_and_marked(name: str, tmp_path: Path, server: ModelServer) -> None:
    agent = Agent(tmp_path, name, server)
    agent.behave("uncounted")
    assert ask(agent).usage == Usage(input_tokens=14, output_tokens=4, estimated=True)


@every_agent
def test_an_answer_of_no_use_is_handed_on_as_it_is(name: str, tmp_path: Path, server: ModelServer) -> None:
    """Whether it is of the shape that was asked for is for the reader of the answer to say."""
    agent = Agent(tmp_path, name, server)
    for behaviour, text in (("prose", "I think it is fine."), ("shape", '{"verdict":"good"}')):
        agent.behave(behaviour)
        assert ask(agent).text.replace('": "', '":"') == text


def test_an_agent_that_is_not_installed_is_named(tmp_path: Path) -> None:
    client = registry.client({"PATH": str(tmp_path)})
    model = Model(registry.built_in()["claude-code"], "haiku")
    with pytest.raises(model_errors.NotFound, match="claude was not found on PATH"):
        client.ready(model)


def test_a_worker_of_a_cluster_starts_no_agent(tmp_path: Path, server: ModelServer) -> None:
    Agent(tmp_path, "claude-code", server)
    model = Model(registry.built_in()["claude-code"], "haiku")
    with pytest.raises(model_errors.Misconfigured, match="cluster workers"):
        registry.client(os.environ, programs=False).complete(question(model), deadline())
