"""A repair is made in a copy, read from what is there, and kept; none of it reaches the user's tree."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.report import Verdict
from ralph_hooks.errors import RepairRefused
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.sandbox.workbench import GitWorkbench
from ralph_hooks.git.snapshot import commit, open_repository, staged
from ralph_hooks.process import can_cut_network
from tests.support.fixes import in_store
from tests.support.matrix import MORE
from tests.support.repo import Repo

PYTHON = shlex.quote(sys.executable)


def soon(seconds: float = 60.0) -> Deadline:
    return Deadline(seconds, time.monotonic)


def bench_of(repo: Repo, *, protected: tuple[str, ...] = ()) -> GitWorkbench:
    opened = open_repository(repo.path)
    return GitWorkbench(opened, staged(opened).change, timeout=60, protected=protected)


def agent(bench: Workbench, code: str, *args: str, task: str = "") -> str:
    """Run ``code`` as a coding agent; what it printed."""
    run = bench.run_agent([sys.executable, "-c", code, *args], task, soon(), {})
    assert run.exit_code == 0, run.errors.decode()
    return run.output.decode()


@pytest.fixture
def bench(repo: Repo) -> Iterator[GitWorkbench]:
    """On a change that stages ``a.py`` and ``sub/b.py``, with other content in the working tree."""
    repo.commit({"old.py": "old\n", ".gitignore": "*.log\n__pycache__/\n"})
    repo.stage({"a.py": "one\nTWO\nthree\n", "sub/b.py": "b\n"}).write({"a.py": "working\n", "loose.py": "u\n"})
    before = repo.state()
    with bench_of(repo) as made:
        yield made
    assert {k: v for k, v in repo.state().items() if "ralph" not in k and "objects" not in k} == {
        k: v for k, v in before.items() if "objects" not in k
    }


def changed(bench: Workbench) -> dict[str, tuple[bytes | None, bytes | None]]:
    snapshot = bench.repair()
    found = snapshot.contents(snapshot.change.entries)
    return {path: (content.old, content.new) for path, content in found.items()}


def test_it_holds_the_judged_tree_and_a_repair_is_what_was_written(bench: GitWorkbench) -> None:
    assert bench.paths() == [".gitignore", "a.py", "old.py", "sub/b.py"]
    assert bench.read("a.py") == b"one\nTWO\nthree\n"
    assert changed(bench) == {}
    bench.write({"a.py": b"one\ntwo\nthree\n", "new/c.py": b"c\n", "sub/b.py": None})
    assert bench.paths() == [".gitignore", "a.py", "new/c.py", "old.py"]
    assert changed(bench) == {
        "a.py": (b"one\nTWO\nthree\n", b"one\ntwo\nthree\n"),
        "new/c.py": (None, b"c\n"),
        "sub/b.py": (b"b\n", None),
    }
    repaired = bench.repaired()
    assert [entry.path for entry in repaired.change.entries] == ["new/c.py"]
    assert repaired.change.tree == bench.repair().change.tree
    assert [
        line.text for hunk in bench.repair().hunks(bench.repair().change.entries)["new/c.py"] for line in hunk.lines
    ]
    bench.reset()
    assert changed(bench) == {}
    assert bench.paths() == [".gitignore", "a.py", "old.py", "sub/b.py"]


def test_an_answer_given_before_a_reset_can_still_be_read(bench: GitWorkbench) -> None:
    bench.write({"a.py": b"first\n"})
    first = bench.repair()
    bench.reset()
    bench.write({"a.py": b"second\n"})
    assert first.contents(first.change.entries)["a.py"].new == b"first\n"
    assert changed(bench)["a.py"][1] == b"second\n"


# What a test runner does, without the second that pytest takes to start: each line of cases.txt is a test.
RUNNER = """
import sys
cases = ""
for line in open("cases.txt"):
    try:
        exec(line)
        failure = ""
    except Exception:
        failure = "<failure/>"
    cases += f'<testcase classname="t" name="{line.split()[-1]}">{failure}</testcase>'
