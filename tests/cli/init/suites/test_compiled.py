"""Test commands of Go and Rust projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stand_in import executable
from tests.support.suites import PROGRAMS, found


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH with every program that a project may need, none of which does anything but succeed."""
    for name in PROGRAMS:
        executable(tmp_path / "bin" / name, "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_gotestsum_and_nextest_give_names_where_they_are(programs: Path, tmp_path: Path) -> None:
    executable(programs / "gotestsum", "#!/bin/sh\n")
    executable(programs / "cargo-nextest", "#!/bin/sh\n")
    nextest = "[profile.ci.junit]\npath = 'junit.xml'\n"
    suites = found(tmp_path, {"go.mod": "", "Cargo.toml": "", ".config/nextest.toml": nextest}).suites
    assert [suite.written for suite in suites] == [
        {"run": "cargo nextest run --profile ci --no-fail-fast", "junit": "target/nextest/ci/junit.xml"},
        "gotestsum --format=standard-quiet --junitfile={junit} ./...",
    ]
