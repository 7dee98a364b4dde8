"""GitPython gets no git but ours, and leaves none behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ralph_hooks.core.backtest import Lines
from ralph_hooks.errors import GitError
from ralph_hooks.git.history import szz
from ralph_hooks.git.history.log import commits
from ralph_hooks.git.repo import opened
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo

PROGRAMS = (
    "core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "core.alternateRefsCommand", "diff.external",
    "diff.evil.command", "diff.evil.textconv", "merge.evil.driver", "filter.evil.smudge", "filter.evil.clean",
    "filter.evil.process", "gpg.program", "credential.helper", "gc.recentObjectsHook", "pager.blame", "pager.rev-list",
)  # fmt: skip
ALIASES = ("alias.rev-list", "alias.blame", "alias.cat-file", "alias.diff-tree")


def mark(path: Path) -> str:
    return f"touch '{path}'; cat"


def fixed(repo: Repo, name: str = "b.py") -> str:
    """Commit a bug and its repair; the id of the first."""
    bug = repo.commit({name: "import os\nwrong = 1\n"}, message="Add b")
    repo.commit({name: "import os\nright = 1\n"}, message="Fix b")
    return bug


def labelled(repo: Repo) -> dict[str, dict[str, Lines]]:
    """The commits that brought a bug in, with their lines by path."""
    repository = open_repository(repo.path)
    found = szz.examples(repository, szz.history(repository, "HEAD"), patience=10_000)
    return {example.id: dict(example.wrong) for example in found}


def test_no_program_that_a_repository_names_is_run(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = fixed(repo)
    ran = tmp_path / "ran"
    ran.mkdir()
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("* diff=evil filter=evil merge=evil\n")
    for setting in PROGRAMS:
        repo.git("config", setting, mark(ran / setting))
    for setting in ALIASES:
        repo.git("config", setting, "!" + mark(ran / setting))
    repo.git("config", "log.showSignature", "true")
    for name in ("post-index-change", "reference-transaction", "post-checkout"):
        repo.hook(name, f"open({str(ran / name)!r}, 'w')")
    for program in (repo.path / "git", repo.path / "cat-file"):
        program.write_text(f"#!/bin/sh\ntouch {ran}/git\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", mark(ran / "GIT_EXTERNAL_DIFF"))
    monkeypatch.setenv("GIT_PYTHON_GIT_EXECUTABLE", str(repo.path / "git"))
    monkeypatch.chdir(repo.path)
    assert labelled(repo) == {bug: {"b.py": Lines(frozenset({2}))}}
    with opened(open_repository(repo.path)) as gitpython:
        assert gitpython.commit("HEAD").message == "Fix b\n"
    assert list(ran.iterdir()) == []


@pytest.mark.parametrize("setting", ["remote.away.uploadpack", "core.sshCommand"])
def test_what_is_missing_is_not_fetched_by_a_program_that_it_names(repo: Repo, tmp_path: Path, setting: str) -> None:
    fixed(repo)
    blob = repo.git("rev-parse", "HEAD~1:b.py")
    url = "ssh://localhost/x" if setting == "core.sshCommand" else str(tmp_path)
    for name, value in (
        ("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "away"), ("remote.away.promisor", "true"),
        ("remote.away.url", url), (setting, mark(tmp_path / "ran")),
    ):  # fmt: skip
        repo.git("config", name, value)
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with opened(open_repository(repo.path)) as gitpython, pytest.raises(ValueError, match="could not be resolved"):
        gitpython.git.get_object_data(blob)
    assert not (tmp_path / "ran").exists()


def test_git_sees_no_key_and_nothing_of_the_callers_settings(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.git("config", "alias.shown", "!env")
    monkeypatch.setenv("MADE_UP_API_KEY", "sk-made-up")
    monkeypatch.setenv("GIT_DIFF_OPTS", "-u0")
    with opened(open_repository(repo.path)) as gitpython:
        seen = dict(line.partition("=")[::2] for line in gitpython.git.shown().splitlines())
    assert {"MADE_UP_API_KEY", "GIT_DIFF_OPTS"}.isdisjoint(seen)
    assert seen["GIT_NO_REPLACE_OBJECTS"] == "1"


def test_importing_it_starts_no_program(tmp_path: Path) -> None:
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    fake.chmod(0o755)
    code = (
        "import os; from ralph_hooks.git.repo import _repo_type as t; t(); print(os.environ.get('GIT_PYTHON_REFRESH'))"
    )
    env = {"PATH": str(fake.parent), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, check=True)
    assert (done.stdout.strip(), (tmp_path / "ran").exists()) == (b"None", False)


def test_its_processes_end_with_the_block_also_after_an_error(repo: Repo) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def ask() -> None:
        with opened(open_repository(repo.path)) as gitpython:
            assert gitpython.head.commit.tree["a.py"].data_stream.read() == b"one\ntwo\nthree\n"
            started.extend(each.proc for each in (gitpython.git.cat_file_all, gitpython.git.cat_file_header) if each)
            gitpython.git.rev_list("nowhere")

    with pytest.raises(GitError, match=r"git rev-list failed with exit code 128: .*nowhere"):
        ask()
    assert [process.poll() is None for process in started] == [False] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
@pytest.mark.parametrize("name", [os.fsdecode(b"l\xf6.py"), "e\u0301t\xe9.py", 'new\nline "and" tab\t.py', "-n.py"])
def test_names_of_any_bytes_are_blamed(repo: Repo, name: str) -> None:
    bug = fixed(repo, name)
    assert labelled(repo) == {bug: {name: Lines(frozenset({2}))}}


def test_a_removed_line_that_looks_like_a_header_is_one_line(repo: Repo) -> None:
    bug = repo.commit({"b.sql": "-- a/c.py\n-- total\nselect 1;\nselect 2;\n", "c.py": "x = 1\n"}, message="Add b")
    repo.commit({"b.sql": "select 3;\n"}, message="Fix b")
    assert labelled(repo) == {bug: {"b.sql": Lines(frozenset({1, 2, 3, 4}))}}


def test_a_commit_in_an_unknown_encoding_is_listed(repo: Repo) -> None:
    repo.git("config", "i18n.commitEncoding", "martian-7")
    repo.git("commit", "-q", "--allow-empty", "-F", "-", stdin=b"l\xf6wen\n")
    assert [each.subject for each in commits(open_repository(repo.path), "HEAD")] == ["l\ufffdwen", "change"]


def test_a_sha256_repository_is_listed_and_told_that_it_is_not_labelled(tmp_path: Path) -> None:
    repo = Repo.create(tmp_path / "new", object_format="sha256", home=tmp_path / "home")
    oid = repo.commit({"a.py": "one\n"})
    repository = open_repository(repo.path)
    assert [each.commit.oid for each in commits(repository, "HEAD")] == [oid]
    with pytest.raises(GitError, match="SHA-256"):
        szz.history(repository, "HEAD")
