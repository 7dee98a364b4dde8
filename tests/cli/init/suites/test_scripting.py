"""Test commands of Ruby, PHP and Makefiles."""

from __future__ import annotations

from pathlib import Path

from ralph_hooks.cli.init.suites.scripting import make, php, ruby


def test_rspec_has_a_report_with_its_formatter(tmp_path: Path) -> None:
    (tmp_path / ".rspec").write_text("")
    (plain,) = ruby(tmp_path)
    assert (plain.line, plain.programs) == ("rspec", ("rspec",))
    assert "rspec_junit_formatter" in plain.advice
    (tmp_path / "Gemfile").write_text("gem 'rspec_junit_formatter'\n")
    (bundled,) = ruby(tmp_path)
    assert bundled.line.startswith("bundle exec rspec ")
    assert "{junit}" in bundled.line


def test_makefile_without_a_target_has_no_tests(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("test := 1\nbuild:\n\ttrue\n")
    assert list(make(tmp_path)) == []
    (tmp_path / "Makefile").write_text("test: build\n\ttrue\n")
    assert [suite.line for suite in make(tmp_path)] == ["make test"]


def test_phpunit_is_the_projects_own_where_there_is_composer(tmp_path: Path) -> None:
    (tmp_path / "phpunit.xml").write_text("")
    assert [suite.line for suite in php(tmp_path)] == ["phpunit --log-junit {junit}"]
    (tmp_path / "composer.json").write_text("{}")
    (suite,) = php(tmp_path)
    assert suite.line.endswith("vendor/bin/phpunit --log-junit {junit}")
