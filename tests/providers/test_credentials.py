"""Keys that a command prints: asked for once, again when they have expired or are refused, and never shown."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec
import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.providers import registry
from ralph_hooks.providers.credentials import Credentials
from tests.support.asking import deadline, model, question
from tests.support.server import ModelServer, Reply, Request

FINE = Reply.json_text({"findings": []})
COUNTING = """\
import pathlib, sys
file = pathlib.Path(sys.argv[1])
runs = len(file.read_text()) + 1 if file.exists() else 1
file.write_text("." * runs)
print(f"token-number-{runs}")
"""


def printing(*args: str, **changes: object) -> Provider:
    """A provider whose key a Python program prints."""
    plain = Provider(
        name="corp", wire=Wire.OPENAI, base_url="http://127.0.0.1:1/v1", api_key_command=(sys.executable, *args)
    )
    return msgspec.structs.replace(plain, **changes)


def counting(folder: Path, **changes: object) -> Provider:
    return printing("-c", COUNTING, str(folder / "runs"), **changes)


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text())


def test_a_command_is_run_once_for_many_requests(tmp_path: Path) -> None:
    credentials, provider = Credentials({}), counting(tmp_path)
    keys: list[str] = []
    threads = [threading.Thread(target=lambda: keys.append(credentials.get(provider, deadline()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys == ["token-number-1"] * 8
    assert runs(tmp_path) == 1


def test_a_key_is_printed_again_once_its_time_is_over(tmp_path: Path) -> None:
    now = [0.0]
    credentials, provider = Credentials({}, clock=lambda: now[0]), counting(tmp_path, api_key_ttl=60.0)
    assert credentials.get(provider, deadline()) == "token-number-1"
    now[0] = 59.0
    assert credentials.get(provider, deadline()) == "token-number-1"
    now[0] = 60.0
    assert credentials.get(provider, deadline()) == "token-number-2"


def test_the_variable_goes_before_the_command(tmp_path: Path) -> None:
    provider = counting(tmp_path, api_key_env="CORP_KEY")
    assert Credentials({"CORP_KEY": "from-the-environment"}).get(provider, deadline()) == "from-the-environment"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("status", [401, 400])
def test_a_refused_key_is_printed_again_once(tmp_path: Path, status: int) -> None:
    def answer(request: Request) -> Reply:
        stale = request.headers["authorization"].endswith("-1")
        return Reply.status(status, {"error": {"message": "API key expired: token-number-1"}}) if stale else FINE

    with ModelServer(answer) as server:
        provider = counting(tmp_path, base_url=server.url)
        client = registry.client({})
        assert client.complete(question(Model(provider, "m")), deadline()).text == '{"findings": []}'
        client.complete(question(Model(provider, "m")), deadline())
    assert [request.headers["authorization"][-2:] for request in server.requests] == ["-1", "-2", "-2"]


def test_a_key_that_is_refused_twice_is_denied_and_not_shown(tmp_path: Path) -> None:
    with ModelServer(
        lambda request: Reply.status(401, {"error": {"message": request.headers["authorization"]}})
    ) as server:
        provider = counting(tmp_path, base_url=server.url)
        with pytest.raises(model_errors.Denied, match=r"the key that python\S* printed") as caught:
            registry.client({}).complete(question(Model(provider, "m")), deadline())
    assert len(server.requests) == 2
    assert "token-number" not in str(caught.value)


def test_a_command_that_prints_the_same_refused_key_is_not_asked_on_and_on() -> None:
    with ModelServer(Reply.status(401)) as server:
        provider = printing("-c", "print('always-the-same-token')", base_url=server.url)
        with pytest.raises(model_errors.Denied):
            registry.client({}).complete(question(Model(provider, "m")), deadline())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('run az login')", r"failed with exit code 1: run az login"),
        (
            "import sys; print('secret-token'); sys.exit('cannot store secret-token')",
            r"failed with exit code 1: cannot store \[key\]",
        ),
        ("pass", r"printed nothing"),
        ("import sys; sys.stderr.write('\\x1b[31mred')", r"printed nothing: .x1b\[31mred"),
    ],
)
def test_a_command_that_fails_is_told_without_the_key(code: str, words: str) -> None:
    with pytest.raises(model_errors.NoCredential, match=words) as caught:
        Credentials({}).get(printing("-c", code), deadline())
    assert "secret-token" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("printed", ["two words", "a\\nb", "schl\\u00fcssel", "x' * 20_000 + '"])
def test_what_cannot_stand_in_a_header_is_not_sent_and_not_shown(printed: str) -> None:
    with pytest.raises(model_errors.Misconfigured, match="printed") as caught:
        Credentials({}).get(printing("-X", "utf8", "-c", f"print('{printed}')"), deadline())
    assert "two words" not in str(caught.value)


def test_a_command_that_hangs_ends_with_the_deadline() -> None:
    with pytest.raises(model_errors.DeadlineReached, match="before python"):
        Credentials({}).get(printing("-c", "import time; time.sleep(60)"), deadline(0.3))


def test_a_command_that_is_not_there_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    provider = printing(api_key_command=("no-such-program", "token"))
    with pytest.raises(model_errors.NoCredential, match="no-such-program of its api-key-command is not on PATH"):
        registry.client({"PATH": str(tmp_path)}).ready(Model(provider, "m"))
    assert "no-such-program" in registry.obstacle(Model(provider, "m"), {"PATH": str(tmp_path)})


def test_a_worker_of_a_cluster_starts_no_program(tmp_path: Path) -> None:
    provider = counting(tmp_path)
    with pytest.raises(model_errors.Misconfigured, match="which cluster workers may not do"):
        registry.client({}, programs=False).complete(question(Model(provider, "m")), deadline())
    assert not (tmp_path / "runs").exists()


def test_an_answer_does_not_repeat_the_key(tmp_path: Path) -> None:
    with ModelServer(lambda request: Reply.text(request.headers["authorization"])) as server:
        done = registry.client({}).complete(question(Model(counting(tmp_path, base_url=server.url), "m")), deadline())
    assert done.text == "Bearer [key]"


def test_a_key_in_the_environment_is_not_asked_for_again() -> None:
    with ModelServer(Reply.status(401)) as server, pytest.raises(model_errors.Denied, match="in SCRIPTED_KEY"):
        registry.client({"SCRIPTED_KEY": "k"}).complete(question(model("openai", server.url)), deadline())
    assert len(server.requests) == 1
