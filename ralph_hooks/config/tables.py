"""Shape of a configuration file, where it differs from the settings that are made of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ralph_hooks.config.settings import (
    ChecksSettings,
    FixSettings,
    GateSettings,
    LinterTable,
    OnFailure,
    ProofSettings,
    PushSettings,
    ReviewSettings,
    Table,
    Text,
    Texts,
    Unpriced,
    VerifySettings,
)
from ralph_hooks.core.route import Auth, Structured, Wire

MODEL = r"^[^/\s]+/\S+$"
"""A model as it is written: ``provider/model``, split at the first slash."""
PROVIDER_NAME = r"^[^/\s]+$"
ENVIRONMENT_NAME = "^[A-Z_][A-Z0-9_]*$"
VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
"""Any environment variable: those for proxies are in small letters."""
STORE = r"^postgres(ql)?://\S+$"
"""Location of a team's store: a URL as libpq takes it."""
PROXY = r"^(environment|http://([^\s/@]+@)?[A-Za-z0-9._-]+:[0-9]{1,5}/?)$"
"""Proxy between this machine and providers: the one that HTTPS_PROXY names, or a URL."""

# Patterns are for editors alone: `resolve` checks the same ones with better advice than a decoder can give.
ModelName = Annotated[str, Meta(extra_json_schema={"pattern": MODEL})]
ProviderName = Annotated[str, Meta(extra_json_schema={"pattern": PROVIDER_NAME})]
ModelChain = ModelName | Annotated[tuple[ModelName, ...], Meta(min_length=1)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]


class ModelsTable(Table, frozen=True):
    """A model for a single phase, or a chain of models that are fallbacks in an outage."""

    analyze: Annotated[ModelChain, Meta(description="Model that finds defects in the change.")] = ()
    verify: Annotated[ModelChain, Meta(description="Model that checks a finding that would block.")] = ()
    plan: Annotated[ModelChain, Meta(description="Model that selects the files and steps of a repair.")] = ()
    implement: Annotated[ModelChain, Meta(description="Model that writes the repair.")] = ()
    fix: Annotated[ModelChain, Meta(description="Model that corrects a repair that failed its check.")] = ()


class RouteTable(Table, frozen=True):
    """Other models for some paths, or no review of them. Only the last rule that matches a path applies."""

    paths: Annotated[
        Texts,
        Meta(
            min_length=1,
            description="Path patterns. One without a slash matches a name at any depth; `*` stops at a slash, `**` "
            "does not; a folder covers everything in it.",
        ),
    ]
    models: Annotated[ModelsTable, Meta(description="Models for these paths; other phases keep theirs.")] = (
        ModelsTable()
    )
    skip: Annotated[bool, Meta(description="Do not review these paths; reports list them as not reviewed.")] = False
    guidelines: Annotated[
        Texts, Meta(description="Review guidelines for these paths, in addition to `review.guidelines`.")
    ] = ()


class BudgetTable(Table, frozen=True):
    """Caps in US dollars. If both files set one, the lower one applies."""

    per_run: Annotated[Dollars, Meta(description="US dollars for one run.")] = 0.50
    per_day: Annotated[Dollars, Meta(description="US dollars for one day.")] = 5.00
    per_month: Annotated[Dollars, Meta(description="US dollars for one month.")] = 100.00
    unpriced: Annotated[
        Unpriced,
        Meta(
            description="The policy for a call without a price in the catalogue or in `prices`, which no cap can "
            "count: `allow` makes the call and reports it, `refuse` does not make it. If either file says "
            "`refuse`, `refuse` applies."
        ),
    ] = Unpriced.ALLOW


