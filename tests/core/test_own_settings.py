"""What a change does to our own table in pyproject.toml."""

from __future__ import annotations

import pytest

from ralph_hooks.core.change import Content, Entry, Status
from ralph_hooks.core.own_settings import holding, settings_changed

OWN = b'[project]\nname = "x"\n[tool.ralph-hooks]\ncheap = "a/b"\nfix = { rounds = 2 }\n'


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (OWN, OWN, []),
        (OWN, OWN.replace(b'"x"', b'"y"'), []),
        (OWN, b"# words\n" + OWN.replace(b"fix = { rounds = 2 }\n", b"[tool.ralph-hooks.fix]\nrounds = 0x2\n"), []),
        (OWN, OWN.replace(b"rounds = 2", b"rounds = 3"), ["fix.rounds"]),
        (OWN, OWN + b"[tool.ralph-hooks.gate]\n", ["gate"]),
        (OWN, OWN + b"[[tool.ralph-hooks.routes]]\nskip = true\n", ["routes"]),
        (OWN, OWN + b"[tool.ralph-hooks.gate]\nexclude = ['*']\n", ["gate.exclude"]),
        (OWN, b"", ["cheap", "fix.rounds"]),
        (OWN, None, ["cheap", "fix.rounds"]),
        (None, OWN, ["cheap", "fix.rounds"]),
        (None, b"[tool.ruff]\n", []),
        (b"[tool.ruff]\n", None, []),
        (OWN, OWN + b"=", ["tool.ralph-hooks"]),
        (OWN, OWN + b"\xff", ["tool.ralph-hooks"]),
        (OWN, b"tool = { ralph-hooks = 3 }", ["tool.ralph-hooks"]),
        (b"broken =", b"fine = 1\n", ["tool.ralph-hooks"]),
        (b"broken =", b"broken =", []),
        (b"tool = 3\n", b"tool = 4\n", []),
    ],
)
def test_our_own_table_is_compared_by_value(before: bytes | None, after: bytes | None, changed: list[str]) -> None:
    entry = Entry("pyproject.toml", Status.MODIFIED, "pyproject.toml", "100644", "100644", "1", "2")
    assert list(settings_changed(entry, Content(before, after))) == changed


@pytest.mark.parametrize(
    ("path", "old_path", "changed"),
    [
        ("pyproject.toml", "other.toml", ("cheap", "fix.rounds")),
        ("other.toml", "pyproject.toml", ("cheap", "fix.rounds")),
        ("sub/pyproject.toml", "sub/pyproject.toml", None),
    ],
)
def test_a_new_name_is_another_file(path: str, old_path: str, changed: tuple[str, ...] | None) -> None:
    entry = Entry(path, Status.RENAMED, old_path, "100644", "100644", "1", "2")
    assert [settings_changed(each, Content(OWN, OWN)) for each in holding([entry])] == ([changed] if changed else [])


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (b"cheap = 'a/b'\n", b'cheap = "a/b"\n', ()),
        (b"cheap = 'a/b'\n", b"cheap = 'c/d'\n[gate]\nexclude = ['*']\n", ("cheap", "gate.exclude")),
        (b"cheap = 'a/b'\n", b"cheap =", ("tool.ralph-hooks",)),
        (None, b"cheap = 'a/b'\n", ("cheap",)),
    ],
)
def test_a_file_of_our_own_has_the_same_keys(before: bytes | None, after: bytes, changed: tuple[str, ...]) -> None:
    entry = Entry(".ralph-hooks.toml", Status.MODIFIED, ".ralph-hooks.toml", "100644", "100644", "1", "2")
    assert [settings_changed(each, Content(before, after)) for each in holding([entry])] == [changed]


def test_settings_that_move_with_the_file_are_the_same_settings() -> None:
    entry = Entry(".ralph-hooks.toml", Status.RENAMED, "pyproject.toml", "100644", "100644", "1", "2")
    own = b'cheap = "a/b"\nfix = { rounds = 2 }\n'
    assert settings_changed(entry, Content(OWN, own)) == ()
    assert settings_changed(entry, Content(OWN, own.replace(b"2", b"9"))) == ("fix.rounds",)
