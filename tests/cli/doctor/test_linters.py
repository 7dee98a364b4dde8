"""Linters are tried by doctor."""

from __future__ import annotations

import json

from tests.support.project import Project


def test_each_linter_is_tried_on_one_file(project: Project) -> None:
    """One writes what it should, one is missing, one writes something else, and one has no file."""
    runs = {
        "fine": 'echo \'{"version": "2.1.0", "runs": []}\'',
        "missing": "no-such-linter {files}",
        "prose": "echo All is well.",
    }
    tables = [f"[[tool.ralph-hooks.linters]]\nname = '{name}'\nrun = {json.dumps(run)}\n" for name, run in runs.items()]
    tables.append("[[tool.ralph-hooks.linters]]\nname = 'go'\nrun = 'go vet'\npaths = ['*.go']\n")
    project.configure("[tool.ralph-hooks]\n" + "".join(tables))
    project.run("trust", "--yes")
    lines = [line for line in project.run("doctor", "--offline").out.splitlines() if "linter  " in line]
    assert [line.split()[0] for line in lines] == ["ok", "warn", "warn", "warn"]
    assert "missing: it could not be started (exit code 127" in lines[1]
    assert "prose: its output is not sarif" in lines[2]
    assert "go: no file of HEAD matches its paths" in lines[3]
