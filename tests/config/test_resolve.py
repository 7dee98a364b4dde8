"""Each configuration error names the file, the key as written, the expected value and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.config import load
from ralph_hooks.errors import ConfigError, ExitCode
from tests.support.configuration import BUILT_IN, SECONDS, load_texts

KNOWN = "known keys: anthropic, deepseek, minimax, openai, openrouter"
DOLLARS = "expected a number from 0 to 1,000,000"
NOT_SHOWN = "(the value is not shown: it may be the key itself)"
EXPORT = "keep the key out of the file: export it under that name"
URL_FORM = "such as https://llm.corp.example/v1, or http://127.0.0.1:8080/v1 on this machine"
CORP = "[providers.corp]\n"
SERVED = CORP + "base-url = 'https://a'\n"
CANNOT = "a repository cannot set this key"
OWN = "write it into your own config.toml"

# What stands under [tool.ralph-hooks]; the key that is named, without that prefix; what is said of it; the advice.
MISTAKES = [
    # unknown keys, at every depth
    ("on_failure = 'fix'", "on_failure", "unknown key", 'did you mean "on-failure"?'),
    ("chaep = 'openai/a'", "chaep", "unknown key", 'did you mean "cheap"?'),
    ("deadline = 3", "deadline", "unknown key", "move it to the table gate"),
    ("[gate]\ndeadlin = 3", "gate.deadlin", "unknown key", 'did you mean "deadline"?'),
    ("[gate]\nblock_at = 'note'", "gate.block_at", "unknown key", 'did you mean "block-at"?'),
    ("[push]\nBlock-At = 'note'", "push.Block-At", "unknown key", 'did you mean "block-at"?'),
    ("[models]\nanalyse = 'openai/a'", "models.analyse", "unknown key", 'did you mean "analyze"?'),
    ("[verify]\ncommand = ['a']", "verify.command", "unknown key", 'did you mean "commands"?'),
    ("[fix]\nround = 1", "fix.round", "unknown key", 'did you mean "rounds"?'),
    ("[budget]\nper-week = 1", "budget.per-week", "unknown key", None),
    ("[providers.corp]\nurl = 'a'", "providers.corp.url", "unknown key", 'did you mean "base-url"?'),
    ("[prices.'a/b']\ninput = 1\noutput = 1\ncache = 1", 'prices."a/b".cache', "unknown key", None),
    ("[[routes]]\npath = ['a']\npaths = ['b']", "routes[0].path", "unknown key", 'did you mean "paths"?'),
    (
        "[[routes]]\npaths = ['b']\nmodels.plans = 'a/b'",
        "routes[0].models.plans",
        "unknown key",
        'did you mean "plan"?',
    ),
    ('"odd key" = 1', '"odd key"', "unknown key", None),
    # wrong types
    ("cheap = ['openai/a']", "cheap", "expected a string, got a list", ""),
    ("gate = 3", "gate", "expected a table, got 3", ""),
    ("routes = {}", "routes", "expected a list of tables, got a table", ""),
    ("routes = ['a']", "routes[0]", "expected a table, got a string", ""),
    ("providers = []", "providers", "expected a table, got an empty list", ""),
    ("[gate]\ndeadline = '60'", "gate.deadline", f"{SECONDS}, got a string", ""),
    ("[gate]\ndeadline = true", "gate.deadline", f"{SECONDS}, got true", ""),
    ("[gate]\nconfirm = 1", "gate.confirm", "expected true or false, got 1", ""),
    ("[gate]\nconfirm = 'yes'", "gate.confirm", "expected true or false, got a string", ""),
    ("[gate]\nparallel = 2.5", "gate.parallel", "expected a whole number from 1 to 64, got 2.5", ""),
    ("[gate]\nexclude = '*.lock'", "gate.exclude", "expected a list of strings, got a string", ""),
    ("[gate]\nexclude = ['a', 3]", "gate.exclude[1]", "expected a non-empty string, got 3", ""),
    ("[fix]\nrounds = 2024-01-01", "fix.rounds", "expected a whole number from 0 to 20, got a date or time", ""),
    (
        "[models]\nplan = 3",
        "models.plan",
        "expected a string or a list of strings, at least one, got 3",
        "",
    ),
    ("[models]\nplan = []", "models.plan", "expected a list of strings, at least one, got an empty list", ""),
    # values out of range
    ("[gate]\nmin-confidence = 1.5", "gate.min-confidence", "expected a number from 0 to 1, got 1.5", ""),
    ("[gate]\nmin-confidence = -0.1", "gate.min-confidence", "expected a number from 0 to 1, got -0.1", ""),
    ("[gate]\nmin-confidence = nan", "gate.min-confidence", "expected a number from 0 to 1, got nan", ""),
    ("[push]\ndeadline = 0", "push.deadline", f"{SECONDS}, got 0", ""),
    ("[push]\ndeadline = -5", "push.deadline", f"{SECONDS}, got -5", ""),
    ("[push]\ndeadline = inf", "push.deadline", f"{SECONDS}, got a very large number", ""),
    ("[gate]\nparallel = 0", "gate.parallel", "expected a whole number from 1 to 64, got 0", ""),
    ("[gate]\nparallel = 65", "gate.parallel", "expected a whole number from 1 to 64, got 65", ""),
    (f"[fix]\nrounds = 0x{'f' * 5000}", "fix.rounds", "from 0 to 20, got a very large number", ""),
    ("[fix]\nattempts = 0", "fix.attempts", "expected a whole number from 1 to 20, got 0", ""),
    ("[budget]\nper-run = -1", "budget.per-run", f"{DOLLARS}, got -1", ""),
    ("[budget]\nper-day = nan", "budget.per-day", f"{DOLLARS}, got nan", ""),
    ("[budget]\nper-month = true", "budget.per-month", f"{DOLLARS}, got true", ""),
    ("[prices.'openai/b']\ninput = 1", 'prices."openai/b".output', f"missing; {DOLLARS}", ""),
    ("[prices.'openai/b']\ninput = -1\noutput = 1", 'prices."openai/b".input', f"{DOLLARS}, got -1", ""),
    # words that are none of the choices
    ("on-failure = 'fixx'", "on-failure", 'expected "fix", "block" or "warn", got "fixx"', 'did you mean "fix"?'),
    ("on-failure = 'abort'", "on-failure", 'expected "fix", "block" or "warn", got "abort"', ""),
    (
        "[gate]\nblock-at = 'warn'",
        "gate.block-at",
        'expected "error", "warning" or "note", got "warn"',
        'did you mean "warning"?',
    ),
    (
        "[gate]\nwhen-unavailable = 'OPEN'",
        "gate.when-unavailable",
        'expected "open" or "closed"',
        'did you mean "open"?',
    ),
    ("[verify]\non = ['push']", "verify.on[0]", 'expected "pre-commit" or "pre-push", got "push"', '"pre-push"?'),
    ("[fix]\nin-hook = 'back'", "fix.in-hook", 'expected "background" or "foreground"', None),
    (CORP + "wire = 'openapi'", "providers.corp.wire", 'got "openapi"', 'did you mean "openai"?'),
    (CORP + "structured = 'json'", "providers.corp.structured", 'or "none", got "json"', None),
    # models
    (
        "cheap = 'deepseek-v4-flash'",
        "cheap",
        'expected a model, got "deepseek-v4-flash"',
        'write provider/model, such as "deepseek/deepseek-v4-flash"',
    ),
    ("expensive = 'opus'", "expensive", 'expected a model, got "opus"', 'such as "PROVIDER/opus"'),
    ("cheap = ''", "cheap", 'expected a model, got ""', "write provider/model"),
    ("cheap = 'openai/'", "cheap", 'expected a model, got "openai/"', "write provider/model"),
    ("cheap = 'openai/a b'", "cheap", 'expected a model, got "openai/a b"', "write provider/model"),
    ("cheap = 'OpenAI/a'", "cheap", 'unknown provider "OpenAI"', 'did you mean "openai"?'),
    ("expensive = 'antropic/a'", "expensive", 'unknown provider "antropic"', 'did you mean "anthropic"?'),
    ("[models]\nplan = ['openai/a', 'zzz/b']", "models.plan[1]", 'unknown provider "zzz"', KNOWN),
    (
        "[models]\nplan = ['openai/a', 'openai/a']",
        "models.plan[1]",
        "openai/a is listed twice in this chain",
        "remove one",
    ),
    ("[prices.'opnai/a']\ninput = 1\noutput = 1", 'prices."opnai/a"', 'unknown provider "opnai"', 'mean "openai"?'),
    # impossible combinations
    ("[[routes]]\nskip = true", "routes[0].paths", "missing; expected a list of strings, at least one", ""),
    ("[[routes]]\npaths = []", "routes[0].paths", "expected a list of strings, at least one, got an empty list", ""),
    (
        "[[routes]]\npaths = ['a']\nskip = true\nmodels.fix = 'openai/a'",
        "routes[0]",
        "skip and models exclude each other",
        "remove one of the two",
    ),
    (
        "cheap = 'me/x'\n[providers.me]\nwire = 'agent'\ncommand = ['me']",
        "cheap",
        "me is a coding agent and cannot serve analyze, verify, plan",
        "add ask = [...] to [providers.me]",
    ),
    (
        "models.verify = ['me/x']\n[providers.me]\nwire = 'agent'\ncommand = ['me']",
        "models.verify[0]",
        "me is a coding agent and cannot serve verify",
        "add ask = [...] to [providers.me]",
    ),
    (
        "expensive = 'me/x'\n[providers.me]\nwire = 'agent'\nask = ['me']",
        "expensive",
        "me is a coding agent and cannot serve implement",
        "add command = [...] to [providers.me]",
    ),
    (CORP + "ask = ['a']", "providers.corp.ask", 'wire = "openai" runs no command', 'write wire = "agent"'),
    # providers
    (CORP, "providers.corp.base-url", "missing; expected a URL", "such as base-url"),
    (CORP + "wire = 'agent'", "providers.corp.command", 'missing; wire = "agent" needs it', "such as command"),
    (CORP + "command = ['a']", "providers.corp.command", 'wire = "openai" runs no command', 'write wire = "agent"'),
    (
        CORP + "wire = 'agent'\ncommand = ['a']\nbase-url = 'https://a'",
        "providers.corp.base-url",
        'wire = "agent" runs a command and has no URL',
        "remove one of the two",
    ),
    (CORP + "wire = 'agent'\ncommand = [\"a\\u0000\"]", "providers.corp.command", "remove the NUL", ""),
    (
        CORP + "wire = 'agent'\ncommand = ['a']\nenvironment = ['https_proxy', 'KEY=sk-1']",
        "providers.corp.environment[1]",
        "expected the NAME of an environment variable",
        'such as "HTTPS_PROXY"',
    ),
    (
        CORP + "base-url = 'https://a'\nenvironment = ['HTTPS_PROXY']",
        "providers.corp.environment",
        'wire = "openai" starts no program',
        "remove it",
    ),
    (
        "[providers.'a/b']\nbase-url = 'https://a'",
        'providers."a/b"',
        "expected a name without a slash or space",
        "models",
    ),
    (CORP + "base-url = 'http://llm.corp.example/v1'", "providers.corp.base-url", "expected https", "write https://"),
    (
        CORP + "base-url = 'http://127.0.0.1.evil.example'",
        "providers.corp.base-url",
        "expected https",
        "write https://",
    ),
    (CORP + "base-url = 'llm.corp.example'", "providers.corp.base-url", "expected a URL", URL_FORM),
    (CORP + "base-url = 'ftp://a'", "providers.corp.base-url", "expected a URL", URL_FORM),
    (CORP + "base-url = 'https://a:99999'", "providers.corp.base-url", "expected a URL", URL_FORM),
    (CORP + "base-url = 'https://a\\b'", "providers.corp.base-url", "expected a URL", URL_FORM),
    (
        CORP + "base-url = 'https://a/v1?key=s3cr3t'",
        "providers.corp.base-url",
        "expected a URL without ? and #",
        "api-key",
    ),
    (
        CORP + "base-url = 'https://u:s3cr3t@a/v1'",
        "providers.corp.base-url",
        "without user name and password",
        "api-key",
    ),
    (
        CORP + "base-url = 'https://a/v1/chat/completions'",
        "providers.corp.base-url",
        "expected the URL without the endpoint",
        "leave out /chat/completions",
    ),
    (
        CORP + "base-url = 'https://a'\napi-key-env = 'sk-s3cr3t'",
        "providers.corp.api-key-env",
        "expected the NAME of an environment variable, in capitals, such as CORP_LLM_KEY " + NOT_SHOWN,
        EXPORT,
    ),
    (CORP + "base-url = 'https://a'\napi-key-env = 'gsk_s3cr3t'", "providers.corp.api-key-env", NOT_SHOWN, EXPORT),
    ("store = ''", "store", "expected a non-empty string, got an empty string", None),
    (CORP + "api-key = 's3cr3t'", "providers.corp.api-key", "unknown key", 'did you mean "api-key-env"?'),
    (CORP + "context = 's3cr3t'", "providers.corp.context", "expected a whole number from 1024", ""),
    (CORP + "base-url = 'https://a'\nquick = {a = [nan]}", "providers.corp.quick", "expected a JSON value", ""),
    (SERVED + "auth = 'basic'", "providers.corp.auth", 'or "none", got "basic"', None),
    (SERVED + "headers = {'x team' = 'a'}", 'providers.corp.headers."x team"', "the name of a header", 'such as "x-'),
    (SERVED + "headers = {Host = 'a'}", "providers.corp.headers.Host", "sets this header itself", "remove it"),
    (SERVED + 'headers = {x = "s3cr3t\\nx: 1"}', "providers.corp.headers.x", "printable ASCII", ""),
    (SERVED + "headers = {x = '${A B}'}", "providers.corp.headers.x", "the name of an environment variable", ""),
    (SERVED + "headers = {x = 1}", "providers.corp.headers.x", "expected a string, got 1", ""),
    (SERVED + 'query = {"" = "a"}', 'providers.corp.query.""', "expected printable text", ""),
    (CORP + "base-url = 'https://a'\nquick = {a = 2024-01-01}", "providers.corp.quick", "a JSON value", ""),
    # commands and patterns
    ("[verify]\ncommands = ['']", "verify.commands[0]", "expected a non-empty string, got an empty string", ""),
    ("[verify]\ncommands = ['a', '  ']", "verify.commands[1]", "expected a command, got only spaces", "such as"),
    (
        "[verify]\ncommands = ['sh -c \"x']",
        "verify.commands[0]",
        "cannot be split into words: no closing quot",
        "such as",
    ),
    ('[verify]\ncommands = ["a\\u0000"]', "verify.commands[0]", "remove the NUL character", "such as"),
    ("[gate]\nexclude = ['!a']", "gate.exclude[0]", "a pattern cannot be negated", "a later rule of routes"),
    ("[push]\nexclude = ['a', './b']", "push.exclude[1]", "expected a path from the top of the repository", "such as"),
    ("[fix]\nprotected = ['a\\b']", "fix.protected[0]", "expected forward slashes", "write a/b"),
    ("[[routes]]\npaths = ['[z-a]']", "routes[0].paths[0]", "not a pattern: bad character range", ""),
    ("[[routes]]\npaths = ['/']", "routes[0].paths[0]", "expected a path from the top of the repository", "such as"),
]


def in_repository(text: str) -> str:
    """``text``, written for the user's file, as it would stand in pyproject.toml."""
    tables = text.replace("[[", "\0").replace("\n[", "\n[tool.ralph-hooks.")
    if tables.startswith("["):
        tables = "[tool.ralph-hooks." + tables[1:]
    return "[tool.ralph-hooks]\n" * (not tables.startswith("[tool")) + tables.replace("\0", "[[tool.ralph-hooks.")


