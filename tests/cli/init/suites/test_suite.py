"""Test commands as they are written and shown."""

from __future__ import annotations

from pathlib import Path

from ralph_hooks.cli.init.suites.suite import Suite, first, json_object, table, text


def test_suite_is_written_as_short_as_it_can_be() -> None:
    assert Suite(line="pytest", why="x").written == "pytest"
    web = Suite(line="npm test", why="x", cwd="web", junit=("*.xml",))
    assert (web.written, web.shown) == ({"run": "npm test", "cwd": "web", "junit": "*.xml"}, "web: npm test")


def test_program_that_is_not_there_is_missing() -> None:
    assert Suite(line="x", why="x", programs=("sh", "no-such-program-x")).missing() == ("no-such-program-x",)


def test_files_that_cannot_be_read_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[")
    (tmp_path / "a.json").write_text("[1]")
    assert (text(tmp_path / "none"), table(tmp_path / "a.toml"), json_object(tmp_path / "a.json")) == ("", {}, {})
    assert first(tmp_path, "none", "*.toml") == "a.toml"
    assert first(tmp_path, "*.yml") == ""
