"""Findings of linters, compared with the base."""

from __future__ import annotations

from tests.support.linted import EVAL, OLD, RUFF, linter, script, set_up
from tests.support.project import Project


def test_code_that_moves_to_another_file_is_not_new(project: Project) -> None:
    set_up(project, linter("bandit-rules", RUFF, 'paths = ["*.py"]'))
    project.repo.commit({"a.py": f"{EVAL}\n\n{OLD}", "b.py": "import subprocess\n"})
    project.repo.stage({"a.py": EVAL, "b.py": OLD})
    assert project.judge().verdict == "pass"


def test_the_same_change_is_linted_once(project: Project) -> None:
    count = project.home.parent / "runs"
    says = script(
        project, f"open({str(count)!r}, 'a').write('x')\nprint('a.py:2:1: error: bad [E1]')\nraise SystemExit(1)"
    )
    set_up(project, linter("counted", says, 'format = "gcc"'))
    project.repo.commit({"a.py": "A = 1\n"})
    project.repo.stage({"a.py": "A = 1\nB = 2\n"})
    first, second = project.judge(), project.judge()
    assert (first.code, second.code) == (1, 1)
    assert first.findings == second.findings
    assert count.read_text() == "xx"  # the change and its base


def test_what_a_linter_prints_cannot_lead_out_of_the_change(project: Project) -> None:
    says = script(
        project,
        "for name in ('../a.py', '/etc/passwd', 'a.py/../../a.py'):\n    print(f'{name}:1: error: x [E1]')",
    )
    set_up(project, linter("liar", says, 'format = "gcc"'))
    project.repo.stage({"a.py": "A = 1\n"})
    assert project.judge().findings == []
