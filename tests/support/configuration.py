"""Configuration files for tests, and the built-in providers that they may refer to."""

from __future__ import annotations

from pathlib import Path

from ralph_hooks.config import Settings, load
from ralph_hooks.core.route import Chain, Provider, Wire

BUILT_IN = {
    name: Provider(name=name, wire=Wire.OPENAI, base_url=f"https://{name}.example/v1")
    for name in ("openai", "openrouter", "deepseek", "minimax")
} | {"anthropic": Provider(name="anthropic", wire=Wire.ANTHROPIC, base_url="https://anthropic.example")}

EVERYTHING = """
[tool.ralph-hooks]
cheap = "openrouter/deepseek/deepseek-v4-flash"
expensive = "anthropic/claude-opus-4-5"
on-failure = "fix"                     # fix | block | warn
[tool.ralph-hooks.models]              # a phase's own model, or a chain to fall back along on an outage
analyze = ["minimax/minimax-m2.7", "openrouter/deepseek/deepseek-v4-flash"]
[[tool.ralph-hooks.routes]]            # by path; the last match wins
paths = ["migrations/**", "**/*_pb2.py"]
models.implement = "openrouter/deepseek/deepseek-v4-flash"     # or: skip = true
[tool.ralph-hooks.gate]
block-at = "error"                     # lowest severity that blocks
min-confidence = 0.5
confirm = true                         # a model's blocking finding needs the verify model's agreement
exclude = ["*.lock", "vendor/**"]      # generated and vendored files are known already
deadline = 60                          # seconds for the whole hook
when-unavailable = "open"              # open | closed
[tool.ralph-hooks.push]                # the same keys for pre-push; defaults: deadline 600, closed
[tool.ralph-hooks.verify]
commands = ["python -m pytest -q --junit-xml={junit}"]
invariants = ["public functions keep their signatures"]
on = ["pre-push"]                      # where the commands run besides `fix`
timeout = 600
[tool.ralph-hooks.fix]
rounds = 2                             # fix-phase corrections per implement call
attempts = 2                           # implement calls
in-hook = "background"                 # background | foreground (section 8)
deadline = 600
protected = ["tests/**"]               # besides what is always protected (section 7)
[tool.ralph-hooks.budget]              # US dollars
per-run = 0.50
per-day = 5.00
per-month = 100.00
[tool.ralph-hooks.providers.corp]      # sensitive: needs trust
wire = "openai"                        # openai | anthropic | agent
base-url = "https://llm.corp.example/v1"
api-key-env = "CORP_LLM_KEY"
[tool.ralph-hooks.providers.claude-code]
wire = "agent"                         # a coding agent's command line, run inside the scratch copy
command = ["claude", "-p", "--output-format", "json"]
[tool.ralph-hooks.prices."corp/big"]   # US dollars per million tokens, where the catalogue has none
input = 3.0
cached-input = 0.3
output = 15.0
"""
"""All keys of a pyproject.toml, as the design of the product shows them."""


def load_texts(folder: Path, repository: str = "", user: str = "") -> Settings:
    """Return the settings that a pyproject.toml and a config.toml of these contents give."""
    (folder / "pyproject.toml").write_text(repository, encoding="utf-8")
    (folder / "config.toml").write_text(user, encoding="utf-8")
    return load(folder, folder / "config.toml", BUILT_IN)


def names(chain: Chain) -> list[str]:
    return [model.id for model in chain]


def served(settings: Settings, path: str = "a.py") -> dict[str, list[str]]:
    return {str(phase): names(chain) for phase, chain in settings.route(path).chains.items()}


SECONDS = "expected a number above 0, at most 86,400"
"""The words for a duration that is none."""
