"""A push of hundreds of commits or files is judged whole, or says what is left."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from tests.support.credentials import SERVICES
from tests.support.project import TWO_LINES, Project
from tests.support.push import Remote
from tests.support.server import Finds, Reply, analyst

FILES = 1_100  # more than are held in memory at once
SECRET = SERVICES["Stripe"](random.Random(4))


@pytest.fixture
def remote(project: Project) -> Remote:
    project.models(analyst(Finds("eval(", "Runs what the user typed.")))
    return Remote(project)


def commit_all(project: Project, commits: Iterable[Mapping[str, str]]) -> None:
    """Add ``commits`` to main, each with the files that it changes: one git for all of them."""
    lines: list[str] = []
    for number, files in enumerate(commits):
        lines += ["commit refs/heads/main", "committer Ada <ada@example.com> 1767323045 +0000", "data 0"]
        lines += ["from refs/heads/main^0"] if number == 0 else []
        for path, text in files.items():
            lines += [f"M 100644 inline {path}", f"data {len(text)}", text]
    project.repo.git("fast-import", "--quiet", "--force", stdin="".join(f"{line}\n" for line in lines).encode())
    project.repo.git("reset", "--quiet", "--hard")


def test_every_one_of_many_files_is_judged_and_commands_run_once(project: Project, remote: Remote) -> None:
    ran = project.home / "ran"
    project.repo.commit({"check.py": f"open({str(ran)!r}, 'a').write('x')\n"})
    verify = f"commands = ['{sys.executable} check.py']\ninvariants = ['there is no exec']\n"
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\n{verify}")
    assert project.run("trust", "--yes").code == 0
    remote.accept("main")
    bugs = {0, FILES // 2, FILES - 1}
    files = {f"m{n:04}.py": "eval(input())\n" if n in bugs else f"n = {n}\n" for n in range(FILES)}
    commit_all(project, [files])
    judged = remote.push("main")
    assert judged.code == 1
    assert [finding["path"] for finding in judged.blocking] == [f"m{n:04}.py" for n in sorted(bugs)]
    assert (judged.report["paths"], judged.report["reviewed"], judged.unreviewed) == (FILES, FILES, {})
    assert (len(judged.report["verification"]), ran.read_text()) == (1, "x")
    again = remote.push("main")
    assert (again.sent, again.blocking) == ([], judged.blocking)


def test_of_many_files_those_that_no_model_came_to_are_listed(project: Project, remote: Remote) -> None:
    project.models(Reply.hang())
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.push]\ndeadline = 1\n")
    remote.accept("main")
    commit_all(project, [{f"m{n:04}.py": f"n = {n}\n" for n in range(FILES)}])
    judged = remote.push("main")
    assert (judged.code, judged.verdict, judged.report["reviewed"]) == (3, "inconclusive", 0)
    assert len(judged.unreviewed) == FILES
    assert f"no model reviewed {FILES:,} files" in judged.report["reason"]


def test_after_the_deadline_nothing_is_read_any_more(
    project: Project, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large change that alone takes seconds."""
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.push]\ndeadline = 0.001\n")
    remote.accept("main")
    project.repo.commit({"a.py": "a = 1\n"})
    lines = remote.lines("main")
    monkeypatch.setenv("GIT_TRACE2", str(tmp_path / "trace"))
    assert project.run("pre-push", "origin", "url", stdin=lines).code == 3
    assert "cat-file" in (tmp_path / "trace").read_text()
    assert "mktree" not in (tmp_path / "trace").read_text()  # as the changed lines of files are found


def test_every_one_of_many_commits_is_scanned(project: Project, remote: Remote) -> None:
    """A file that is changed again and again is one file to the models, and as many versions to the scan."""
    texts = [f"n = {number}\n" for number in range(300)]
    texts[150] = f'n = "{SECRET}"\n'
    commit_all(project, [{"hot.py": text, f"pkg{number % 7}/m.py": text} for number, text in enumerate(texts)])
    judged = remote.push("main")
    assert (judged.code, judged.report["commits"], judged.report["paths"]) == (1, 300, 8)
    assert sorted(finding["path"] for finding in judged.blocking) == ["hot.py", f"pkg{150 % 7}/m.py"]
    assert len(judged.sent) == 1