open(sys.argv[1], "w").write(f"<testsuite>{cases}</testsuite>")
sys.exit("<failure/>" in cases)
"""
RUN = f"{PYTHON} run.py {{junit}}"


def test_a_failing_test_that_the_repair_takes_away_is_told(repo: Repo) -> None:
    cases = "1 # other\nimport a; 1 / a.x # it\n"
    repo.commit({"run.py": RUNNER, "cases.txt": "1 # other\n", "a.py": "x = 1\n"})
    repo.stage({"a.py": "x = 0\n", "cases.txt": cases})
    with bench_of(repo) as bench:
        judged = bench.verify([Command(RUN)], soon())
        assert judged[0].new_failures == ("t::it",)
        bench.write({"cases.txt": b"1 # other\n"})
        (removed,) = bench.verify([Command(RUN)], soon(), judged)
        assert (removed.removed_tests, removed.missing_tests) == (("t::it",), ())
        run = RUNNER.replace('open("cases.txt")', 'list(open("cases.txt"))[:1]')
        bench.write({"cases.txt": cases.encode(), "run.py": run.encode()})
        (missing,) = bench.verify([Command(RUN)], soon(), judged)
        assert (missing.verdict, missing.missing_tests) == (Verdict.FAIL, ("t::it",))


def test_commands_run_on_the_repaired_tree_alone_and_know_what_the_base_broke(repo: Repo) -> None:
    repo.commit({"run.py": RUNNER, "cases.txt": "1 / 0 # old\nimport a; 1 / a.x # it\n", "a.py": "x = 1\n"})
    repo.stage({"a.py": "x = 0\n"})
    with bench_of(repo) as bench:
        (broken,) = bench.verify([Command(RUN)], soon())
        assert (broken.verdict, broken.new_failures) == (Verdict.FAIL, ("t::it",))
        bench.write({"a.py": b"x = 1\n"})
        (mended,) = bench.verify([Command(RUN)], soon())
        assert (mended.verdict, mended.known_failures) == (Verdict.PASS, ("t::old",))
        agent(bench, "open('leftover.pyc', 'w'); open('.gitignore', 'w').write('*.pyc\\n')")
        (seen,) = bench.verify([Command(f"{PYTHON} -c 'import os; print(sorted(os.listdir()))'")], soon())
        assert "leftover" not in seen.tail


def test_what_a_model_wrote_runs_without_the_network(repo: Repo) -> None:
    repo.commit({"run.py": RUNNER, "cases.txt": "1 / 1 # fine\n"})
    opened = open_repository(repo.stage({"b.py": "b\n"}).path)
    change = staged(opened).change
    with socket.create_server(("127.0.0.1", 0)) as server:
        call = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]})) # calls"
        command = f"{PYTHON} -c {shlex.quote(call)}"
        for network in (False, True):
            with GitWorkbench(opened, change, timeout=60, network=network) as bench:
                (own,) = bench.verify([Command(command)], soon())
                assert (own.verdict, bench.caveats()) == (Verdict.PASS, ()), "the user's own change has a network"
                bench.write({"cases.txt": f"1 / 1 # fine\n{call}\n".encode()})
                needed, named = bench.verify([Command(command), Command(RUN)], soon())
                cut = not network and can_cut_network()
                assert bool(bench.caveats()) is (not network and not cut)
            if not cut:
                assert (needed.verdict, named.verdict) == (Verdict.PASS, Verdict.PASS)
                continue
            assert named.new_failures == ("t::calls",)
            assert named.tail.endswith("(run with the network off; `fix.network = true` allows it)")
            assert needed.problem.startswith(
                "it passes on the base, but only with network access (run with the network off"
            )


def test_the_base_is_asked_once_however_often_a_repair_is_tried(repo: Repo, tmp_path: Path) -> None:
    log = tmp_path / "log"
    repo.commit({"run.py": RUNNER, "cases.txt": f"open({str(log)!r}, 'a').write('x'); 1 / 0 # old\n"})
    with bench_of(repo.stage({"a.py": "new\n"})) as bench:
        judged = bench.verify([Command(RUN)], soon())
        for n in range(3):
            bench.write({"a.py": f"{n}\n".encode()})
            (ran,) = bench.verify([Command(RUN)], soon(), judged)
            assert ran.known_failures == ("t::old",)
    assert log.read_text() == "xx" + "x" * (3 + can_cut_network())  # the base of a repair is run as the repair is


def test_a_fix_is_a_commit_on_exactly_the_judged_tree(repo: Repo, bench: GitWorkbench) -> None:
    judged = staged(open_repository(repo.path)).change
    bench.write({"a.py": b"one\ntwo\nthree\n", "new.py": b"n\n"})
    fix = bench.store(summary="Write two in lower case\n\nIt was loud.", verified=True)
    assert (fix.files, fix.insertions, fix.deletions, fix.verified) == (2, 2, 1, True)
    assert fix.base == judged.tree
    ours = in_store(repo)
    assert ours.git("rev-parse", fix.ref) == fix.commit
    assert ours.git("rev-parse", f"{fix.ref}~1^{{tree}}") == judged.tree
    assert ours.git("show", "--format=", "--name-status", fix.ref) == "M\ta.py\nA\tnew.py"
    assert ours.git("log", "-1", "--format=%s", fix.ref) == "Write two in lower case"
    assert "missing" not in ours.git("fsck", "--strict", "--connectivity-only")
    opened = open_repository(repo.path)
    assert fixes.every(opened) == (fix,)
    assert fixes.find(opened, fix.id[:4]) == fix
    assert fixes.newest_for(opened, judged.tree) == fix
    assert fixes.newest_for(opened, judged.base) is None


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_fix_of_the_very_first_commit_has_no_head_to_stand_on(tmp_path: Path, object_format: str) -> None:
    repo = Repo.create(tmp_path / "new", object_format=object_format, home=tmp_path / "home")
    with bench_of(repo.stage({"a.py": "one\n"})) as bench:
        bench.write({"a.py": b"two\n"})
        fix = bench.store(summary="", verified=False)
    assert in_store(repo).git("rev-list", "--count", fix.ref) == "2"
    assert in_store(repo).git("show", f"{fix.ref}:a.py") == "two"
    assert fixes.every(open_repository(repo.path)) == (fix,)
    assert (fix.summary, fix.verified) == ("repair of staged change", False)


def test_a_commit_of_a_shallow_clone_can_be_repaired(repo: Repo, tmp_path: Path) -> None:
    for n in range(3):
        repo.commit({"a.py": f"{n}\n"})
    repo.git("clone", "--quiet", "--depth=2", f"file://{repo.path}", str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", repo.home)
    opened = open_repository(clone.path)
    with GitWorkbench(opened, commit(opened, "HEAD").change, timeout=60) as bench:
        bench.write({"a.py": b"mended\n"})
        fix = bench.store(summary="mend", verified=True)
    assert in_store(clone).git("show", f"{fix.ref}:a.py") == "mended"


def test_the_callers_git_variables_have_no_say(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened = open_repository(repo.stage({"b.py": "b\n"}).path)
    change = staged(opened).change
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path))
    before = repo.state()
    with GitWorkbench(opened, change, timeout=60) as bench:
        bench.write({"b.py": b"mended\n"})
        assert [entry.path for entry in bench.repair().change.entries] == ["b.py"]
        (ran,) = bench.verify([Command("git status --short")], soon())
        assert (ran.tail, ran.exit_code) == ("", 0)
        assert repo.state() == before
        bench.store(summary="mend", verified=True)
    assert (repo.path / ".git/index").read_bytes() == before[".git/index"]


# What an agent leaves behind


def test_an_agent_gets_its_task_on_standard_input_or_in_a_file(bench: GitWorkbench) -> None:
    assert agent(bench, "import sys; print(sys.stdin.read())", task="mend ü") == "mend ü\n"
    in_file = "import sys; print(open(sys.argv[1]).read(), repr(sys.stdin.read()))"
    assert agent(bench, in_file, "{task}", task="mend it") == "mend it ''\n"
    assert changed(bench) == {}


def test_an_agent_sees_its_own_key_and_no_other(bench: GitWorkbench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "GIT_DIR"):
        monkeypatch.setenv(name, "leaked")
    code = "import os; print([n for n in os.environ if 'leaked' in os.environ[n] or n == 'MINE'])"
    run = bench.run_agent([sys.executable, "-c", code], "", soon(), {"MINE": "key"})
    assert run.output == b"['MINE']\n"


def test_an_agent_that_hangs_or_is_not_there_is_told_apart(bench: GitWorkbench) -> None:
    hung = bench.run_agent([sys.executable, "-c", "import time; time.sleep(600)"], "", soon(0.3), {})
    assert hung.exit_code is None
    missing = bench.run_agent(["no-such-agent", "-p"], "", soon(), {})
    assert (missing.exit_code, changed(bench)) == (127, {})


def test_the_output_and_the_errors_of_an_agent_are_kept_apart(bench: GitWorkbench) -> None:
    run = bench.run_agent(
        [sys.executable, "-c", "import sys; print('{}'); print('noise', file=sys.stderr)"], "", soon(), {}
    )
    assert (run.exit_code, run.output, run.errors) == (0, b"{}\n", b"noise\n")


def test_what_an_agent_did_is_read_from_the_tree(bench: GitWorkbench) -> None:
    agent(
        bench,
        "import os, pathlib, subprocess\n"
        "pathlib.Path('a.py').write_text('mended\\n')\n"
        "pathlib.Path('made.py').write_text('x\\n'); pathlib.Path('noise.log').write_text('x\\n')\n"
        "os.rename('old.py', 'sub/moved.py')\n"
        "commit = 'git add -A && git -c user.name=A -c user.email=a@b commit -qm done'\n"
        "subprocess.run(commit, shell=True, check=True)\n",
    )
    assert changed(bench) == {
        "a.py": (b"one\nTWO\nthree\n", b"mended\n"),
        "made.py": (None, b"x\n"),
        "sub/moved.py": (b"old\n", b"old\n"),
    }
    assert "noise.log" not in bench.paths()
    bench.reset()
    assert changed(bench) == {}
    assert agent(bench, "import subprocess; subprocess.run(['git', 'log', '--format=%s'])") == "scratch copy\n"


def test_a_file_changed_behind_gits_back_is_seen(bench: GitWorkbench) -> None:
    agent(
        bench,
        "import os\n"
        "was = os.stat('a.py')\n"
        "open('a.py', 'w').write('one\\ntwo\\nthree\\n')\n"
        "os.utime('a.py', ns=(was.st_atime_ns, was.st_mtime_ns))\n"
        "os.system('git update-index --assume-unchanged a.py')\n",
    )
    assert list(changed(bench)) == ["a.py"]


def test_what_is_written_into_the_copys_git_folder_has_no_effect(bench: GitWorkbench, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    agent(
        bench,
        "import subprocess, sys\n"
        "mark, git = sys.argv[1], lambda *a: subprocess.run(['git', *a], check=True)\n"
        "for key in ('core.fsmonitor', 'filter.x.clean', 'filter.x.smudge', 'diff.external', 'core.sshCommand'):\n"
        "    git('config', key, f'touch {mark}; cat')\n"
        "open('.git/info/attributes', 'w').write('* filter=x\\n')\n"
        "for name in ('post-index-change', 'post-checkout', 'reference-transaction', 'post-commit'):\n"
        "    hook = f'.git/hooks/{name}'; import os; os.makedirs('.git/hooks', exist_ok=True)\n"
        "    open(hook, 'w').write(f'#!/bin/sh\\ntouch {mark}\\n'); os.chmod(hook, 0o755)\n"
        "open('a.py', 'w').write('mended\\n')\n",
        str(mark),
    )
    mark.unlink(missing_ok=True)
    assert changed(bench) == {"a.py": (b"one\nTWO\nthree\n", b"mended\n")}
    bench.verify([Command("true")], soon())
    bench.store(summary="mend", verified=False)
    bench.reset()
    assert not mark.exists()


def test_a_process_that_outlives_the_agent_changes_nothing_of_what_is_verified_and_stored(bench: GitWorkbench) -> None:
    bench.write({"a.py": b"good\n"})
    held = bench.repair().change.tree
    (bench._copy / "a.py").write_bytes(b"evil\n")  # noqa: SLF001 - as somebody would who got away
    assert bench.store(summary="s", verified=True).tree == held


HOSTILE = {
    "nested repository": ("os.system('git init -q inner && touch inner/x')", "repository inside"),
    "nested repository with a commit": (
        "os.system('git init -q inner && cd inner && touch x && git add x && git commit -qm x')",
        "repository inside",
    ),
    "repository in a tracked folder": ("os.system('git init -q sub')", "touch .git: sub/.git"),
    "git folder in other letters": ("os.makedirs('sub/.GIT'); open('sub/.GIT/config', 'w').write('x')", "touch .git"),
    "git folder by its short name": ("os.makedirs('GIT~1'); open('GIT~1/config', 'w').write('x')", "short"),
    "git folder with a hidden character": (
        "os.makedirs('.g\\u200cit'); open('.g\\u200cit/config', 'w').write('x')",
        "touch .git",
    ),
    "symbolic link": ("os.symlink('/etc/passwd', 'link')", "symbolic link"),
    "file replaced by a symbolic link": ("os.remove('a.py'); os.symlink('old.py', 'a.py')", "symbolic link"),
    "mode": ("os.chmod('a.py', 0o755)", "mode"),
    "new executable": ("open('x', 'w'); os.chmod('x', 0o755)", "executable"),
    "pipe": ("os.remove('a.py'); os.mkfifo('a.py')", "pipes"),
    "huge file": ("open('core', 'wb').truncate(3_000_000_000)", "larger than 10 MB"),
    "workflow": ("os.makedirs('.github/workflows'); open('.github/workflows/x.yml', 'w').write('x')", "CI workflows"),
    "unreadable file": ("open('x', 'w').write('x'); os.chmod('x', 0)", "git cannot add the files"),
}


SHORT = ("nested repository with a commit", "git folder by its short name", "symbolic link", "pipe", "workflow")


@pytest.mark.parametrize("name", [name if name in SHORT else pytest.param(name, marks=MORE) for name in HOSTILE])
def test_what_an_agent_may_not_leave_is_refused_with_the_rule(bench: GitWorkbench, name: str) -> None:
    code, rule = HOSTILE[name]
    if name == "unreadable file" and os.geteuid() == 0:
        pytest.skip("the superuser can read every file")
    agent(bench, f"import os\n{code}")
    for ask in (bench.repair, bench.repaired, lambda: bench.verify([Command("true")], soon())):
        with pytest.raises(RepairRefused, match=rule):
            ask()
    with pytest.raises(RepairRefused, match=rule):
        bench.store(summary="s", verified=True)
    bench.reset()
    assert changed(bench) == {}


def test_what_the_user_has_git_ignore_is_no_part_of_a_repair(repo: Repo) -> None:
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/exclude").write_text(".aider*\n")
    (repo.home / ".config/git").mkdir(parents=True)
    (repo.home / ".config/git/ignore").write_text(".DS_Store\n")
    with bench_of(repo) as bench:
        agent(bench, "[open(n, 'w').write('x') for n in ('.aider.chat', '.DS_Store', 'real.py')]")
        assert list(changed(bench)) == ["real.py"]


def test_the_folder_where_this_clone_keeps_its_hooks_is_not_to_be_touched(repo: Repo) -> None:
    repo.commit({"ci/hooks/pre-commit": "#!/bin/sh\n"})
    repo.git("config", "core.hooksPath", "ci/hooks")
    with bench_of(repo) as bench:
        bench.write({"ci/hooks/pre-commit": b"#!/bin/sh\nevil\n"})
        with pytest.raises(RepairRefused, match="hooks: ci/hooks/pre-commit"):
            bench.repair()


# Writing


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("../out.py", "write outside the repository"),
        ("sub/../../out.py", "write outside the repository"),
        ("/tmp/out.py", "write outside the repository"),
        ("C:\\out.py", "write outside the repository"),
        ("sub\\..\\..\\out.py", "write outside the repository"),
        (".git/hooks/pre-commit", "touch .git"),
        ("sub/.Git/config", "touch .git"),
        ("", "invalid name"),
        ("sub//x", "invalid name"),
        ("./x", "invalid name"),
        ("sub", "folder with a file"),
    ],
)
def test_nothing_is_written_outside_the_copy(bench: GitWorkbench, path: str, rule: str) -> None:
    with pytest.raises(RepairRefused, match=rule):
        bench.write({"a.py": b"half\n", path: b"evil\n"})
    assert bench.read(path) is None
    assert changed(bench) == {}, "the good half of a refused answer was written"


def test_no_symbolic_link_is_followed(repo: Repo, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("mine")
    (repo.path / "out").symlink_to(outside)
    (repo.path / "link.py").symlink_to("a.py")
    with bench_of(repo.stage()) as bench:
        assert bench.read("out/secret") is None
        assert bench.read("link.py") is None
        assert "link.py" in bench.paths()
        for path in ("out/secret", "out/new", "link.py", "out"):
            for content in (b"evil", None):
                with pytest.raises(RepairRefused, match="symbolic link"):
                    bench.write({path: content})
    assert (outside / "secret").read_text() == "mine"


def test_a_file_keeps_its_mode_and_its_line_endings(repo: Repo) -> None:
    repo.commit({".gitattributes": "*.txt eol=crlf\n", "run.sh": "#!/bin/sh\n", "w.txt": "one\n"})
    repo.git("update-index", "--chmod=+x", "run.sh")
    with bench_of(repo) as bench:
        assert bench.read("w.txt") == b"one\r\n"
        bench.write({"run.sh": b"#!/bin/sh\ntrue\n", "w.txt": b"two\r\n"})
        assert changed(bench)["w.txt"] == (b"one\n", b"two\n")
        assert {e.path: (e.old_mode, e.new_mode) for e in bench.repair().change.entries}["run.sh"] == ("100755",) * 2


def test_a_new_file_that_git_ignores_is_refused_instead_of_left_out(bench: GitWorkbench) -> None:
    bench.write({"a.py": b"x\n", "needed.log": b"x\n"})
    with pytest.raises(RepairRefused, match=r"\.gitignore.*needed\.log"):
        bench.repair()


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_names_of_any_bytes_can_be_read_and_written(repo: Repo) -> None:
    names = ["new\nline.py", "\x1b[31m.py", "-n", ":(top)", "*.py", os.fsdecode(b"\xff.py"), '"quoted"']
    with bench_of(repo.stage(dict.fromkeys(names, "x\n"))) as bench:
        assert bench.paths() == sorted([*names, "a.py"])
        bench.write(dict.fromkeys(names, b"y\n"))
        assert changed(bench) == dict.fromkeys(sorted(names, key=os.fsencode), (b"x\n", b"y\n"))
        bench.store(summary="s", verified=True)


def test_nothing_is_left_in_the_temporary_folder(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with bench_of(repo) as bench:
        bench.write({"a.py": b"x\n"})
        bench.reset()
        bench.verify([Command("true")], soon())
        bench.store(summary="s", verified=True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("repaired", "refused"),
    [
        ("[tool.ralph-hooks.gate]\nexclude = ['*']\n", True),
        (None, True),
        ("[tool.ralph-hooks]\non-failure  =  'block'\n[project]\nname = 'new'\n", False),
    ],
)
def test_a_repair_leaves_our_own_configuration_as_it_says(repo: Repo, repaired: str | None, refused: bool) -> None:  # noqa: FBT001 - a table
    repo.commit({"pyproject.toml": "[tool.ralph-hooks]\non-failure = 'block'\n"})
    with bench_of(repo.stage({"a.py": "x = 1\n"})) as bench:
        bench.write({"pyproject.toml": repaired if repaired is None else repaired.encode()})
        with pytest.raises(RepairRefused, match="configuration of ralph-hooks") if refused else nullcontext():
            bench.repair()


def test_a_file_inside_a_submodule_is_refused_and_not_dropped(repo: Repo) -> None:
    """Git does not look into a submodule's folder: what was written there was in no fix, and said to be created."""
    repo.stage({"a.py": "one\n"})
    gitlink = f"160000,{repo.git('rev-parse', 'HEAD')},libs/module"
    repo.git("update-index", "--add", "--cacheinfo", gitlink)
    with bench_of(repo) as bench:
        with pytest.raises(RepairRefused, match="may not write inside a submodule: libs"):
            bench.write({"a.py": b"two\n", "libs/module/new/x.py": b"x\n"})
        assert changed(bench) == {}
        bench.write({"a.py": b"two\n", "libs/modules.py": b"x\n"})
        assert set(changed(bench)) == {"a.py", "libs/modules.py"}
        agent(bench, "import os; open('libs/module/x.py', 'w').close()")
        with pytest.raises(RepairRefused, match="may not write inside a submodule: libs"):
            bench.repair()
