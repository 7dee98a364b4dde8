"""The built-in providers, and what keeps a call from being sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from genai_prices.data import providers as catalogue

from ralph_hooks.core import model_errors
from ralph_hooks.core.route import Model, Provider, Structured, Wire
from ralph_hooks.providers import registry
from ralph_hooks.providers.endpoint import endpoint
from tests.support.asking import KEY, KEY_NAME, ask, deadline, model, question
from tests.support.server import ModelServer, Reply

NAMES = [
    "openai", "anthropic", "google", "openrouter", "deepseek", "minimax", "mistral", "groq", "xai", "azure", "bedrock",
    "vertex", "github", "zai", "moonshot", "qwen", "litellm", "vllm", "ollama", "llamacpp", "lmstudio",
]  # fmt: skip
LOCAL = {"ollama", "llamacpp", "lmstudio", "vllm"}
UNPRICED = {*LOCAL, "github", "qwen", "litellm"}
NEEDED = {
    "AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/",
    "AWS_REGION": "eu-west-1",
    "GOOGLE_CLOUD_PROJECT": "shop",
}
"""What URLs of built-in providers are made of."""
AGENTS = ["claude-code", "codex", "gemini-cli", "opencode", "copilot", "aider"]
builtin = pytest.mark.parametrize(
    "provider",
    [provider for provider in registry.built_in().values() if provider.wire is not Wire.AGENT],
    ids=lambda provider: provider.name,
)


def test_the_built_in_providers() -> None:
    assert list(registry.built_in()) == [*NAMES, *AGENTS]


@builtin
def test_a_call_could_be_sent_to_each(provider: Provider) -> None:
    keyed = msgspec.structs.replace(provider, api_key_command=())
    registry.client({**NEEDED, provider.api_key_env: KEY}).ready(Model(keyed, "m"))


@builtin
def test_each_takes_a_key_unless_it_is_local(provider: Provider) -> None:
    assert bool(provider.api_key_env or provider.api_key_command) == (provider.name not in LOCAL)
    here = provider.name in {*LOCAL, "litellm"}
    assert endpoint(provider, NEEDED).url.startswith("http://localhost:" if here else "https://")


@builtin
def test_each_is_in_the_price_catalogue_unless_it_is_local(provider: Provider) -> None:
    known = {entry.id for entry in catalogue}
    assert (provider.catalogue in known) == (provider.name not in UNPRICED)


@builtin
def test_each_request_has_what_the_provider_takes(provider: Provider) -> None:
    with ModelServer(Reply.json_text({"findings": []})) as server:
        here = msgspec.structs.replace(provider, base_url=server.url, api_key_command=())
        ask(Model(here, "m"), environ={provider.api_key_env: KEY})
    body = server.requests[0].body
    assert body[provider.token_limit] == 256
    assert ("temperature" in body) == provider.temperature
    assert provider.quick.items() <= body.items()
    shape = {"openai": "response_format", "anthropic": "output_config"}[provider.wire]
    assert (shape in body) == (provider.structured is not Structured.NONE)


@builtin
def test_a_missing_key_is_named_before_anything_is_sent(provider: Provider) -> None:
    if not provider.api_key_env:
        keyless = msgspec.structs.replace(provider, api_key_command=())
        registry.client(NEEDED).ready(Model(keyless, "m"))
        return
    for environ in ({}, {provider.api_key_env: ""}):
        with pytest.raises(model_errors.NoCredential, match=f"set {provider.api_key_env}"):
            registry.client(environ).ready(Model(provider, "m"))


@pytest.mark.parametrize("key", ["sk-line\nbreak", "sk-schlüssel", "sk-\x00", "sk two words", "sk-tail\n", "ключ"])
def test_a_malformed_key_is_not_shown(key: str) -> None:
    with ModelServer(Reply.empty()) as server, pytest.raises(model_errors.Misconfigured) as caught:
        ask(model("openai", server.url), environ={KEY_NAME: key})
    assert f"the key in {KEY_NAME} is malformed" in str(caught.value)
    assert key.strip() not in str(caught.value)
    assert server.requests == []


def test_a_key_that_the_provider_does_not_take_is_named_by_its_variable() -> None:
    with ModelServer(Reply.status(401)) as server, pytest.raises(model_errors.Denied, match=f"the key in {KEY_NAME}"):
        ask(model("openai", server.url))


def test_a_server_without_keys_that_wants_one() -> None:
    with (
        ModelServer(Reply.status(401)) as server,
        pytest.raises(model_errors.Denied, match="scripted has no api-key-env"),
    ):
        ask(model("openai", server.url, api_key_env=""))
    assert "authorization" not in server.requests[0].headers


def test_a_coding_agent_answers_no_requests() -> None:
    agent = Model(Provider(name="claude-code", wire=Wire.AGENT, command=("claude",)), "opus")
    with pytest.raises(model_errors.Misconfigured, match="claude-code has no `ask`"):
        registry.client({}).complete(question(agent), deadline())


def test_the_table_costs_an_ordinary_commit_little() -> None:
    use = "from ralph_hooks.providers import registry; registry.built_in(); registry.client({})"
    code = f"import sys; {use}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"requests", "urllib3", "ssl", "socket", "email", "http"} == set()


PREPARE = """\
import sys, threading
from ralph_hooks.providers import registry
from tests.support.asking import model
before = "requests" in sys.modules
registry.client({"SSL_CERT_FILE": sys.argv[1]}).prepare(model("openai", "https://llm.invalid/v1"))
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
print(before, "requests" in sys.modules)
"""


@pytest.mark.parametrize("bundle", ["", "/nowhere/ca.pem"])
def test_a_client_is_prepared_in_the_background_and_in_silence(bundle: str) -> None:
    run = [sys.executable, "-c", PREPARE, bundle]
    done = subprocess.run(run, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False True\n", "")