class ProviderTable(Table, frozen=True):
    """A server of models. Needs your approval if the repository defines it."""

    wire: Annotated[
        Wire,
        Meta(
            description="The API format: `openai` (chat completions), `openai-responses`, `anthropic` (messages), "
            "or `agent`, a coding agent's command line."
        ),
    ] = Wire.OPENAI
    base_url: Annotated[
        Text,
        Meta(
            description="The URL without the endpoint: `https://llm.corp.example/v1`. Plain http is allowed only "
            "for this machine. Required unless the wire is `agent`."
        ),
    ] = ""
    api_key_env: Annotated[
        str,
        Meta(
            description="The NAME of the environment variable that holds the key, in capitals. Not set for a server "
            "without keys.",
            extra_json_schema={"pattern": ENVIRONMENT_NAME},
        ),
    ] = ""
    api_key_command: Annotated[
        Texts,
        Meta(
            min_length=1,
            description="A program and its arguments that print a short-lived key, used if `api-key-env` gives "
            "none. It runs once for all requests, and once more if the server rejects the key. Only in "
            "your own config.toml.",
        ),
    ] = ()
    api_key_ttl: Annotated[
        float, Meta(gt=0, le=86_400, description="Seconds after which `api-key-command` is run again.")
    ] = 900.0
    auth: Annotated[
        Auth | UnsetType,
        Meta(
            description="The header for the key: `bearer` (Authorization), `x-api-key`, `api-key`, or `none`. If "
            "not set, `x-api-key` for the wire `anthropic` and `bearer` for the others."
        ),
    ] = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(
            description="Extra request headers. `${NAME}` in a value is replaced by an environment variable: `{ "
            'x-portkey-config = "${PORTKEY_CONFIG}" }`.'
        ),
    ] = field(default_factory=dict)
    query: Annotated[
        dict[str, str],
        Meta(description='The query of the URL: `{ api-version = "2024-10-21" }`.'),
    ] = field(default_factory=dict)
    client_cert: Annotated[
        Text,
        Meta(
            description="A PEM file with the client certificate that the server asks for, and its key unless "
            "`client-key` names that. Only in your own config.toml."
        ),
    ] = ""
    client_key: Annotated[
        Text, Meta(description="A PEM file with the private key of `client-cert`, not encrypted.")
    ] = ""
    command: Annotated[
        Texts,
        Meta(
            min_length=1,
            description="The agent's command and its arguments, for the phases implement and fix: it works in a "
            "scratch copy. `{task}` is replaced by a file with the task; without it, the task is on "
            "standard input.",
        ),
    ] = ()
    ask: Annotated[
        Texts,
        Meta(
            min_length=1,
            description="The agent's command that answers one request, for the phases analyze, verify and plan: it "
            "is started in an empty folder. `{model}`, `{system}`, `{system-file}`, `{schema}`, "
            "`{schema-file}` and `{folder}` are replaced; the request is on standard input.",
        ),
    ] = ()
    environment: Annotated[
        tuple[Annotated[str, Meta(extra_json_schema={"pattern": VARIABLE})], ...],
        Meta(
            description="NAMES of environment variables that the agent gets, in addition to the one in "
            "`api-key-env` and those that every program needs (`PATH`, `HOME`, ...). Only for the wire "
            "`agent`."
        ),
    ] = ()
    structured: Annotated[
        Structured, Meta(description="How the model is made to reply in the requested JSON format.")
    ] = Structured.JSON_SCHEMA
    token_limit: Annotated[
        Literal["max_tokens", "max_completion_tokens"],
        Meta(description="The request field that caps the length of a reply."),
    ] = "max_tokens"
    temperature: Annotated[bool, Meta(description="Send a temperature.")] = True
    quick: Annotated[
        dict[str, Any],
        Meta(description="Extra request fields that turn reasoning down for a quick gate."),
    ] = field(default_factory=dict)
    context: Annotated[
        int,
        Meta(ge=1024, le=100_000_000, description="The maximum number of tokens in a request and its reply together."),
    ] = 128_000
    cuts: Annotated[
        bool,
        Meta(
            description="The server silently cuts a request that is longer than its context, as Ollama does, "
            "instead of rejecting it. ralph-hooks then sends nothing that may be longer."
        ),
    ] = False
    batch: Annotated[
        bool,
        Meta(
            description="The server has the batch API of its wire at half the price: `ralph-hooks backtest --batch` "
            "uses it."
        ),
    ] = False
    catalogue: Annotated[Text, Meta(description="Its id in the price catalogue genai-prices, if it has one.")] = ""


class PriceTable(Table, frozen=True):
    """The price of a model that the catalogue does not have, in US dollars per million tokens."""

    input: Annotated[Dollars, Meta(description="Tokens of the request.")]
    output: Annotated[Dollars, Meta(description="Tokens of the reply, including reasoning.")]
    cached_input: Annotated[
        Dollars | UnsetType, Meta(description="Tokens read from the prompt cache; if not set, as `input`.")
    ] = UNSET
    cache_write: Annotated[
        Dollars | UnsetType, Meta(description="Tokens written to the prompt cache; if not set, as `input`.")
    ] = UNSET


class FileTable(Table, frozen=True):
    """`[tool.ralph-hooks]` in pyproject.toml, and the same keys without this prefix in the user's config.toml."""

    cheap: Annotated[ModelName, Meta(description="The model that serves analyze, verify, plan and fix.")] = ""
    expensive: Annotated[ModelName, Meta(description="The model that serves implement.")] = ""
    on_failure: Annotated[
        OnFailure,
        Meta(
            description="The consequence of a rejected change: `fix` blocks and starts a repair, `block` only "
            "blocks, `warn` lets the change through and reports the findings."
        ),
    ] = OnFailure.FIX
    store: Annotated[
        Text,
        Meta(
            description="The PostgreSQL database with a team's verdicts and ledger: "
            "`postgresql://db.corp.example/ralph`. Only in your own config.toml; the environment "
            "variable `RALPH_HOOKS_STORE` takes precedence.",
            extra_json_schema={"pattern": STORE},
        ),
    ] = ""
    proxy: Annotated[
        Text,
        Meta(
            description="The proxy for requests to providers: `http://HOST:PORT`, or `environment` to use "
            "`HTTPS_PROXY` and `NO_PROXY`. It sees the host names, not the requests. Only in your own "
            "config.toml.",
            extra_json_schema={"pattern": PROXY},
        ),
    ] = ""
    models: ModelsTable = ModelsTable()
    routes: tuple[RouteTable, ...] = ()
    gate: GateSettings = GateSettings()
    push: PushSettings = PushSettings()
    checks: ChecksSettings = ChecksSettings()
    review: ReviewSettings = ReviewSettings()
    verify: VerifySettings = VerifySettings()
    linters: tuple[LinterTable, ...] = ()
    proof: ProofSettings = ProofSettings()
    fix: FixSettings = FixSettings()
    budget: BudgetTable = BudgetTable()
    providers: dict[ProviderName, ProviderTable] = field(default_factory=dict)
    prices: dict[ModelName, PriceTable] = field(default_factory=dict)
