"""Native hooks are installed around what is there, run by real git, and leave nothing behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ralph_hooks.errors import GitError
from ralph_hooks.git.hooks import native
from ralph_hooks.git.hooks.native import Folder, HookChange, HookState
from ralph_hooks.git.hooks.script import HOOKS, PRE_COMMIT, PRE_PUSH
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo
from tests.support.stand_in import THEIRS, StandIn, executable

ZEROS = "0" * 40
HOOK_FOLDER = ".git/hooks"


@pytest.fixture
def stand_in(repo: Repo, tmp_path: Path) -> StandIn:
    return StandIn(repo, tmp_path)


def folder(repo: Repo, *, own: bool = False) -> Folder:
    return native.folder(open_repository(repo.path), own=own)


def state(repo: Repo, hook: str = PRE_COMMIT) -> HookState:
    return native.inspect(folder(repo), hook)


def install(repo: Repo, python: Path | str, hook: str = PRE_COMMIT, *, closed: bool = False) -> HookChange:
    return native.install(state(repo, hook), python=str(python), closed=closed)


def uninstall(repo: Repo, hook: str = PRE_COMMIT) -> HookChange:
    return native.uninstall(state(repo, hook))


def theirs(repo: Repo, hook: str = PRE_COMMIT, text: str = "#!/bin/sh\n" + THEIRS) -> Path:
    return executable(repo.path / HOOK_FOLDER / hook, text)


def listing(repo: Repo, where: str = HOOK_FOLDER) -> Mapping[str, tuple[int, bytes]]:
    """Every hook that is no sample: mode and bytes; a link's are those of the link."""
    return {
        path.name: (
            stat.S_IMODE(path.lstat().st_mode),
            os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes(),
        )
        for path in (repo.path / where).iterdir()
        if path.suffix != ".sample"
    }


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each name of ``folder`` is, and when that was last changed in any way; reading it is no change."""
    return {path.name: (path.stat().st_ino, path.stat().st_ctime_ns) for path in folder.iterdir()}


class TestAnEmptyPlace:
    def test_a_commit_is_judged(self, repo: Repo, stand_in: StandIn) -> None:
        assert install(repo, stand_in.python) == HookChange(done=True)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["ours gate"]

    def test_a_refusal_holds_the_commit_back(self, repo: Repo, stand_in: StandIn) -> None:
        install(repo, stand_in.python)
        before = repo.git("rev-parse", "HEAD")
        assert stand_in.commit(OURS="1")[0] == 1
        assert repo.git("rev-parse", "HEAD") == before

    def test_a_push_is_judged_with_all_that_git_says_of_it(self, repo: Repo, stand_in: StandIn) -> None:
        remote = stand_in.remote()
        head = repo.git("rev-parse", "HEAD")
        repo.git("branch", "other")
        install(repo, stand_in.python, PRE_PUSH)
        assert stand_in.push("main", "other") == (0, "")
        assert stand_in.calls() == [
            f"ours pre-push origin {remote}",
            f"ours read refs/heads/main {head} refs/heads/main {ZEROS}",
            f"ours read refs/heads/other {head} refs/heads/other {ZEROS}",
        ]

    def test_installing_again_changes_nothing(self, repo: Repo, stand_in: StandIn) -> None:
        for hook in HOOKS:
            install(repo, stand_in.python, hook)
        before = written(repo.path / HOOK_FOLDER)
        for hook in HOOKS:
            assert install(repo, stand_in.python, hook) == HookChange(done=False)
        assert written(repo.path / HOOK_FOLDER) == before

    def test_another_interpreter_or_policy_is_brought_up_to_date(self, repo: Repo, stand_in: StandIn) -> None:
        install(repo, "/gone/python")
        assert install(repo, stand_in.python, closed=True).done
        stand_in.commit()
        assert stand_in.calls() == ["ours gate"]
        assert b"policy=closed" in state(repo).path.read_bytes()

    def test_uninstalling_leaves_nothing(self, repo: Repo, stand_in: StandIn) -> None:
        before = repo.state()
        for hook in HOOKS:
            install(repo, stand_in.python, hook)
            assert uninstall(repo, hook) == HookChange(done=True)
            assert uninstall(repo, hook) == HookChange(done=False)
        assert repo.state() == before

    def test_a_repository_without_a_hooks_folder_gets_one(self, repo: Repo, stand_in: StandIn) -> None:
        (repo.path / HOOK_FOLDER).rename(repo.path / ".git" / "elsewhere")
        install(repo, stand_in.python)
        stand_in.commit()
        assert stand_in.calls() == ["ours gate"]

    def test_the_script_cannot_be_written_by_others(self, repo: Repo, stand_in: StandIn) -> None:
        before = os.umask(0)
        try:
            install(repo, stand_in.python)
        finally:
            os.umask(before)
        assert stat.S_IMODE(state(repo).path.stat().st_mode) == 0o775

    def test_names_of_any_kind(self, tmp_path: Path) -> None:
        repo = Repo.create(tmp_path / 'it\'s a "new" $HOME\n`x`', home=tmp_path / "home")
        stand_in = StandIn(repo, tmp_path / "and 'here' \\ too")
        (repo.path / HOOK_FOLDER / PRE_COMMIT).write_text("#!/bin/sh\n" + THEIRS, encoding="utf-8")
        (repo.path / HOOK_FOLDER / PRE_COMMIT).chmod(0o755)
        here = Folder(repo.path / HOOK_FOLDER)  # git itself cannot say where that is, for the line break
        native.install(native.inspect(here, PRE_COMMIT), python=str(stand_in.python), closed=False)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == [f"theirs {HOOK_FOLDER}/pre-commit ", "ours gate"]


class TestWhatWasThere:
    def test_it_runs_first_at_a_commit_and_finds_its_own_name(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo)
        assert install(repo, stand_in.python) == HookChange(done=True, other="another script")
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == [f"theirs {HOOK_FOLDER}/pre-commit ", "ours gate"]

    def test_it_runs_last_at_a_push_and_reads_the_same_lines(self, repo: Repo, stand_in: StandIn) -> None:
        """A hook such as git-lfs's uploads: nothing may leave before it was judged."""
        remote = stand_in.remote()
        theirs(repo, PRE_PUSH)
        install(repo, stand_in.python, PRE_PUSH)
        assert stand_in.push("main") == (0, "")
        line = f"refs/heads/main {repo.git('rev-parse', 'HEAD')} refs/heads/main {ZEROS}"
        assert stand_in.calls() == [
            f"ours pre-push origin {remote}",
            f"ours read {line}",
            f"theirs {HOOK_FOLDER}/pre-push origin {remote}",
            f"theirs read {line}",
        ]

    @pytest.mark.parametrize("code", ["1", "42"])
    def test_whoever_refuses_first_ends_it(self, repo: Repo, stand_in: StandIn, code: str) -> None:
        stand_in.remote()
        for hook in HOOKS:
            theirs(repo, hook)
            install(repo, stand_in.python, hook)
        script = str(state(repo).path)
        assert subprocess.call([script], cwd=repo.path, env={**repo.env, "THEIRS": code}) == int(code)
        assert len(stand_in.calls()) == 1  # no model is paid for what a linter refuses
        assert stand_in.push("main", OURS="1")[0] == 1
        assert [line for line in stand_in.calls() if line.startswith("theirs")] == []
        assert stand_in.push("main", THEIRS=code)[0] == 1

    def test_standard_input_is_passed_on_byte_for_byte(self, repo: Repo, stand_in: StandIn, tmp_path: Path) -> None:
        """Nothing, no final line break, blank lines, bytes that are no text, and more than a pipe holds."""
        theirs(repo, PRE_PUSH, f"#!/bin/sh\ncat >{tmp_path}/read\n")
        install(repo, stand_in.python, PRE_PUSH)
        script = str(state(repo, PRE_PUSH).path)
        for data in (b"", b"\n", b"one", b"one\n\n\n", b"\xff\xfe %s \\n \\\\ $HOME\n", b"refs/heads/x\n" * 40_000):
            done = subprocess.run([script], cwd=repo.path, env=repo.env, input=data, capture_output=True, check=False)
            assert (done.returncode, done.stderr) == (0, b"")
            assert (tmp_path / "read").read_bytes() == data

    def test_a_hook_that_reads_nothing_is_no_trouble(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo, PRE_PUSH, "#!/bin/sh\nexit 0\n")
        install(repo, stand_in.python, PRE_PUSH)
        script = str(state(repo, PRE_PUSH).path)
        data = b"refs/heads/x\n" * 40_000
        done = subprocess.run([script], cwd=repo.path, env=repo.env, input=data, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")

    @pytest.mark.parametrize("mode", [0o755, 0o700, 0o644])
    def test_it_is_put_back_byte_for_byte(self, repo: Repo, stand_in: StandIn, mode: int) -> None:
        for hook in HOOKS:
            theirs(repo, hook, "#!/bin/sh\r\n\xe4 no line break").chmod(mode)
        before = listing(repo)
        for hook in HOOKS:
            install(repo, stand_in.python, hook)
            assert install(repo, stand_in.python, hook) == HookChange(done=False)
            assert install(repo, "/another/python", hook).done
        assert listing(repo) != before
        for hook in HOOKS:
            assert uninstall(repo, hook) == HookChange(done=True, other="another script")
        assert listing(repo) == before

    def test_a_symbolic_link_stays_one(self, repo: Repo, stand_in: StandIn) -> None:
        executable(repo.path / "tools" / "hook", "#!/bin/sh\n" + THEIRS)
        (repo.path / HOOK_FOLDER / PRE_COMMIT).symlink_to("../../tools/hook")
        before = listing(repo)
        install(repo, stand_in.python)
        executable(repo.path / "tools" / "hook", "#!/bin/sh\n# edited, as its owner may\n" + THEIRS)
        stand_in.commit()
        assert stand_in.calls() == [f"theirs {HOOK_FOLDER}/pre-commit ", "ours gate"]
        uninstall(repo)
        assert listing(repo) == before

    def test_a_link_that_leads_nowhere_is_kept_too(self, repo: Repo, stand_in: StandIn) -> None:
        (repo.path / HOOK_FOLDER / PRE_COMMIT).symlink_to("../../gone")
        before = listing(repo)
        install(repo, stand_in.python)
        assert stand_in.commit()[0] == 0
        uninstall(repo)
        assert listing(repo) == before

    def test_one_that_git_did_not_run_is_not_run_now(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo).chmod(0o644)
        assert install(repo, stand_in.python) == HookChange(done=True, other="another script", runs=False)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["ours gate"]

    def test_other_languages_are_run(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo, text=f"#!{sys.executable}\nimport os\nopen(os.environ['CALLS'], 'a').write('python here\\n')\n")
        install(repo, stand_in.python)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["python here", "ours gate"]

    def test_a_program_that_is_many_hooks_is_called_by_the_name_it_had(self, repo: Repo, stand_in: StandIn) -> None:
        """It finds out by it which one it is; as Overcommit, which has its script under every name, or as a link."""
        before = listing(repo)
        look = "import os, sys\nopen(os.environ['CALLS'], 'a').write(os.path.basename(sys.argv[0]) + '\\n')\n"
        theirs(repo, text=f"#!{sys.executable}\n{look}")
        theirs(repo, "commit-msg", text=f"#!{sys.executable}\n{look}")
        copies = listing(repo)
        install(repo, stand_in.python)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["pre-commit", "ours gate", "commit-msg"]
        assert install(repo, stand_in.python) == HookChange(done=False)
        uninstall(repo)
        assert listing(repo) == copies
        program = executable(repo.path / "tools" / "all-hooks", f"#!{sys.executable}\n{look}")
        for hook in (PRE_COMMIT, "commit-msg"):
            (repo.path / HOOK_FOLDER / hook).unlink()
        assert listing(repo) == before
        (repo.path / HOOK_FOLDER / PRE_COMMIT).symlink_to(f"../../tools/{program.name}")
        install(repo, stand_in.python)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["pre-commit", "ours gate"]

    def test_shell_options_and_features_stay(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo, text='#!/usr/bin/env bash\nwords=(a b)\necho "${words[1]} ${BASH##*/}" >>$CALLS\nreturn 0\n')
        install(repo, stand_in.python)
        assert stand_in.commit() == (0, "")
        assert stand_in.calls() == ["b bash", "ours gate"]
        uninstall(repo)
        theirs(repo, text="#!/bin/sh -e\nfalse\necho not here >>$CALLS\n")
        install(repo, stand_in.python)
        assert stand_in.commit()[0] == 1
        assert stand_in.calls() == []

    @pytest.mark.parametrize(
        "text",
        [
            'sed "1,/^__DATA__$/d" "$0" | grep -q no && exit 7; exit 0\n__DATA__\nno\n',
            'me=$0\nwhile read -r line; do [ "$line" != "#no" ] || exit 7; done < "$me"\n#no\n',
            'main() { exit 7; }\n[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"\n',
            'grep -q "^#no" "$(git rev-parse --git-path hooks)/pre-commit" && exit 7; exit 0\n#no\n',
            'grep -q "^#no" "$(readlink -f "${0}")" && exit 7; exit 0\n#no\n',
            "tail -1 $0 | sh\nexit $?\nexit 7\n",
        ],
    )
    @pytest.mark.parametrize("linked", [False, True])
    def test_one_that_reads_its_own_text_finds_it(
        self, repo: Repo, stand_in: StandIn, text: str, *, linked: bool
    ) -> None:
        """It found ours, had nothing to do, and what it refuses went through."""
        stand_in.remote()
        theirs(repo, text=f"#!/usr/bin/env bash\n{text}")
        if linked:
            (repo.path / HOOK_FOLDER / PRE_COMMIT).rename(repo.path / "hook")
            (repo.path / HOOK_FOLDER / PRE_COMMIT).symlink_to("../../hook")
        before = listing(repo)
        install(repo, stand_in.python)
        install(repo, stand_in.python, PRE_PUSH)
        for _ in range(2):
            script = [str(state(repo).path)]
            assert subprocess.call(script, cwd=repo.path, env=repo.env) == 7
            assert stand_in.commit()[0] == 1
        assert stand_in.calls() == []
        assert stand_in.push("main")[0] == 0
        for hook in HOOKS:
            uninstall(repo, hook)
        assert listing(repo) == before
        assert not (repo.path / ".git/ralph-kept").exists()

    def test_one_that_reads_its_own_text_keeps_name_place_and_neighbours(self, repo: Repo, stand_in: StandIn) -> None:
        look = (
            'cat "$0" >/dev/null; . "$(dirname "$0")/lib.sh"; cd "$(dirname "$0")/../.."\n'
            'echo "$(basename "$0") $(pwd) $* $(cat)" >>$CALLS\n'
        )
        stand_in.remote()
        theirs(repo, PRE_PUSH, f"#!/bin/sh\n{look}")
        install(repo, stand_in.python, PRE_PUSH)
        (repo.path / HOOK_FOLDER / "lib.sh").write_text("echo lib >>$CALLS\n")
        assert stand_in.push("main") == (0, "")
        line = f"refs/heads/main {repo.git('rev-parse', 'HEAD')} refs/heads/main {ZEROS}"
        assert stand_in.calls()[2:] == [
            "lib",
            f"pre-push {repo.path} origin {repo.path.with_name('remote.git')} {line}",
        ]

    def test_one_in_the_tree_that_reads_its_own_text_finds_it(self, repo: Repo, stand_in: StandIn) -> None:
        repo.git("config", "core.hooksPath", ".githooks")
        executable(
            repo.path / ".githooks/pre-commit", '#!/bin/sh\ncd "${0%/*}/.."\ntail -1 "$OLDPWD/$0" | sh\n#\nexit 7\n'
        )
        install(repo, stand_in.python)
        assert subprocess.call([".githooks/pre-commit"], cwd=repo.path, env=repo.env) == 7
        assert repo.git("status", "--porcelain", "--ignored").splitlines() == ["?? .githooks/"]

    def test_one_that_is_gone_is_missed(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo)
        install(repo, stand_in.python)
        state(repo).kept.unlink()
        code, said = stand_in.commit()
        assert code == 1
        assert "pre-commit.ralph-kept, the previous hook, is missing" in said


class TestWhenSomebodyHasBeenThere:
    def test_an_edited_script_is_left_alone(self, repo: Repo, stand_in: StandIn) -> None:
        install(repo, stand_in.python)
        path = state(repo).path
        path.write_bytes(path.read_bytes() + b"echo mine\n")
        with pytest.raises(GitError, match="was edited after ralph-hooks wrote it"):
            install(repo, stand_in.python)
        with pytest.raises(GitError, match="was edited after ralph-hooks wrote it"):
            uninstall(repo)
        assert path.read_bytes().endswith(b"echo mine\n")

    def test_what_was_kept_has_to_be_what_it_was(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo)
        install(repo, stand_in.python)
        kept = state(repo).kept
        kept.write_text("#!/bin/sh\necho another\n", encoding="utf-8")
        with pytest.raises(GitError, match="was changed") as caught:
            uninstall(repo)
        assert caught.value.hint == f"to keep the changed hook: mv {kept} {state(repo).path}"
        kept.unlink()
        with pytest.raises(GitError, match="is gone"):
            uninstall(repo)
        with pytest.raises(GitError, match="is gone"):
            install(repo, "/another/python")

    def test_a_hook_that_replaced_ours_is_not_mixed_up_with_the_one_before(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo)
        install(repo, stand_in.python)
        theirs(repo, text="#!/bin/sh\necho a third one\n")
        before = listing(repo)
        assert uninstall(repo) == HookChange(done=False)
        with pytest.raises(GitError, match="was written after ralph-hooks saved another script"):
            install(repo, stand_in.python)
        assert listing(repo) == before

    def test_the_old_hook_in_its_old_place_is_kept_again(self, repo: Repo, stand_in: StandIn) -> None:
        """Also what an installation leaves that was killed half-way."""
        theirs(repo)
        before = listing(repo)
        install(repo, stand_in.python)
        theirs(repo)
        assert install(repo, stand_in.python).done
        stand_in.commit()
        assert len(stand_in.calls()) == 2
        uninstall(repo)
        assert listing(repo) == before

    def test_a_kept_hook_without_ours_is_not_forgotten(self, repo: Repo, stand_in: StandIn) -> None:
        theirs(repo)
        install(repo, stand_in.python)
        state(repo).path.unlink()
        with pytest.raises(GitError, match="is left over from an earlier installation"):
            install(repo, stand_in.python)

    def test_a_folder_that_cannot_be_written_is_named(self, repo: Repo, stand_in: StandIn) -> None:
        (repo.path / HOOK_FOLDER).rename(repo.path / ".git" / "elsewhere")
        (repo.path / HOOK_FOLDER).write_text("a file\n", encoding="utf-8")
        with pytest.raises(GitError, match="hooks/pre-commit cannot be") as caught:
            install(repo, stand_in.python)
        assert caught.value.hint

    def test_a_folder_in_the_place_of_a_hook_is_named(self, repo: Repo, stand_in: StandIn) -> None:
        (repo.path / HOOK_FOLDER / PRE_COMMIT).mkdir()
        with pytest.raises(GitError, match="cannot be read"):
            install(repo, stand_in.python)


class TestWithoutRalphHooks:
    def run(self, repo: Repo, hook: str, **env: str) -> tuple[int, str]:
        poor = {"PATH": "/usr/bin:/bin", "CALLS": repo.env["CALLS"]}
        script = str(state(repo, hook).path)
        done = subprocess.run([script], cwd=repo.path, env=poor | env, input=b"", capture_output=True, check=False)
        return done.returncode, done.stderr.decode()

    @pytest.mark.parametrize("hook", HOOKS)
    @pytest.mark.parametrize(("policy", "expected"), [("open", 0), ("closed", 3)])
    @pytest.mark.usefixtures("stand_in")
    def test_the_policy_decides_and_it_is_said(self, repo: Repo, hook: str, policy: str, expected: int) -> None:
        install(repo, "/gone/python", hook, closed=policy == "closed")
        code, said = self.run(repo, hook)
        assert code == expected
        noun = hook.removeprefix("pre-")
        assert f"the {noun} was NOT reviewed: ralph-hooks cannot be run (exit code 127)" in said
        assert f"&& rm {hook}\n" in said
        assert f"The {noun} {'is blocked' if expected else 'is not blocked'}" in said

    @pytest.mark.usefixtures("stand_in")
    def test_the_environment_can_decide_otherwise(self, repo: Repo) -> None:
        for closed, word, expected in ((True, "open", 0), (False, "closed", 3), (False, "", 0)):
            install(repo, "/gone/python", closed=closed)
            assert self.run(repo, PRE_COMMIT, RALPH_HOOKS_WHEN_UNAVAILABLE=word)[0] == expected

    def test_the_one_on_path_stands_in(self, repo: Repo, stand_in: StandIn, tmp_path: Path) -> None:
        """A virtual environment that was moved."""
        bin_ = executable(tmp_path / "elsewhere" / "ralph-hooks", stand_in.python.read_text()).parent
        for hook in HOOKS:
            install(repo, "/gone/python", hook, closed=True)
            assert self.run(repo, hook, PATH=f"{bin_}:/usr/bin:/bin") == (0, "")
            assert self.run(repo, hook, PATH=f"{bin_}:/usr/bin:/bin", OURS="1") == (1, "")
        assert [line.split()[1] for line in stand_in.calls()] == ["gate", "gate", "pre-push", "pre-push"]

    def test_an_interpreter_that_has_lost_the_package_is_not_a_refusal(self, repo: Repo, stand_in: StandIn) -> None:
        bare = [sys.executable, "-I", "-S"]  # a Python without any packages
        python = executable(stand_in.python.with_name("bare"), f'#!/bin/sh\nexec {" ".join(bare)} "$@"\n')
        install(repo, python, closed=False)
        code, said = self.run(repo, PRE_COMMIT)
        assert code == 0
        assert "No module named ralph_hooks" in said
        assert "the commit was NOT reviewed" in said

    def test_an_interpreter_that_lost_its_own_is_not_a_refusal(self, repo: Repo, stand_in: StandIn) -> None:
        """The script of a virtual environment whose Python was removed."""
        install(repo, executable(stand_in.python, "#!/gone/python3.11\n"), closed=True)
        assert self.run(repo, PRE_COMMIT)[0] == 3

    def test_one_that_was_killed_has_not_judged(self, repo: Repo, stand_in: StandIn) -> None:
        install(repo, executable(stand_in.python, "#!/bin/sh\nkill -KILL $$\n"), closed=True)
        code, said = self.run(repo, PRE_COMMIT)
        assert code == 3
        assert "was killed (signal 9)" in said

    def test_one_that_was_hung_up_before_it_could_say_so_is_interrupted(self, repo: Repo, stand_in: StandIn) -> None:
        """Nobody wants the commit of which the window was closed."""
        install(repo, executable(stand_in.python, "#!/bin/sh\nkill -HUP $$\n"), closed=False)
        assert self.run(repo, PRE_COMMIT)[0] == 130

    @pytest.mark.parametrize("code", ["1", "2", "3", "4", "130"])
    def test_every_exit_code_of_ours_is_passed_on(self, repo: Repo, stand_in: StandIn, code: str) -> None:
        install(repo, stand_in.python)
        assert self.run(repo, PRE_COMMIT, OURS=code) == (int(code), "")

    def test_nothing_is_imported_from_the_folder_that_is_judged(self, repo: Repo, tmp_path: Path) -> None:
        """Python would look for modules where git runs the hook: in other people's code."""
        repo.write({"ralph_hooks/__main__.py": "print('taken over')\n", "click.py": "print('taken over')\n"})
        install(repo, sys.executable)
        repo.env["RALPH_HOOKS_HOME"] = str(tmp_path / "state")
        done = repo.try_git("commit", "--allow-empty", "-m", "x")
        assert b"taken over" not in done.stdout + done.stderr
        assert done.returncode == 0


class TestWhereGitLooks:
    def test_in_the_repository_itself(self, repo: Repo) -> None:
        assert folder(repo) == Folder(repo.path / HOOK_FOLDER)

    def test_in_all_worktrees(self, repo: Repo, stand_in: StandIn, tmp_path: Path) -> None:
        repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
        linked = Repo(tmp_path / "linked", repo.home)
        linked.env = repo.env
        install(linked, stand_in.python)
        for each in (repo, linked):
            each.git("commit", "--quiet", "--allow-empty", "-m", "x")
            assert stand_in.calls() == ["ours gate"]

    def test_in_a_folder_of_its_own_configuration(self, repo: Repo, stand_in: StandIn) -> None:
        repo.git("config", "core.hooksPath", "my hooks")
        found = folder(repo)
        assert (found.path, found.shared) == (repo.path / "my hooks", "")
        assert found.setting == "core.hooksPath = my hooks (local, .git/config)"
        install(repo, stand_in.python)
        stand_in.commit()
        assert stand_in.calls() == ["ours gate"]
        assert not (repo.path / HOOK_FOLDER / PRE_COMMIT).exists()

    def test_from_a_folder_below_the_top(self, repo: Repo) -> None:
        repo.git("config", "core.hooksPath", ".husky/_")
        (repo.path / "below").mkdir()
        assert native.folder(open_repository(repo.path / "below")).path == repo.path / ".husky/_"

    def test_a_folder_that_the_repository_tracks_is_everybodys(self, repo: Repo) -> None:
        repo.commit({".githooks/commit-msg": "#!/bin/sh\n"})
        repo.git("config", "core.hooksPath", ".githooks")
        assert folder(repo).shared == native.TRACKED
        (repo.path / ".git" / "hooks").rename(repo.path / ".git" / "elsewhere")
        (repo.path / ".git" / "hooks").symlink_to("../.githooks")
        repo.git("config", "--unset", "core.hooksPath")
        assert folder(repo).shared == native.TRACKED

    def test_a_folder_outside_is_not_this_repositorys(self, repo: Repo, tmp_path: Path) -> None:
        repo.git("config", "--global", "core.hooksPath", "~/hooks")
        found = folder(repo)
        assert (found.path, found.shared) == (tmp_path / "home" / "hooks", native.OUTSIDE)
        assert found.setting == f"core.hooksPath = {found.path} (global, {repo.home}/.gitconfig)"
        assert folder(repo, own=True) == Folder(repo.path / HOOK_FOLDER)

    @pytest.mark.parametrize("value", ["", "/dev/null", "a.py"])
    def test_hooks_that_are_turned_off_are_said_to_be(self, repo: Repo, value: str) -> None:
        repo.git("config", "core.hooksPath", value)
        with pytest.raises(GitError, match="hooks are turned off"):
            folder(repo)
