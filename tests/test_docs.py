"""The documentation says what is there: snippets load, commands exist, generated pages are current."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from ralph_hooks.cli.main import COMMANDS, cli
from ralph_hooks.config import load
from ralph_hooks.providers.defaults import defaults
from ralph_hooks.providers.registry import built_in
from tools import protected_files_reference
from tools.cli_reference import reference

TOP = Path(__file__).parents[1]
PAGES = sorted([TOP / "README.md", *(TOP / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(kind: str) -> Iterator[object]:
    for page in PAGES:
        for number, found in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), start=1):
            if found["kind"] == kind:
                yield pytest.param(found["text"], id=f"{page.stem}-{number}")


@pytest.mark.parametrize("text", [each for each in blocks("toml") if "[tool.ralph-hooks" in str(each)])
def test_a_configuration_that_is_shown_is_valid(text: str, tmp_path: Path) -> None:
    whole = text if "cheap" in text or "verify" in text else f'[tool.ralph-hooks]\ncheap = "openai/x"\n{text}'
    (tmp_path / "pyproject.toml").write_text(whole, encoding="utf-8")
    assert load(tmp_path, None, built_in())


def chosen_models(table: dict[str, Any]) -> Iterator[str]:
    """Yield the models that a table ``[tool.ralph-hooks]`` names, with their providers."""
    yield from (table[key] for key in ("cheap", "expensive") if key in table)
    yield from table.get("models", {}).values()
    for route in table.get("routes", ()):
        yield from route.get("models", {}).values()


def test_the_models_that_are_shown_are_those_of_init() -> None:
    table = {**defaults().models, **defaults().agents}
    offered = {f"{name}/{model}" for name, pair in table.items() for model in (pair.cheap, pair.expensive)}
    texts = [found["text"] for page in PAGES for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]
    tables = [tomllib.loads(text)["tool"]["ralph-hooks"] for text in texts if text.startswith("[tool.ralph-hooks]")]
    shown = {model for each in tables for model in chosen_models(each)}
    assert len(shown) > 2
    own = ("ollama/", "corp/")  # names that no table can know
    assert [model for model in shown - offered if not model.startswith(own)] == []


def test_the_first_configuration_is_what_init_writes_for_one_key() -> None:
    pair = defaults().models["openrouter"]
    for page in ("README.md", "docs/index.md"):
        text = (TOP / page).read_text(encoding="utf-8")
        first = next(found["text"] for found in BLOCK.finditer(text) if found["kind"] == "toml")
        table = tomllib.loads(first)["tool"]["ralph-hooks"]
        assert table["cheap"] == f"openrouter/{pair.cheap}"
        assert table["expensive"] == f"openrouter/{pair.expensive}"


LINK = re.compile(r"\]\(([^)\s]+)\)|srcset=\"([^\"]+)\"|src=\"([^\"]+)\"")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_every_link_outside_of_the_site_leads_to_a_file_and_a_heading(name: str) -> None:
    """The pages of the site are checked by ``make docs``."""
    for found in LINK.finditer(BLOCK.sub("", (TOP / name).read_text(encoding="utf-8"))):
        target, _, anchor = next(filter(None, found.groups())).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        assert (TOP / (target or name)).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", (TOP / (target or name)).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}, anchor


@pytest.mark.parametrize("text", [each for each in blocks("yaml") if "repos:" in str(each)])
def test_a_pre_commit_configuration_that_is_shown_is_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / ".pre-commit-config.yaml"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    known = {hook["id"] for hook in msgspec.yaml.decode((TOP / ".pre-commit-hooks.yaml").read_bytes())}
    assert {hook["id"] for repo in msgspec.yaml.decode(text)["repos"] for hook in repo["hooks"]} <= known


def commands() -> Iterator[object]:
    inline = re.compile(r"`(ralph-hooks [^`\n]+)`")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line.partition("#")[0] for found in BLOCK.finditer(text) for line in found["text"].splitlines()]
        shown = [line.strip() for line in lines if re.match(r"\s*ralph-hooks [a-z]", line)]
        for line in dict.fromkeys([*shown, *inline.findall(BLOCK.sub("", text))]):
            if not line.startswith("ralph-hooks: "):
                yield pytest.param(line, id=f"{page.stem}: {line}")


@pytest.mark.parametrize("line", list(commands()))
def test_a_command_that_is_shown_exists_with_its_options(line: str) -> None:
    words = shlex.split(re.sub(r"[\[\]<>|]", " ", line))[1:]
    with click.Context(cli) as context:
        names = [word for word in words if not word.startswith("-")]
        if not names or names[0].isupper():
            return  # `ralph-hooks COMMAND`
        command = cli.get_command(context, names[0])
        assert names[0] in COMMANDS, names[0]
        assert command is not None
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert asked <= known | {"--help"}


def test_the_reference_of_the_commands_is_current() -> None:
    assert (TOP / "docs" / "cli.md").read_text(encoding="utf-8") == reference(), "python -m tools.cli_reference"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example(name: str) -> None:
    with click.Context(cli) as context:
        command = cli.get_command(context, name)
        assert command is not None
        assert "Examples:" in (command.help or "")
        assert f"ralph-hooks {name}" in (command.help or "")


def threat_model() -> Iterator[tuple[str, list[str]]]:
    """Each promise with the tests that it names."""
    page = (TOP / "docs/threat-model.md").read_text(encoding="utf-8").partition("## What is measured")[0]
    for row in page.partition("| promise |")[2].splitlines()[2:]:
        if row.startswith("|"):
            promise, _, tests = row.strip("|").split(" | ")
            yield promise.strip(), re.findall(r"`(tests/[^`]+)`", tests)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_one_command_tries_every_promise_of_the_threat_model() -> None:
    rows = list(threat_model())
    assert len(rows) > 10
    assert [promise for promise, tests in rows if not tests] == []
    named = {test for _, tests in rows for test in tests}
    assert [test for test in sorted(named) if not (TOP / test).exists()] == []
    done = subprocess.run(["make", "-n", "security"], cwd=TOP, capture_output=True, text=True, check=True)
    assert named <= set(done.stdout.split())


def test_the_table_of_protected_files_is_current() -> None:
    page = protected_files_reference.DOCUMENT.read_text(encoding="utf-8")
    assert protected_files_reference.document(page) == page


def test_troubleshooting_names_real_messages() -> None:
    sources = (TOP / "ralph_hooks").rglob("*.py")
    said = [
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    page = (TOP / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    messages = re.findall(r"^### `(.+)`$", page, re.MULTILINE)
    assert len(messages) > 15
    parts = [part for message in messages for part in message.split("…") if part]
    assert [part for part in parts if not any(part in text for text in said)] == []
