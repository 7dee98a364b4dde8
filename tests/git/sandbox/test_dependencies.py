"""A scratch copy has the dependencies that are installed in the project, and the user's stay as they are."""

from __future__ import annotations

import os
import time

import pytest

from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.repo import Repo

PACKAGE = {
    ".gitignore": "node_modules/\n.venv/\ntarget/\nvendor/\n",
    "package.json": '{"dependencies": {"x": "1"}}',
    "package-lock.json": '{"lockfileVersion": 3}',
    "web/package.json": "{}",
}
INSTALLED = {
    "node_modules/.package-lock.json": "{}",
    "node_modules/x/index.js": "module.exports = 1\n",
    "node_modules/.cache/old": "",
    "web/node_modules/y/index.js": "module.exports = 2\n",
}


def run(repo: Repo, *lines: str, dependencies: bool = True) -> list[Verification]:
    opened = open_repository(repo.path)
    change = staged(opened).change
    verifier = CommandVerifier(opened, change, timeout=60, dependencies=dependencies)
    commands = [Command(line) for line in lines]
    return list(verifier.run(change.tree, change.base, commands, Deadline(60, time.monotonic)))


def install(repo: Repo) -> Repo:
    repo.commit(PACKAGE)
    repo.write(INSTALLED)
    (repo.path / "node_modules/link").symlink_to("../web")
    return repo


def test_packages_are_there_and_what_is_done_to_them_stays_in_the_copy(repo: Repo) -> None:
    install(repo).stage({"a.js": "1\n"})
    before = repo.state()
    seen, *others = run(
        repo,
        "cat node_modules/x/index.js web/node_modules/y/index.js && ls -A node_modules && readlink node_modules/link",
        "git status --short",
        "rm -r node_modules/x && mkdir node_modules/.cache && touch node_modules/.cache/new node_modules/z",
        "rm -rf node_modules web/node_modules",
    )
    assert seen.tail.split("\n") == [
        "module.exports = 1", "module.exports = 2", ".package-lock.json", "link", "x", "../web",
    ]  # fmt: skip
    assert [ran.verdict for ran in others] == [Verdict.PASS] * 3
    assert others[0].tail == ""
    assert repo.state() == before


@pytest.mark.parametrize("change", ["lock file", "stale", "setting"])
def test_packages_of_another_lock_file_are_not_shared(repo: Repo, change: str) -> None:
    install(repo).stage({"a.js": "1\n"})
    if change == "lock file":
        repo.stage({"package-lock.json": '{"lockfileVersion": 2}'})
        repo.write({"package-lock.json": '{"lockfileVersion": 3}'})
    elif change == "stale":
        soon = time.time() + 60
        os.utime(repo.path / "package-lock.json", (soon, soon))
    (ran,) = run(repo, "test ! -e node_modules", dependencies=change != "setting")
    assert ran.verdict is Verdict.PASS


def test_a_virtual_environment_is_the_users_own_and_uv_leaves_it_alone(repo: Repo) -> None:
    repo.commit({".gitignore": ".venv\n", "uv.lock": "1\n"})
    repo.write({".venv/pyvenv.cfg": "", ".venv/bin/tool": "#!/bin/sh\necho tool $UV_NO_SYNC\n"})
    (repo.path / ".venv/bin/tool").chmod(0o755)
    (ran, status) = run(repo.stage({"a.py": "x = 1\n"}), ".venv/bin/tool", "git status --short")
    assert (ran.tail, status.tail) == ("tool 1", "")
    repo.stage({"uv.lock": "2\n"}).write({"uv.lock": "1\n"})
    assert run(repo, "test ! -e .venv")[0].verdict is Verdict.PASS


def test_build_output_is_copied_and_never_written(repo: Repo) -> None:
    repo.commit({".gitignore": "target\nvendor\n", "Cargo.lock": "1\n", "composer.lock": "{}"})
    repo.write({"target/debug/deps/libx.rlib": "built", "target/debug/app": "no", "vendor/a.php": "php"})
    stamp = (repo.path / "target/debug/deps/libx.rlib").stat().st_mtime_ns
    built = "target/debug/deps/libx.rlib"
    line = f"cat {built} vendor/a.php && test ! -e target/debug/app && test {built} -ot Cargo.toml && echo new >{built}"
    (ran,) = run(repo.stage({"Cargo.toml": "1\n"}), line)
    assert (ran.tail, ran.verdict) == ("builtphp", Verdict.PASS)
    assert (repo.path / "target/debug/deps/libx.rlib").read_text() == "built"
    assert (repo.path / "target/debug/deps/libx.rlib").stat().st_mtime_ns == stamp


def test_what_a_command_locks_is_removed_and_the_users_modes_stay(repo: Repo) -> None:
    install(repo).stage({"a.js": "1\n"})
    modes = {path: path.stat().st_mode for path in (repo.path / "node_modules").rglob("*") if not path.is_symlink()}
    (ran,) = run(repo, "chmod 0 node_modules/x && mkdir sealed && touch sealed/a && chmod 0 sealed")
    assert ran.verdict is Verdict.PASS
    assert {path: path.stat().st_mode for path in modes} == modes


def test_a_folder_that_is_tracked_is_the_copys(repo: Repo) -> None:
    repo.commit({"package.json": "{}", "node_modules/x/index.js": "tracked\n"})
    repo.write({"node_modules/x/index.js": "working\n", "node_modules/.package-lock.json": "{}"})
    (ran,) = run(repo.stage({"a.js": "1\n"}), "cat node_modules/x/index.js")
    assert ran.tail == "tracked"


def test_every_file_of_many_is_there(repo: Repo) -> None:
    install(repo)
    for number in range(50):
        folder = repo.path / f"node_modules/p{number}"
        folder.mkdir()
        for name in range(20):
            (folder / f"{name}.js").write_text("x" * 1000)
    (ran,) = run(repo.stage({"a.js": "1\n"}), "find node_modules -name '*.js' | wc -l")
    assert ran.tail == "1001"
