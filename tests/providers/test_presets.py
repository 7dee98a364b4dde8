"""The request that each preset sends, to the byte, and the reply that its vendor documents, as it is read.

Addresses are those of the vendors' pages that ``providers.toml`` names; the requests themselves go to a local server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import tomli

from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.core.usage import Usage
from ralph_hooks.providers import registry
from ralph_hooks.providers.endpoint import endpoint
from tests.support.asking import KEY, SCHEMA, ask
from tests.support.server import ModelServer, Reply, Request

PROMPT = "BEGIN x\n### a.py\n+1 eval(line)\nEND x"
ANSWER = '{"findings":["x"]}'
STRICT = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "analyze", "strict": True, "schema": SCHEMA}}
}
OBJECT = {"response_format": {"type": "json_object"}}
BEARER = {"authorization": f"Bearer {KEY}"}
USED = {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130}
FILTERS = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor documents."""

    name: str
    url: str
    """The whole address of a request."""
    environ: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    """Those that identify the caller, and what else it wants."""
    body: Mapping[str, Any]
    """Besides model and messages."""
    path: str = "/chat/completions"
    """The endpoint, which is the end of the URL."""
    message: Mapping[str, Any] = {}
    """Of the reply, besides role and content."""
    choice: Mapping[str, Any] = {}
    envelope: Mapping[str, Any] = {}
    usage: Mapping[str, Any]
    used: Usage


