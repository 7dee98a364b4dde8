"""Docstrings, help, messages and documentation are in plain English: no vague openings, no everyday metaphors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ralph_hooks.cli.main import COMMANDS, cli

TOP = Path(__file__).parents[1]
PAGES = sorted([TOP / "README.md", *(TOP / "docs").rglob("*.md")])
VAGUE = re.compile(r"(?:What|Whether|Who|Whoever|That)\b(?![^.]*\?)")
"""The opening of a sentence that names no subject; questions may begin so."""
METAPHORS = re.compile(
    r"\b(?:by and by|known already|errands?|purses?|tariffs?|daily bread|mend(?:s|ed|ing)?|stands? in for|look-alikes?"
    r"|sees? to (?:it|that)|(?:holds?|held) (?:a|the) change back|all the same|in vain|whoever|taken back"
    r"|cannot be had|what stands there|stands? twice|in the place of)\b",
    re.IGNORECASE,
)
"""Everyday words where this field has a term of its own."""
CODE = re.compile(r"```.*?```|``[^`]*``|`[^`]*`", re.DOTALL)


def docstrings() -> Iterator[tuple[str, str]]:
    """Yield each docstring of the package, those of attributes included, with its place."""
    for path in sorted((TOP / "ralph_hooks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            body = getattr(node, "body", None)
            for statement in body if isinstance(body, list) else ():
                match statement:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        yield f"{path.relative_to(TOP).as_posix()}:{statement.lineno}", text.strip()


def messages() -> Iterator[tuple[str, str]]:
    """Yield each sentence in the package's string literals with its place; the prompts in `phases` are for models."""
    for path in sorted((TOP / "ralph_hooks").rglob("*.py")):
        if path.parent.name == "phases":
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") > 1:
                yield f"{path.relative_to(TOP).as_posix()}:{node.lineno}", node.value


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Yield the help of ``command``, its options and its subcommands, with the name of each."""
    yield name, (command.help or "").strip()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield f"{name} {parameter.opts[0]}", parameter.help or ""
    if isinstance(command, click.Group):
        for each, subcommand in command.commands.items():
            yield from helps(subcommand, f"{name} {each}")


def all_helps() -> Iterator[tuple[str, str]]:
    """Yield the help of every command."""
    with cli.make_context("ralph-hooks", [], resilient_parsing=True) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            yield from helps(command, name)


def metaphors(texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each metaphor outside of code, with the place of its text."""
    for place, text in texts:
        for found in METAPHORS.finditer(CODE.sub("", text)):
            yield f"{place}: {found[0]}"


def test_no_docstring_has_a_vague_opening() -> None:
    found = list(docstrings())
    assert len(found) > 1000
    assert not [place for place, text in found if VAGUE.match(text)]


def test_no_help_has_a_vague_opening() -> None:
    found = list(all_helps())
    assert len(found) > len(COMMANDS)
    assert not [place for place, text in found if VAGUE.match(text)]


def test_no_docstring_or_help_has_a_metaphor() -> None:
    assert not list(metaphors([*docstrings(), *all_helps()]))


def test_no_message_has_a_metaphor() -> None:
    found = list(messages())
    assert len(found) > 1000
    assert not list(metaphors(found))


def test_no_page_has_a_metaphor() -> None:
    pages = [(page.relative_to(TOP).as_posix(), page.read_text(encoding="utf-8")) for page in PAGES]
    assert len(pages) > 1
    assert not list(metaphors(pages))
