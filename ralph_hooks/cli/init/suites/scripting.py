"""Tests of Ruby and PHP, and the target ``test`` of a Makefile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ralph_hooks.cli.init.suites.suite import Suite, first, text


def ruby(folder: Path) -> Iterator[Suite]:
    """Yield RSpec, run by Bundler if the project has a Gemfile."""
    gems = text(folder / "Gemfile") + text(folder / "Gemfile.lock")
    name = first(folder, ".rspec", "spec/spec_helper.rb") or ("rspec" in gems and first(folder, "spec/**/*_spec.rb"))
    if not name:
        return
    bundled = bool(gems)
    run, program = ("bundle exec rspec", "bundle") if bundled else ("rspec", "rspec")
    if "rspec_junit_formatter" in gems:
        report = "--format progress --format RspecJunitFormatter --out {junit}"
        yield Suite(line=f"{run} {report}", why=name, programs=(program,))
        return
    advice = "add the gem rspec_junit_formatter so that only new failures count"
    yield Suite(line=run, why=name, programs=(program,), advice=advice)


def php(folder: Path) -> Iterator[Suite]:
    """Yield PHPUnit."""
    name = first(folder, "phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml")
    if not name:
        return
    if (folder / "composer.json").is_file():
        install = "test -d vendor || composer install --quiet --no-interaction; "
        line = f"{install}vendor/bin/phpunit --log-junit {{junit}}"
        yield Suite(line=line, why=name, programs=("php", "composer"))
    else:
        yield Suite(line="phpunit --log-junit {junit}", why=name, programs=("phpunit",))


def make(folder: Path) -> Iterator[Suite]:
    """Yield the target ``test`` of a Makefile, as a fallback for projects without another suite."""
    for name in ("GNUmakefile", "makefile", "Makefile"):
        if re.search(r"(?m)^test\s*:(?!=)", text(folder / name)):
            yield Suite(line="make test", why=name, programs=("make",))
            return
