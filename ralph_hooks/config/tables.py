"""What may stand in a configuration file, where it differs from the settings that are made of it."""

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
"""Where a team's store is: a URL as libpq takes it."""
PROXY = r"^(environment|http://([^\s/@]+@)?[A-Za-z0-9._-]+:[0-9]{1,5}/?)$"
"""The proxy on the way to providers: the one that HTTPS_PROXY names, or a URL."""

# Patterns are for editors alone: `resolve` checks the same ones with better advice than a decoder can give.
ModelName = Annotated[str, Meta(extra_json_schema={"pattern": MODEL})]
ProviderName = Annotated[str, Meta(extra_json_schema={"pattern": PROVIDER_NAME})]
ModelChain = ModelName | Annotated[tuple[ModelName, ...], Meta(min_length=1)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]


class ModelsTable(Table, frozen=True):
    """A phase's own model, or a chain of models to fall back along on an outage."""

    analyze: Annotated[ModelChain, Meta(description="What in this change looks wrong?")] = ()
    verify: Annotated[ModelChain, Meta(description="Is this claim true?")] = ()
    plan: Annotated[ModelChain, Meta(description="What has to be read and done to repair it?")] = ()
    implement: Annotated[ModelChain, Meta(description="The repair itself.")] = ()
    fix: Annotated[ModelChain, Meta(description="Correct a repair that failed its check.")] = ()


class RouteTable(Table, frozen=True):
    """Other models for some paths, or no review of them. The last rule that matches a path decides alone."""

    paths: Annotated[
        Texts,
        Meta(
            min_length=1,
            description="Path patterns. One without a slash matches a name at any depth; `*` stops at a slash, `**` "
            "does not; a folder covers what is in it.",
        ),
    ]
    models: Annotated[
        ModelsTable, Meta(description="Models for these paths; phases that are not named keep theirs.")
    ] = ModelsTable()
    skip: Annotated[bool, Meta(description="Whether these paths go unreviewed (they are listed as such).")] = False
    guidelines: Annotated[
        Texts, Meta(description="Review guidelines for these paths, besides `review.guidelines`.")
    ] = ()


class BudgetTable(Table, frozen=True):
    """Caps in US dollars. Where both files set one, the lower one holds."""

    per_run: Annotated[Dollars, Meta(description="US dollars for one run.")] = 0.50
    per_day: Annotated[Dollars, Meta(description="US dollars for one day.")] = 5.00
    per_month: Annotated[Dollars, Meta(description="US dollars for one month.")] = 100.00
    unpriced: Annotated[
        Unpriced,
        Meta(
            description="What happens to a call whose price neither the catalogue nor `prices` knows, and which no cap "
            "can count: `allow` makes it and says so, `refuse` does not. Where one file says `refuse`, that holds."
        ),
    ] = Unpriced.ALLOW