PLAIN = Usage(input_tokens=100, output_tokens=30)
CACHED = Usage(input_tokens=100, cached_input_tokens=64, output_tokens=30)
LOW = {"reasoning_effort": "low"}
PRESETS = (
    Preset(
        name="openai",
        url="https://api.openai.com/v1/chat/completions",
        environ={"OPENAI_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, **LOW, "max_completion_tokens": 256, "prompt_cache_options": {"mode": "explicit"}},
        message={"refusal": None, "annotations": []},
        envelope={"service_tier": "default", "system_fingerprint": None},
        usage={**USED, "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0, "audio_tokens": 0}},
        used=CACHED,
    ),
    Preset(
        name="google",
        url="https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        environ={"GEMINI_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, **LOW, "max_tokens": 256},
        usage={"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 130},  # thoughts are in the total alone
        used=PLAIN,
    ),
    Preset(
        name="openrouter",
        url="https://openrouter.ai/api/v1/chat/completions",
        environ={"OPENROUTER_API_KEY": KEY},
        headers=BEARER,
        body={
            **STRICT,
            "max_tokens": 256,
            "temperature": 0,
            "reasoning": {"effort": "low"},
            "prompt_cache_options": {"mode": "explicit"},
        },
        message={"refusal": None, "reasoning": "Hm."},
        choice={"native_finish_reason": "stop"},
        envelope={"provider": "DeepSeek"},
        usage={
            **USED,
            "cost": 0.00025,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": None},
            "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0},
        },
        used=msgspec.structs.replace(CACHED, reported_usd=Decimal("0.00025")),
    ),
    Preset(
        name="deepseek",
        url="https://api.deepseek.com/chat/completions",
        environ={"DEEPSEEK_API_KEY": KEY},
        headers=BEARER,
        body={**OBJECT, **LOW, "max_tokens": 256, "temperature": 0},
        message={"reasoning_content": "Hm."},
        envelope={"system_fingerprint": "fp_1"},
        usage={**USED, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
        used=CACHED,
    ),
    Preset(
        name="minimax",
        url="https://api.minimax.io/v1/chat/completions",
        environ={"MINIMAX_API_KEY": KEY},
        headers=BEARER,
        body={"max_completion_tokens": 256, "reasoning_split": True},
        message={"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
        envelope={
            "input_sensitive": False,
            "output_sensitive": False,
            "base_resp": {"status_code": 0, "status_msg": ""},
        },
        usage={**USED, "total_characters": 0},
        used=PLAIN,
    ),
    Preset(
        name="mistral",
        url="https://api.mistral.ai/v1/chat/completions",
        environ={"MISTRAL_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, "max_tokens": 256, "temperature": 0},
        message={"tool_calls": None, "prefix": False},
        usage=USED,
        used=PLAIN,
    ),
    Preset(
        name="groq",
        url="https://api.groq.com/openai/v1/chat/completions",
        environ={"GROQ_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, **LOW, "max_completion_tokens": 256, "temperature": 0},
        message={"reasoning": "Hm."},
        envelope={"x_groq": {"id": "req_1"}},
        usage={**USED, "queue_time": 0.01, "prompt_time": 0.001, "total_time": 0.1},
        used=PLAIN,
    ),
    Preset(
        name="xai",
        url="https://api.x.ai/v1/chat/completions",
        environ={"XAI_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, **LOW, "max_completion_tokens": 256, "temperature": 0},
        message={"reasoning_content": "Hm.", "refusal": None},
        usage={
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 130,
            "prompt_tokens_details": {"text_tokens": 100, "cached_tokens": 64},
            "completion_tokens_details": {"reasoning_tokens": 10},
        },
        used=CACHED,
    ),
    Preset(
        name="ollama",
        url="http://localhost:11434/v1/chat/completions",
        body={**STRICT, "max_tokens": 256, "temperature": 0, "reasoning_effort": "none"},
        envelope={"system_fingerprint": "fp_ollama"},
        usage=USED,
        used=PLAIN,
    ),
    Preset(
        name="llamacpp",
        url="http://localhost:8080/v1/chat/completions",
        body={**STRICT, "max_tokens": 256, "temperature": 0, "chat_template_kwargs": {"enable_thinking": False}},
        envelope={"timings": {"prompt_n": 100, "predicted_n": 30}},
        usage=USED,
        used=PLAIN,
    ),
    Preset(
        name="lmstudio",
        url="http://localhost:1234/v1/chat/completions",
        body={**STRICT, "max_tokens": 256, "temperature": 0},
        envelope={"stats": {}, "system_fingerprint": "m"},
        usage=USED,
        used=PLAIN,
    ),
    Preset(
        name="anthropic",
        url="https://api.anthropic.com/v1/messages",
        path="/messages",
        environ={"ANTHROPIC_API_KEY": KEY},
        headers={"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        body={
            "max_tokens": 256,
            "system": [{"type": "text", "text": "You review changes."}],
            "messages": [{"role": "user", "content": PROMPT}],
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        },
        envelope={
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": ANSWER}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
        },
        usage={
            "input_tokens": 36,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 64,
            "output_tokens": 30,
            "service_tier": "standard",
        },
        used=CACHED,
    ),
    Preset(
        name="azure",
        url="https://res.openai.azure.com/openai/v1/chat/completions",
        environ={"AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/", "AZURE_OPENAI_API_KEY": KEY},
        headers={"api-key": KEY},
        body={**STRICT, **LOW, "max_completion_tokens": 256},
        choice={"content_filter_results": FILTERS},
        envelope={"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERS}]},
        usage={**USED, "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 64}},
        used=CACHED,
    ),
    Preset(
        name="bedrock",
        url="https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1/chat/completions",
        environ={"AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": KEY},
        headers=BEARER,
        body={**STRICT, **LOW, "max_completion_tokens": 256},
        usage=USED,
        used=PLAIN,
    ),
    Preset(
        name="vertex",
        url="https://aiplatform.googleapis.com/v1/projects/shop/locations/global/endpoints/openapi/chat/completions",
        environ={"GOOGLE_CLOUD_PROJECT": "shop"},
        headers=BEARER,
        body={**STRICT, **LOW, "max_tokens": 256},
        usage={"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 130, "extra_properties": {"google": {}}},
        used=PLAIN,
    ),
    Preset(
        name="github",
        url="https://models.github.ai/inference/chat/completions",
        environ={"GITHUB_TOKEN": KEY},
        headers={**BEARER, "accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"},
        body={**STRICT, **LOW, "max_tokens": 256},
        usage=USED,
        used=PLAIN,
    ),
    Preset(
        name="zai",
        url="https://api.z.ai/api/paas/v4/chat/completions",
        environ={"ZAI_API_KEY": KEY},
        headers=BEARER,
        body={**OBJECT, **LOW, "max_tokens": 256, "temperature": 0},
        message={"reasoning_content": "Hm."},
        envelope={"request_id": "20261129"},
        usage={**USED, "prompt_tokens_details": {"cached_tokens": 64}},
        used=CACHED,
    ),
    Preset(
        name="moonshot",
        url="https://api.moonshot.ai/v1/chat/completions",
        environ={"MOONSHOT_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, **LOW, "max_completion_tokens": 256},
        message={"reasoning_content": "Hm."},
        usage={**USED, "cached_tokens": 64},
        used=CACHED,
    ),
    Preset(
        name="qwen",
        url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions",
        environ={"DASHSCOPE_API_KEY": KEY},
        headers=BEARER,
        body={**OBJECT, "max_tokens": 256, "temperature": 0, "enable_thinking": False},
        message={"reasoning_content": ""},
        envelope={"system_fingerprint": None},
        usage={**USED, "prompt_tokens_details": {"cached_tokens": 64}},
        used=CACHED,
    ),
    Preset(
        name="litellm",
        url="http://localhost:4000/v1/chat/completions",
        environ={"LITELLM_API_KEY": KEY},
        headers=BEARER,
        body={**STRICT, "max_tokens": 256},
        message={"function_call": None, "tool_calls": None},
        usage={
            **USED,
            "completion_tokens_details": None,
            "prompt_tokens_details": {"audio_tokens": None, "cached_tokens": 64},
        },
        used=CACHED,
    ),
    Preset(
        name="vllm",
        url="http://localhost:8000/v1/chat/completions",
        body={
            **STRICT,
            "max_completion_tokens": 256,
            "temperature": 0,
            "chat_template_kwargs": {"enable_thinking": False},
        },
        message={"refusal": None, "reasoning": None, "tool_calls": []},
        choice={"stop_reason": None, "token_ids": None},
        envelope={"prompt_logprobs": None, "kv_transfer_params": None},
        usage={**USED, "prompt_tokens_details": None},
        used=PLAIN,
    ),
)
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)


def provider_of(preset: Preset) -> Provider:
    """The preset; a program that prints a key is in the place of gcloud."""
    provider = registry.built_in()[preset.name]
    if not provider.api_key_command:
        return provider
    return msgspec.structs.replace(provider, api_key_command=("/bin/echo", KEY))


@every_preset
def test_the_address_is_that_of_the_vendor(preset: Preset) -> None:
    assert endpoint(provider_of(preset), preset.environ).url + preset.path == preset.url


@every_preset
def test_the_request_and_the_reply_are_as_the_vendor_documents(preset: Preset) -> None:
    parts = urlsplit(preset.url)

    def answer(_: Request) -> Reply:
        message = {"role": "assistant", "content": ANSWER, **preset.message}
        choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message, **preset.choice}
        return Reply.status(
            200,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1764374400,
                "model": "m",
                "choices": [choice],
                "usage": preset.usage,
                **preset.envelope,
            },
        )

    with ModelServer(answer) as server:
        host = server.url.removesuffix("/v1")
        local = msgspec.structs.replace(provider_of(preset), base_url=host + parts.path.removesuffix(preset.path))
        done = ask(Model(local, "m"), environ=preset.environ)
    (request,) = server.requests
    assert request.path == parts.path
    identity = {"authorization", "api-key", "x-api-key", "anthropic-version", "x-github-api-version", "accept"}
    assert {name: value for name, value in request.headers.items() if name in identity} == {
        "accept": "application/json",
        **preset.headers,
    }
    assert request.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "You review changes."},
            {"role": "user", "content": PROMPT},
        ],
        **preset.body,
    }
    assert done.text == ANSWER
    assert done.usage == preset.used


def test_no_preset_is_missing_and_each_names_its_page() -> None:
    """In the table of the documentation too, which has the pages of ``providers.toml``."""
    served = [name for name, provider in registry.built_in().items() if provider.wire is not Wire.AGENT]
    assert sorted(preset.name for preset in PRESETS) == sorted(served)
    table = Path(registry.__file__).with_name("providers.toml").read_text(encoding="utf-8")
    assert list(tomli.loads(table)) == served
    docs = Path(__file__).parents[2] / "docs" / "configuration.md"
    rows = re.findall(
        r"^\| `(\w+)` \| <(\S+)> \| (20\d\d-\d\d|not recorded) \|$", docs.read_text(encoding="utf-8"), re.MULTILINE
    )
    pages = re.findall(r"^\[(\w+)\] # (https://[^\s;]+)[^(\n]*\((20\d\d-\d\d|not recorded)", table, re.MULTILINE)
    assert rows == pages
    assert [name for name, _, _ in rows] == served