@pytest.mark.parametrize(
    ("text", "key", "problem", "hint"), MISTAKES, ids=[f"{key}-{n}" for n, (_, key, *_) in enumerate(MISTAKES)]
)
def test_a_mistake_is_told(tmp_path: Path, text: str, key: str, problem: str, hint: str | None) -> None:
    for repository, user, name, prefix in (
        (in_repository(text), "", "pyproject.toml", "tool.ralph-hooks."),
        ("", text, "config.toml", ""),
    ):
        with pytest.raises(ConfigError) as caught:
            load_texts(tmp_path, repository, user)
        error = caught.value
        assert error.exit_code == ExitCode.USAGE
        assert error.message.startswith(f"{tmp_path / name}: {prefix}{key}: ")
        assert problem in error.message
        assert hint is None or (hint in error.hint and bool(hint) == bool(error.hint))
        assert "s3cr3t" not in error.message + error.hint


def test_the_prefix_in_the_users_own_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, user="[tool.ralph-hooks]\ncheap = 'openai/a'\n")
    assert caught.value.message == f"{tmp_path / 'config.toml'}: tool: unknown key"
    assert caught.value.hint == "write the keys of this file without the prefix tool.ralph-hooks"


def test_a_store_in_a_repository_is_told_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, "[tool.ralph-hooks]\nstore = 'postgresql://ann:s3cr3t@db/ralph'\n")
    assert caught.value.message == (
        f"{tmp_path / 'pyproject.toml'}: tool.ralph-hooks.store: a repository cannot choose the store of your verdicts "
        "(the value is not shown: it may hold a password)"
    )
    assert caught.value.hint == "write it into your own config.toml, or set RALPH_HOOKS_STORE"


