"""Nothing the secret scan flags leaves the machine, is printed or is kept."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from ralph_hooks import secrets
from tests.support.credentials import NAMED, SERVICES, private_key
from tests.support.gated import Gated
from tests.support.matrix import every
from tests.support.server import Finds, ModelServer, analyst

RNG = random.Random(20)
KEYS = {service: make(RNG) for service, make in SERVICES.items()} | {name: make(RNG) for name, make in NAMED.items()}
CARRIERS = {
    "config.py": '{name} = "{key}"\n',
    ".env": "{name}={key}\n",
    "deploy/values.yaml": 'env:\n  {name}: "{key}"\n',
    "notes.md": "The {name} is `{key}`, do not lose it.\n",
    "run.sh": 'curl -H "Authorization: Bearer {key}" https://api.example.com\n',
}


def name_of(service: str) -> str:
    return service if service in NAMED else f"{service.upper().replace(',', '').replace(' ', '_')}_TOKEN"


def sent(server: ModelServer) -> str:
    return "\n".join(f"{request.headers} {request.raw.decode()}" for request in server.requests)


@pytest.mark.parametrize("carrier", every(2, CARRIERS))
def test_of_34_kinds_of_credentials_none_reaches_a_server_in_any_file(gated: Gated, carrier: str) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        form = CARRIERS[carrier]
        for number, (service, key) in enumerate(KEYS.items()):
            gated.repo.stage({f"{number}/{carrier}": form.format(name=name_of(service), key=key)})
        gated.repo.stage({"harmless.py": "def total(items):\n    return sum(items)\n"})
        done = gated.run("gate")
        report = gated.run("show", "--format", "json").stdout
        told = sent(server)
    kept = gated.everything_kept().decode("latin-1")
    assert "harmless.py" in told
    for service, key in KEYS.items():
        tail = key[-12:]
        assert tail not in told, service
        assert tail not in done.stdout + done.stderr + report, service
        assert tail not in kept, service
    if carrier in {"config.py", ".env"}:
        assert done.returncode == 1
        assert "secret" in done.stdout


SENTENCES = (
    "The {name} is `{key}`, do not lose it.",
    "{name}: {key}",
    "# {key} is the {name}",
    "send {key} as the API key",
    "log: auth token={key} ok",
)
SEEDS = int(os.environ.get("SEEDS", "10"))
"""How many of each kind of credential are tried in each sentence; `make security SEEDS=300` tries 51,000 in all."""


def test_no_sentence_that_speaks_of_a_credential_lets_it_through() -> None:
    for seed in range(SEEDS):
        rng = random.Random(seed)
        for service, make in (SERVICES | NAMED).items():
            key = make(rng)
            for sentence in SENTENCES:
                text = sentence.format(name=name_of(service), key=key)
                assert key[-10:] not in secrets.mask(text), (seed, service, sentence)


def test_a_key_that_is_taken_out_is_masked_in_what_is_sent(gated: Gated) -> None:
    """Removing a key is a good change: the removed line goes, the key does not."""
    key = KEYS["GitHub"]
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.commit({"a.py": f'import os\n\nTOKEN = "{key}"\n'})
        gated.repo.stage({"a.py": 'import os\n\nTOKEN = os.environ["TOKEN"]\n'})
        report = gated.judge()
        told = sent(server)
    assert report["verdict"] == "pass"
    assert "os.environ" in told
    assert key not in told
    assert "<secret-1>" in told


def test_a_key_beside_the_change_is_masked_in_the_context(gated: Gated) -> None:
    """The verify phase sees forty lines around a finding, among them what was committed long ago."""
    key = KEYS["Stripe"]
    before = f'KEY = "{key}"\n' + "\n".join(f"line{n} = {n}" for n in range(10)) + "\n"
    with ModelServer(analyst(Finds("eval(", "runs what the user typed"))) as server:
        gated.configure(server.url)
        gated.repo.commit({"a.py": before})
        gated.repo.stage({"a.py": f"{before}eval(input())\n"})
        report = gated.judge()
        told = sent(server)
        phases = [request.phase for request in server.requests]
    assert report["verdict"] == "fail"
    assert phases == ["analyze", "verify"]
    assert key not in told


def test_a_private_key_is_withheld_with_its_file(gated: Gated) -> None:
    block = private_key(random.Random(3))
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.stage({"id_rsa": f"{block}\n", "b.py": "x = 1\n"})
        report = gated.judge()
        told = sent(server)
    assert [item["cause"] for item in report["unreviewed"] if item["path"] == "id_rsa"] == ["secret"]
    assert not any(line in told for line in block.splitlines())


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_the_key_of_a_provider_goes_into_one_header_and_nowhere_else(gated: Gated, wire: str) -> None:
    key = KEYS["OpenAI"]
    with ModelServer(analyst(Finds("eval(", f"runs what the user typed, and the key is {key}"))) as server:
        gated.configure(server.url, user="")
        config = f'[providers.here]\nwire = "{wire}"\nbase-url = "{server.url}"\napi-key-env = "HERE_KEY"\n'
        (gated.home / "config.toml").write_text(config, encoding="utf-8")
        gated.repo.stage({"a.py": "eval(input())\n"})
        done = gated.run("gate", env={"HERE_KEY": key, "RALPH_HOOKS_DEBUG": "1"})
        requests = list(server.requests)
    header = "authorization" if wire == "openai" else "x-api-key"
    for request in requests:
        assert key in request.headers[header]
        assert [name for name, value in request.headers.items() if key in value] == [header]
        assert key not in request.raw.decode()
    assert len(requests) == 4  # analyze, verify, and a reproducer that is asked for again
    assert key not in done.stdout + done.stderr
    assert key.encode() not in gated.everything_kept()


SPY = """#!{python}
import os, sys
with open({seen!r}, "a") as file:
    file.write(repr(sys.argv) + repr(dict(os.environ)) + "\\n")
