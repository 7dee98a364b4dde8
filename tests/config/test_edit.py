"""A pyproject.toml is added to, and every byte that was there stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks.config.edit import added, render
from ralph_hooks.errors import ConfigError

VALUES: dict[str, Any] = {
    "cheap": "openai/gpt-6-luna",
    "expensive": 'odd/"quoted" \\ name',
    "verify": {"commands": ["python -m pytest -q --junit-xml={junit}"]},
    "providers": {"claude-code": {"wire": "agent", "command": ["claude", "-p"]}},
}
ODD = """\
#  a comment   \r
[build-system]
requires=[ "hatchling" ,
   "x" ] # why
  [ project ]   # spaces
name   =  'odd'
description = '''
[tool.ralph-hooks]
cheap = "in a string"
'''

[tool.ruff]
x.y = 1
[[tool.other]]
a = {b=1,  c=[1,2]}


"""


def table(text: str) -> dict[str, Any]:
    found: dict[str, Any] = tomli.loads(text)["tool"]["ralph-hooks"]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# only a comment",
        '[project]\nname = "x"',
        ODD,
        ODD.replace("\r", ""),
        '[project]\r\nname = "x"\r\n',
        "[tool]\nx.y = 1\n",
        "tool.x = 1\n",
    ],
)
def test_a_file_without_the_table_gets_it_at_the_end(text: str) -> None:
    after = added(text, VALUES)
    assert after.startswith(text.rstrip("\n") if not text.strip() else text)
    assert table(after) == VALUES
    assert {key: value for key, value in tomli.loads(after).items() if key != "tool"} == {
        key: value for key, value in tomli.loads(text).items() if key != "tool"
    }


def test_line_endings_are_those_of_the_file() -> None:
    assert "\n" not in added('[project]\r\nname = "x"\r\n', VALUES).replace("\r\n", "")
    assert "\r" not in added('[project]\nname = "x"\n', VALUES)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("[tool.ralph-hooks]\non-failure = 'block' # keep\n\n[tool.ruff]\nx = 1\n", "[tool.ralph-hooks]\n"),
        ("[tool.ralph-hooks]\r\non-failure = 'block' # keep\r\n\r\n[tool.ruff]\r\nx = 1", "[tool.ralph-hooks]\r\n"),
        ("[tool.ralph-hooks.gate]\ndeadline=5\n[tool.x]\ny=1\n", "[tool.ralph-hooks.gate]\n"),
        ("[tool.ralph-hooks.verify]\non=['pre-push']\n[tool.z]\nc=1\n", ""),
        ("tool.ralph-hooks.on-failure='block'\n[project]\nname='y'\n", "tool.ralph-hooks.on-failure='block'\n"),
    ],
)
def test_a_table_that_is_there_gets_more_lines(text: str, first: str) -> None:
    after = added(text, VALUES)
    assert after.startswith(first)
    was = table(text)
    assert table(after) == {**VALUES, **was, "verify": {**VALUES["verify"], **was.get("verify", {})}}
    lines = iter(after.splitlines())
    assert all(line in lines for line in text.splitlines())  # in their order, each as it was


@pytest.mark.parametrize("text", ["[tool]\nralph-hooks = {on-failure='block'}\n", "tool = {x=1}\n"])
def test_a_form_that_cannot_be_added_to_is_said_with_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot add to this file") as caught:
        added(text, VALUES)
    assert render(VALUES) in caught.value.hint


def test_what_is_added_twice_is_refused_rather_than_changed() -> None:
    once = added("", {"cheap": "a/b"})
    with pytest.raises(ConfigError):
        added(once, {"cheap": "c/d"})


KEYS = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
SCALARS = st.one_of(st.integers(-5, 5).map(str), st.booleans().map(lambda value: str(value).lower()), st.just('"#="'))


@st.composite
def files(draw: st.DrawFn) -> str:
    """TOML files with comments, spaces and tables in any order."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    names = draw(st.lists(st.tuples(KEYS, KEYS), unique=True, max_size=4))
    own = draw(st.sampled_from(["", "[tool.ralph-hooks]", "[tool.ralph-hooks.gate]"]))
    headers = [f"[{outer}x.{inner}]" for outer, inner in names] + [own] * bool(own)
    lines: list[str] = []
    for header in draw(st.permutations(headers)):
        lines.append(draw(st.sampled_from(["", "  "])) + header + draw(st.sampled_from(["", " # why"])))
        body = {"[tool.ralph-hooks]": ["on-failure"], "[tool.ralph-hooks.gate]": ["deadline"]}.get(header)
        for key in body or draw(st.lists(KEYS, unique=True, max_size=3)):
            lines.append(draw(st.sampled_from(["", "\t", "# x"])) if draw(st.booleans()) else "")
            lines.append(f"{key}{draw(st.sampled_from([' = ', '=']))}{draw(SCALARS)}")
    return newline.join(lines) + draw(st.sampled_from(["", newline, newline * 3]))


@given(files())
@settings(deadline=None, max_examples=150)
def test_whatever_is_there_stays(text: str) -> None:
    before = tomli.loads(text)
    after = added(text, VALUES)
    assert table(after).items() >= VALUES.items()
    rest = tomli.loads(after)
    assert {key: value for key, value in rest.items() if key != "tool"} == {
        key: value for key, value in before.items() if key != "tool"
    }
    lines = iter(after.splitlines(keepends=True))
    ended = text if text.endswith("\n") or not text else text + ("\r\n" if "\r\n" in text else "\n")
    assert all(line in lines for line in ended.splitlines(keepends=True))
    assert ("\r\n" in after) == ("\r\n" in text)


def test_our_own_file_can_be_added_to() -> None:
    path = Path(__file__).parents[2] / "sample-repo" / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    assert added(text, {"on-failure": "block"}).replace('on-failure = "block"\n', "") == text