@pytest.mark.parametrize("store", ["mysql://ann:s3cr3t@db/x", "/var/s3cr3t.db", "postgresql://ann:s3cr3t@db /x"])
def test_a_store_that_is_no_postgresql_is_told_and_not_shown(tmp_path: Path, store: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"store = '{store}'\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(None, path, BUILT_IN)
    assert caught.value.message == f"{path}: store: expected the URL of a PostgreSQL database"
    assert caught.value.hint == "such as postgresql://db.corp.example/ralph"


def test_a_proxy_in_a_repository_is_told_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, "[tool.ralph-hooks]\nproxy = 'http://ann:s3cr3t@proxy.example:3128'\n")
    assert caught.value.message == (
        f"{tmp_path / 'pyproject.toml'}: tool.ralph-hooks.proxy: a repository cannot choose the proxy to your models "
        "(the value is not shown: it may hold a password)"
    )


@pytest.mark.parametrize("proxy", ["socks5://s3cr3t:1", "http://ann:s3cr3t@proxy", "http://proxy:x", "Environment"])
def test_a_proxy_of_another_kind_is_told_and_not_shown(tmp_path: Path, proxy: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"proxy = '{proxy}'\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(None, path, BUILT_IN)
    assert caught.value.message == f"{path}: proxy: expected the URL of an HTTP proxy"


def test_a_broken_provider_does_not_make_its_models_unknown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, user="cheap = 'corp/big'\n[providers.corp]\nbase-url = 'http://corp.example'\n")
    assert caught.value.message.startswith(f"{tmp_path / 'config.toml'}: providers.corp.base-url: ")


@pytest.mark.parametrize("line", ["api-key-command = ['az', 'token']", "client-cert = '/c.pem'"])
def test_what_runs_or_identifies_is_the_users_alone_to_choose(tmp_path: Path, line: str) -> None:
    key = line.partition(" ")[0]
    with pytest.raises(ConfigError) as caught:
        load_texts(tmp_path, repository="[tool.ralph-hooks.providers.corp]\nbase-url = 'https://a'\n" + line)
    assert caught.value.message.endswith(f"tool.ralph-hooks.providers.corp.{key}: {CANNOT}")
    assert caught.value.hint == OWN
    load_texts(tmp_path, user="[providers.corp]\nbase-url = 'https://a'\n" + line)


def test_a_key_without_its_certificate_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="client-key: client-cert is missing"):
        load_texts(tmp_path, user="[providers.corp]\nbase-url = 'https://a'\nclient-key = '/k.pem'")
