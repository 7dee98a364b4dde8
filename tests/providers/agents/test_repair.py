"""A coding agent is started with what it may see, and what it says of tokens and cost is believed where documented."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.core.usage import Usage
from ralph_hooks.git.sandbox.workbench import GitWorkbench
from ralph_hooks.git.snapshot import open_repository, staged
from ralph_hooks.providers import registry
from ralph_hooks.providers.agents.output import Output, read
from tests.support import agent as stand_in
from tests.support.repo import Repo

PROGRAM = str(Path(stand_in.__file__))
CODEX = """\
{"type":"thread.started","thread_id":"0199a213-81c0-7800-8aa1-bbab2a035a53"}
{"type":"turn.started"}
{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"**Looking**"}}
{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"bash -lc ls","status":"in_progress"}}
{"type":"item.completed","item":{"id":"item_3","type":"agent_message","text":"The loop now ends."}}
{"type":"turn.completed","usage":{"input_tokens":24763,"cached_input_tokens":24448,"output_tokens":122}}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[GitWorkbench]:
    repo = Repo.create(tmp_path / "project", home=tmp_path)
    repo.commit({"a.py": "one\n"})
    opened = open_repository(repo.stage({"a.py": "one\ntow\n"}).path)
    with GitWorkbench(opened, staged(opened).change, timeout=60) as made:
        yield made


def an_agent(*behaviour: str, **changes: object) -> Model:
    command = (sys.executable, "-P", PROGRAM, *behaviour)
    fields: dict[str, object] = {"name": "helper", "wire": Wire.AGENT, "command": command, **changes}
    return Model(Provider(**fields), "opus")  # type: ignore[arg-type]  # a table of fields


def employ(
    bench: GitWorkbench,
    agent: Model,
    *,
    task: str = "Mend it.",
    seconds: float = 60.0,
    environ: Mapping[str, str] | None = None,
) -> Completion:
    client = registry.client({**os.environ, **(environ or {})})
    return client.run_agent(agent, task, bench, Deadline(seconds, time.monotonic))


def test_what_an_agent_changes_is_in_the_copy_and_what_it_used_is_told(bench: GitWorkbench) -> None:
    done = employ(bench, an_agent("repair", "a.py", "tow", "two"))
    assert bench.read("a.py") == b"one\ntwo\n"
    assert done.text == "The loop now ends."
    assert done.usage == Usage(
        input_tokens=32_100,
        cached_input_tokens=30_000,
        cache_write_tokens=2_000,
        output_tokens=400,
        reported_usd=Decimal("0.0421"),
    )


@pytest.mark.parametrize("in_file", [False, True])
def test_the_task_comes_on_standard_input_or_in_a_file(bench: GitWorkbench, tmp_path: Path, *, in_file: bool) -> None:
    noted = tmp_path / "noted.json"
    employ(bench, an_agent("note", str(noted), *(["{task}"] if in_file else [])), task="Mend the loop.\n\x1b[31mé")
    seen = json.loads(noted.read_text())
    assert seen["task"] == "Mend the loop.\n\x1b[31mé"
    assert (seen["stdin"] == "") is in_file
    assert Path(seen["cwd"]).name == "project"
    assert not Path(seen["cwd"]).is_relative_to(tmp_path / "project")


def test_an_agent_sees_the_variables_that_the_user_has_named_and_no_key_of_ours(
    bench: GitWorkbench, tmp_path: Path
) -> None:
    noted = tmp_path / "noted.json"
    agent = an_agent("note", str(noted), api_key_env="HELPER_KEY", environment=("https_proxy", "NOT_SET"))
    told = {"HELPER_KEY": "mine", "https_proxy": "http://127.0.0.1:1", "XDG_CONFIG_HOME": "/c", "HOME": "/h"}
    kept_back = {"OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t", "RALPH_HOOKS_HOME": "/r", "GIT_INDEX_FILE": "i"}
    employ(bench, agent, environ=told | kept_back)
    environment = json.loads(noted.read_text())["environment"]
    assert told.items() - {("HOME", "/h")} <= environment.items()
    assert "HOME" in environment
    assert kept_back.keys() & environment.keys() == set()