os.execv({git!r}, ["git", *sys.argv[1:]])
"""


def test_no_program_that_we_start_sees_the_key(gated: Gated, tmp_path: Path) -> None:
    """Neither git nor what the project has run: tests, and whatever they start."""
    key, seen, ran = KEYS["OpenAI"], tmp_path / "seen", tmp_path / "ran"
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(SPY.format(python=sys.executable, seen=str(seen), git=shutil.which("git")), encoding="utf-8")
    spy.chmod(0o755)
    command = f"""{sys.executable} -c "import os; open('{ran}', 'w').write(repr(os.environ))\""""
    with ModelServer(analyst()) as server:
        gated.configure(
            server.url, f"[tool.ralph-hooks.verify]\ncommands = [{json.dumps(command)}]\non = ['pre-commit']\n"
        )
        config = f'[providers.here]\nbase-url = "{server.url}"\napi-key-env = "HERE_PASS"\n'
        (gated.home / "config.toml").write_text(config, encoding="utf-8")
        assert gated.run("trust", "--yes").returncode == 0
        gated.repo.stage({"a.py": "x = 1\n"})
        path = f"{spy.parent}{os.pathsep}{gated.env['PATH']}"
        assert gated.run("gate", env={"HERE_PASS": key, "PATH": path}).returncode == 0
        assert key in server.requests[0].headers["authorization"]
    assert "diff-index" in seen.read_text(encoding="utf-8")
    assert "PATH" in ran.read_text(encoding="utf-8")
    assert key not in seen.read_text(encoding="utf-8") + ran.read_text(encoding="utf-8")


def test_a_malformed_key_is_not_shown(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        config = f'[providers.here]\nbase-url = "{server.url}"\napi-key-env = "HERE_KEY"\n'
        (gated.home / "config.toml").write_text(config, encoding="utf-8")
        gated.repo.stage({"a.py": "x = 1\n"})
        done = gated.run("gate", env={"HERE_KEY": "sk-very\nsecret"})
        assert server.requests == []
    assert done.returncode == 2
    assert "malformed" in done.stderr
    assert "secret" not in done.stderr.replace("secrets", "")


def test_a_key_may_come_from_the_systems_keyring(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        config = f'[providers.here]\nbase-url = "{server.url}"\napi-key-env = "HERE_KEY"\n'
        (gated.home / "config.toml").write_text(config, encoding="utf-8")
        gated.repo.stage({"a.py": "x = 1\n"})
        done = gated.run("gate", env={"PYTHON_KEYRING_BACKEND": "tests.support.keyring_backend.OneKey"})
        (request,) = server.requests
    assert done.returncode == 0
    assert request.headers["authorization"] == "Bearer kept-in-the-keyring"