class ProviderTable(Table, frozen=True):
    """A place where models are served. Needs trust when the repository defines it."""

    wire: Annotated[
        Wire,
        Meta(
            description="How it is spoken to: `openai` (chat completions), `openai-responses`, `anthropic` (messages), "
            "or `agent`, a coding agent's command line."
        ),
    ] = Wire.OPENAI
    base_url: Annotated[
        Text,
        Meta(
            description="The URL without the endpoint: `https://llm.corp.example/v1`. Plain http only on this machine. "
            "Required unless the wire is `agent`."
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
            description="A program and its arguments that print a key which is valid for some time, used where "
            "`api-key-env` gives none. Run once for all requests; once more when the server refuses its key. Only in "
            "your own config.toml.",
        ),
    ] = ()
    api_key_ttl: Annotated[
        float, Meta(gt=0, le=86_400, description="Seconds after which `api-key-command` is run again.")
    ] = 900.0
    auth: Annotated[
        Auth | UnsetType,
        Meta(
            description="The header that carries the key: `bearer` (Authorization), `x-api-key`, `api-key`, or `none`. "
            "Where it is not set, `x-api-key` for the wire `anthropic` and `bearer` for the others."
        ),
    ] = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(
            description="Extra request headers. `${NAME}` in a value stands for an environment variable: "
            '`{ x-portkey-config = "${PORTKEY_CONFIG}" }`.'
        ),
    ] = field(default_factory=dict)
    query: Annotated[
        dict[str, str],
        Meta(description='What stands after `?` in the URL: `{ api-version = "2024-10-21" }`.'),
    ] = field(default_factory=dict)
    client_cert: Annotated[
        Text,
        Meta(
            description="A PEM file with the certificate that the server wants to see, and with its key unless "
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
            "scratch copy. `{task}` stands for a file with the task; without it the task comes on standard input.",
        ),
    ] = ()
    ask: Annotated[
        Texts,
        Meta(
            min_length=1,
            description="The agent's command that answers one question, for the phases analyze, verify and plan: it is "
            "started in an empty folder. `{model}`, `{system}`, `{system-file}`, `{schema}`, `{schema-file}` and "
            "`{folder}` stand for what they say; the question comes on standard input.",
        ),
    ] = ()
    environment: Annotated[
        tuple[Annotated[str, Meta(extra_json_schema={"pattern": VARIABLE})], ...],
        Meta(
            description="NAMES of environment variables that the agent gets to see, besides the one in `api-key-env` "
            "and what every program needs (`PATH`, `HOME`, ...). For the wire `agent` only."
        ),
    ] = ()
    structured: Annotated[Structured, Meta(description="How it is made to answer in the shape that was asked for.")] = (
        Structured.JSON_SCHEMA
    )
    token_limit: Annotated[
        Literal["max_tokens", "max_completion_tokens"],
        Meta(description="The request field that caps the length of a reply."),
    ] = "max_tokens"
    temperature: Annotated[bool, Meta(description="Whether a temperature may be sent.")] = True
    quick: Annotated[
        dict[str, Any],
        Meta(description="Extra request fields that turn reasoning down for a quick gate."),
    ] = field(default_factory=dict)
    context: Annotated[
        int, Meta(ge=1024, le=100_000_000, description="Tokens that a request and its reply may fill together.")
    ] = 128_000
    cuts: Annotated[
        bool,
        Meta(
            description="Whether it cuts a request that is longer than its context in silence, as Ollama does, instead "
            "of refusing it. Then nothing is sent that may be longer."
        ),
    ] = False
    catalogue: Annotated[Text, Meta(description="Its id in the price catalogue genai-prices, where it has one.")] = ""


class PriceTable(Table, frozen=True):
    """What a model costs where the catalogue has no price, in US dollars per million tokens."""

    input: Annotated[Dollars, Meta(description="Tokens of the request.")]
    output: Annotated[Dollars, Meta(description="Tokens of the reply, reasoning included.")]
    cached_input: Annotated[
        Dollars | UnsetType, Meta(description="Tokens read from the prompt cache; as `input` where it is not set.")
    ] = UNSET
    cache_write: Annotated[
        Dollars | UnsetType, Meta(description="Tokens written to the prompt cache; as `input` where it is not set.")
    ] = UNSET


class FileTable(Table, frozen=True):
    """`[tool.ralph-hooks]` in pyproject.toml, and the same keys without this prefix in the user's config.toml."""

    cheap: Annotated[ModelName, Meta(description="The model that serves analyze, verify, plan and fix.")] = ""
    expensive: Annotated[ModelName, Meta(description="The model that serves implement.")] = ""
    on_failure: Annotated[
        OnFailure,
        Meta(
            description="What a failed gate leads to: `fix` blocks and starts a repair, `block` only blocks, `warn` "
            "lets the change through and says what was found."
        ),
    ] = OnFailure.FIX
    store: Annotated[
        Text,
        Meta(
            description="The PostgreSQL that holds a team's verdicts and ledger: `postgresql://db.corp.example/ralph`. "
            "Only in your own config.toml; `RALPH_HOOKS_STORE` in the environment goes before it.",
            extra_json_schema={"pattern": STORE},
        ),
    ] = ""
    proxy: Annotated[
        Text,
        Meta(
            description="The proxy on the way to providers: `http://HOST:PORT`, or `environment` for what "
            "`HTTPS_PROXY` and `NO_PROXY` say. It sees whom you talk to, not what is said. Only in your own "
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