def test_an_agent_that_hangs_is_stopped_at_the_deadline(bench: GitWorkbench) -> None:
    with pytest.raises(model_errors.DeadlineReached, match="stopped after"):
        employ(bench, an_agent("hang"), seconds=0.5)


def test_an_agent_that_floods_its_output_is_still_read(bench: GitWorkbench) -> None:
    done = employ(bench, an_agent("flood"))
    assert done.usage is not None
    assert done.text == "The loop now ends."


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (("fail",), r"python\S*: Invalid API key: please log in"),
        (("fail", "42"), r"python\S*: Invalid API key: please log in"),
        (("say-error",), r"python\S*: Invalid API key. Please run /login"),
    ],
)
def test_an_agent_that_gives_up_is_told_in_its_own_words(
    bench: GitWorkbench, behaviour: tuple[str, ...], words: str
) -> None:
    with pytest.raises(model_errors.NoCredential, match=words) as caught:
        employ(bench, an_agent(*behaviour))
    assert (caught.value.usage is None) is (behaviour[0] == "fail")


def test_an_agent_repeats_its_key_in_vain(bench: GitWorkbench) -> None:
    key = "made-up-0123456789"
    command = (sys.executable, "-c", "import os, sys; sys.exit('no: ' + os.environ['HELPER_KEY'])")
    agent = an_agent(command=command, api_key_env="HELPER_KEY")
    with pytest.raises(model_errors.AgentFailed, match=r"no: \[key\]"):
        employ(bench, agent, environ={"HELPER_KEY": key})


def test_an_agent_that_is_not_installed_or_has_no_key_is_not_started(bench: GitWorkbench, tmp_path: Path) -> None:
    client = registry.client({"PATH": str(tmp_path)})
    with pytest.raises(model_errors.NotFound, match="no-such-agent was not found on PATH"):
        client.ready(an_agent(command=("no-such-agent", "-p")))
    with pytest.raises(model_errors.NoCredential, match="set HELPER_KEY"):
        client.ready(an_agent(api_key_env="HELPER_KEY"))
    with pytest.raises(model_errors.NotFound, match="could not be started"):
        employ(bench, an_agent(command=(str(tmp_path / "gone"),)))
    client.ready(an_agent())


def told(text: str) -> Output:
    return read(text.encode())


def test_codex_counts_cached_tokens_as_part_of_the_input() -> None:
    assert told(CODEX) == Output(
        "The loop now ends.", Usage(input_tokens=24_763, cached_input_tokens=24_448, output_tokens=122)
    )


def test_an_agent_that_says_itself_that_it_failed_is_believed() -> None:
    failed = '{"type":"turn.started"}\n{"type":"turn.failed","error":{"message":"quota exceeded"}}\n'
    assert told(failed) == Output("quota exceeded", failed=True)
    turns = json.dumps({"type": "result", "subtype": "error_max_turns", "is_error": True})
    assert told(turns) == Output("error max turns", failed=True)


def test_a_stream_of_events_and_a_list_of_them_end_with_the_same_result() -> None:
    events = [{"type": "system", "subtype": "init"}, {"type": "assistant", "message": {"usage": {}}}, stand_in.CLAUDE]
    alone = told(json.dumps(stand_in.CLAUDE))
    assert alone.usage is not None
    assert told("\n".join(map(json.dumps, events))) == alone
    assert told(json.dumps(events)) == alone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tokens: 12k sent, 3.4k received. Cost: $0.01 message, $0.02 session.",
        '{"type":"step_finish","part":{"cost":0.01,"tokens":{"input":209,"output":209}}}',
        '{"type":"result","usage":{"input_tokens":"many","output_tokens":1}}',
        '{"type":"result"',
        "[1, 2",
        "{}\n[]\nnull",
    ],
)
def test_what_is_not_documented_is_not_known(text: str) -> None:
    assert told(text) == Output(text)
