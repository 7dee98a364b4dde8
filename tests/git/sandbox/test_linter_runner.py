"""Linters run in scratch copies."""

from __future__ import annotations

from pathlib import Path

from tests.support.linted import linter, script, set_up
from tests.support.project import Project


def test_a_linter_of_a_part_runs_in_its_folder(project: Project) -> None:
    """Its files and findings are relative to that folder; files elsewhere are not its business."""
    says = script(project, "import sys\nfor name in sys.argv[1:]: print(f'{name}:1:1: error: bad [E1]')") + " {files}"
    set_up(project, linter("web", says, 'format = "gcc"', 'cwd = "packages/web"', 'paths = ["*.py"]'))
    project.repo.stage({"packages/web/src/a.py": "A = 1\n", "packages/api/b.py": "B = 1\n"})
    judged = project.judge()
    assert [(each["path"], each["category"]) for each in judged.findings] == [("packages/web/src/a.py", "E1")]
    checked = {item["path"]: item["checks"] for item in judged.report["checked"]}
    assert "web" not in checked["packages/api/b.py"]


def test_names_with_quotes_and_dashes_reach_the_linter(project: Project) -> None:
    names = ["-rf.py", "it's $(touch x).py", "two words.py", "ümlaut.py"]
    says = script(project, "import sys\nfor name in sys.argv[1:]:\n    print(f'{name}:1:1: error: x [E1]')\n")
    set_up(project, linter("echo", f"{says} {{files}}", 'format = "gcc"'))
    project.repo.stage(dict.fromkeys(names, "A = 1\n"))
    assert sorted(found["path"] for found in project.judge().blocking) == sorted(names)


def test_scratch_copies_are_gone_afterwards(project: Project, tmp_path: Path) -> None:
    place = tmp_path / "where"
    set_up(
        project,
        linter("where", script(project, f"import os\nopen({str(place)!r}, 'w').write(os.getcwd())"), 'format = "gcc"'),
    )
    project.repo.stage({"a.py": "A = 1\n"})
    assert project.judge().verdict == "pass"
    assert not Path(place.read_text()).exists()
