"""Verify commands run on exactly the tree that is judged; what they say is about the change, or said not to be."""

from __future__ import annotations

import re
import sys
import tempfile
import time

import pytest

from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.report import Verdict
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import commit, open_repository, staged
from tests.support.matrix import MORE, every, first, product
from tests.support.repo import Repo
from tests.support.verifying import CASE, PYTHON, listed, python, verify, verify_one

PYTEST = f"{PYTHON} -m pytest -q -p no:cacheprovider --junit-xml={{junit}}"


def test_commands_see_the_staged_tree_and_share_one_copy(repo: Repo) -> None:
    repo.stage({"a.py": "staged\n"}).write({"a.py": "working\n", "untracked.py": "x\n"})
    before = repo.state()
    listing = python("import os; print(sorted(os.listdir())); open('made', 'w')")
    first, second = verify(repo, listing, python("print(open('a.py').read(), open('made'))"))
    assert (first.exit_code, first.verdict) == (0, Verdict.PASS)
    assert "['.git', 'a.py']" in first.tail
    assert second.exit_code == 0
    assert second.tail.startswith("staged")
    assert repo.state() == before


def test_a_commit_from_history_is_verified_as_it_was(repo: Repo) -> None:
    old = repo.commit({"a.py": "raise SystemExit(7)\n"})
    repo.commit({"a.py": "fine = True\n"})
    opened = open_repository(repo.path)
    change = commit(opened, old).change
    (only,) = CommandVerifier(opened, change, timeout=60).run(
        change.tree, change.base, listed(f"{PYTHON} a.py"), Deadline(60, time.monotonic)
    )
    assert (only.exit_code, only.verdict, only.problem) == (7, Verdict.FAIL, "")


def test_git_variables_of_the_hook_and_keys_do_not_reach_a_command(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    local = repo.git("rev-parse", "--local-env-vars").split()
    opened = open_repository(repo.stage({"b.py": "b\n"}).path)
    change = staged(opened).change
    for name in (*local, "GIT_AUTHOR_NAME", "OPENAI_API_KEY", "MY_TOKEN"):
        if name not in {"GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"}:
            monkeypatch.setenv(name, "leaked")
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    monkeypatch.delenv("GIT_OBJECT_DIRECTORY")
    code = "import os; print([n for n in os.environ if n.startswith('GIT_') or 'leaked' in os.environ[n]])"
    (only,) = CommandVerifier(opened, change, timeout=60).run(
        change.tree, change.base, listed(python(code), "git status --short --branch"), Deadline(60, time.monotonic)
    )[:1]
    assert only.tail == "[]"


def test_the_tail_is_the_end_of_what_was_printed(repo: Repo) -> None:
    ran = verify_one(repo, python("for i in range(10_000): print('line', i)"))
    lines = ran.tail.splitlines()
    assert (len(lines), lines[-1]) == (40, "line 9999")
    assert len(verify_one(repo, python("print('x' * 10**6)")).tail) <= 8192
    whole = "<" + "x" * 500 + ">"
    ran = verify_one(repo, python(f"for _ in range(100): print({whole!r})"))
    assert set(ran.tail.splitlines()) == {whole}  # half a line may be half a credential, which no scan knows


# Failing tests, new and old

OLD_TESTS = "def test_old(): assert 1 == 2\ndef test_fine(): assert True\n"


def test_failures_that_the_base_has_too_are_named_and_do_not_count(repo: Repo) -> None:
    repo.commit({"test_it.py": OLD_TESTS})
    ran = verify_one(repo.stage({"a.py": "x = 1\n"}), PYTEST)
    assert (ran.exit_code, ran.verdict) == (1, Verdict.PASS)
    assert (ran.new_failures, ran.known_failures) == ((), ("test_it::test_old",))


def test_a_new_failure_counts_beside_an_old_one(repo: Repo) -> None:
    repo.commit({"test_it.py": OLD_TESTS})
    repo.stage({"test_it.py": OLD_TESTS.replace("True", "False")})
    ran = verify_one(repo, PYTEST)
    assert ran.verdict is Verdict.FAIL
    assert (ran.new_failures, ran.known_failures) == (("test_it::test_fine",), ("test_it::test_old",))


def test_a_test_that_cannot_be_collected_any_more_is_a_new_failure(repo: Repo) -> None:
    repo.commit({"test_it.py": "import a\ndef test_it(): pass\n", "a.py": "x = 1\n"})
    ran = verify_one(repo.stage({"a.py": "def (\n"}), PYTEST)
    assert (ran.verdict, ran.new_failures) == (Verdict.FAIL, ("test_it",))


def test_old_failures_that_hide_what_comes_behind_are_no_pass(repo: Repo) -> None:
    repo.commit({"test_it.py": OLD_TESTS})
    ran = verify_one(repo.stage({"test_it.py": OLD_TESTS.replace("True", "False")}), f"{PYTEST} -x")
    assert ran.verdict is Verdict.INCONCLUSIVE
    assert "run all tests" in ran.problem


def test_without_a_report_every_failure_counts(repo: Repo) -> None:
    repo.commit({"test_it.py": OLD_TESTS})
    ran = verify_one(repo.stage({"a.py": "x = 1\n"}), PYTEST.replace(" --junit-xml={junit}", ""))
    assert (ran.exit_code, ran.verdict, ran.new_failures, ran.known_failures) == (1, Verdict.FAIL, (), ())


def test_a_failure_counts_where_the_base_gives_no_names(repo: Repo) -> None:
    repo.commit({"conftest.py": "import nowhere\n", "test_it.py": OLD_TESTS})
    ran = verify_one(repo.stage({"conftest.py": ""}), PYTEST)
    assert (ran.verdict, ran.new_failures) == (Verdict.FAIL, ("test_it::test_old",))
    assert "no comparison with the base" in ran.tail


def test_the_same_failure_counts_where_the_command_ends_differently(repo: Repo) -> None:
    repo.commit({"code": "1"})
    report = f"<testsuite>{CASE}</testsuite>"
    code = f"import sys; open(sys.argv[1], 'w').write({report!r}); sys.exit(int(open('code').read()))"
    ran = verify_one(repo.stage({"code": "3"}), f"{python(code)} {{junit}}")
    assert (ran.exit_code, ran.verdict, ran.new_failures) == (3, Verdict.FAIL, ("t::n",))


@pytest.mark.parametrize("left", ["os.mkfifo(where)", "os.symlink('/dev/zero', where)", "os.mkdir(where)"])
def test_what_a_test_leaves_in_the_place_of_a_report_is_not_waited_for(repo: Repo, left: str) -> None:
    code = f"import os, sys; where = sys.argv[1]; {left}; sys.exit(3)"
    ran = verify_one(repo.stage({"code": "3"}), f"{python(code)} {{junit}}")
    assert ran.exit_code == 3
    assert ran.verdict is not Verdict.PASS


# Tests that no longer run

BROKEN = {"test_bad.py": "import no_such_module\n", "app.py": "def one(): return 1\n"}
TESTS = "from app import one\ndef test_old(): assert one() == 2\ndef test_one(): assert one() == 1\n"
LATER = "import app\ndef test_later(): assert app.one() == 1\n"


@pytest.mark.parametrize("command", first(1, [f"{PYTEST} -qq --no-summary", PYTEST]))
def test_collection_error_of_base_hides_no_broken_function(repo: Repo, command: str) -> None:
    repo.commit(BROKEN | {"test_it.py": "from app import one\ndef test_one(): assert one() == 1\n"})
    ran = verify_one(repo.stage({"app.py": "def one(): return 0\n"}), command)
    assert (ran.verdict, ran.known_failures) == (Verdict.INCONCLUSIVE, ("test_bad",))
    assert "run all tests" in ran.problem
    every = f"{command} --continue-on-collection-errors"
    ran = verify_one(repo, every)
    assert (ran.verdict, ran.new_failures, ran.known_failures) == (Verdict.FAIL, ("test_it::test_one",), ("test_bad",))


NARROWER: list[dict[str, str | None]] = [
    {"pytest.ini": "[pytest]\npython_files = test_it.py\n"},
    {"conftest.py": "collect_ignore = ['test_later.py']\n"},
    {"conftest.py": "def pytest_collection_modifyitems(items): items[:] = items[:2]\n"},
    {"conftest.py": "import pytest\ndef pytest_collection_modifyitems(items): items[2].add_marker('skip')\n"},
    {"test_later.py": None, "later_tests.py": LATER},
]


@pytest.mark.parametrize(("files", "old_failure"), every(2, product(NARROWER, [True, False])))
def test_a_test_that_no_longer_runs_is_a_failure(
    repo: Repo, files: dict[str, str | None], *, old_failure: bool
) -> None:
    tests = TESTS if old_failure else TESTS.replace("== 2", "== 1")
    repo.commit({"app.py": "def one(): return 1\n", "test_it.py": tests, "test_later.py": LATER})
    ran = verify_one(repo.stage(files), PYTEST)
    assert (ran.verdict, ran.missing_tests, ran.new_failures) == (Verdict.FAIL, ("test_later::test_later",), ())
    assert "(1 test ran on the base but not here: test_later::test_later)" in ran.tail


@pytest.mark.parametrize(
    ("files", "removed"),
    [
        ({"test_later.py": None}, ("test_later::test_later",)),
        ({"test_later.py": None, "sub/test_moved.py": LATER}, ()),
        pytest.param({"test_later.py": "def test_other(): pass\n"}, ("test_later::test_later",), marks=MORE),
        pytest.param(
            {"test_later.py": f"import pytest\n@pytest.mark.skip\n{LATER}".replace("import app\n", "")},
            ("test_later::test_later",),
            marks=MORE,
        ),
        pytest.param({"test_later.py": "class TestX:\n  def test_later(self): pass\n"}, (), marks=MORE),
    ],
)
def test_tests_that_the_change_removes_are_told_and_moved_ones_are_not(
    repo: Repo, files: dict[str, str | None], removed: tuple[str, ...]
) -> None:
    repo.commit({"app.py": "def one(): return 1\n", "test_it.py": TESTS, "test_later.py": LATER})
    ran = verify_one(repo.stage(files), PYTEST)
    assert (ran.verdict, ran.removed_tests, ran.missing_tests) == (Verdict.PASS, removed, ())
    assert ran.known_failures == ("test_it::test_old",)


def test_an_old_failure_that_moves_stays_an_old_one(repo: Repo) -> None:
    repo.commit({"app.py": "def one(): return 1\n", "test_it.py": TESTS})
    ran = verify_one(repo.stage({"test_it.py": None, "sub/test_moved.py": TESTS}), PYTEST)
    assert (ran.verdict, ran.known_failures, ran.missing_tests) == (Verdict.PASS, ("sub.test_moved::test_old",), ())


def test_a_stop_at_an_old_failure_is_seen_wherever_it_is_said(repo: Repo) -> None:
    noise = "import atexit\natexit.register(lambda: print('covered\\n' * 1000))\n"
    repo.commit({"pytest.ini": "[pytest]\naddopts = -x\n", "conftest.py": noise, "test_it.py": OLD_TESTS})
    ran = verify_one(repo.stage({"test_it.py": OLD_TESTS.replace("True", "False")}), PYTEST)
    assert "stopping after" not in ran.tail
    assert (ran.verdict, "run all tests" in ran.problem) == (Verdict.INCONCLUSIVE, True)


def test_new_failures_in_the_report_count_whatever_the_exit_code(repo: Repo) -> None:
    repo.commit({"test_it.py": OLD_TESTS})
    repo.stage({"test_it.py": OLD_TESTS.replace("True", "False")})
    ran = verify_one(repo, f"{PYTEST} || true")
    assert (ran.exit_code, ran.verdict, ran.new_failures) == (0, Verdict.FAIL, ("test_it::test_fine",))


def test_an_old_failure_hides_no_part_of_a_command_line(repo: Repo) -> None:
    repo.commit({"test_it.py": OLD_TESTS})
    ran = verify_one(repo.stage({"a.py": "x = 1\n"}), f"{PYTEST} && false")
    assert (ran.verdict, "make each part a separate command" in ran.problem) == (Verdict.INCONCLUSIVE, True)


def test_a_second_test_with_the_name_of_an_old_failure_is_new(repo: Repo) -> None:
    code = (
        f"import sys; bad = open('a.py').read().count('bad'); case = {CASE!r}\n"
        "cases = case * bad + case.replace('<failure/>', '') * (3 - bad)\n"
        "open(sys.argv[1], 'w').write(f'<testsuite>{cases}</testsuite>')\n"
        "sys.exit(1)"
    )
    repo.commit({"a.py": "bad\n"})
    ran = verify_one(repo.stage({"a.py": "bad bad\n"}), f"{python(code)} {{junit}}")
    assert (ran.verdict, ran.new_failures) == (Verdict.FAIL, ("t::n",))


def test_a_suite_that_counts_more_failures_than_its_tests_have_fails(repo: Repo) -> None:
    suite = '<testsuite name="b.test.js" errors="{bad}" failures="0"><testcase classname="t" name="m"/></testsuite>'
    code = (
        f"import sys; bad = open('a.py').read().count('bad'); suite = {suite!r}\n"
        "suite = suite.replace('{bad}', str(bad))\n"
        "open(sys.argv[1], 'w').write(f'<testsuites>{suite}</testsuites>'); sys.exit(bad)"
    )
    repo.commit({"a.py": "good\n"})
    ran = verify_one(repo.stage({"a.py": "bad\n"}), f"{python(code)} {{junit}}")
    assert (ran.verdict, ran.new_failures) == (Verdict.FAIL, ("b.test.js (outside of its tests)",))


def test_without_a_report_a_failure_of_the_base_too_blocks_and_is_told(repo: Repo) -> None:
    """As `python -m unittest`, which writes none."""
    case = "import unittest\nclass T(unittest.TestCase):\n  def test(self): assert {}\n"
    repo.commit({"test_it.py": case.format(0)})
    command = f"{PYTHON} -m unittest"
    ran = verify_one(repo.stage({"a.py": "x = 1\n"}), command)
    assert (ran.verdict, ran.fails_on_base, ran.to_repair) == (Verdict.FAIL, True, False)
    assert "(it fails on the base too, where it exited with 1" in ran.tail
    repo.commit({"test_it.py": case.format(1)})
    ran = verify_one(repo.stage({"test_it.py": case.format(0)}), command)
    assert (ran.verdict, ran.fails_on_base, ran.to_repair) == (Verdict.FAIL, False, True)


# Forms of commands


def test_a_string_is_a_shell_line_and_a_list_is_not(repo: Repo) -> None:
    repo.stage({"sub/a.py": "x = 1\n"})
    line, words = verify(repo, "cd sub && X=1 sh -c 'ls; echo $X'", Command(("echo", "a && b", "$X", "c; d")))
    assert line.tail == "a.py\n1"
    assert words.tail == "a && b $X c; d"
    assert [ran.verdict for ran in verify(repo, "true && false", "false | true", "false; true")] == [Verdict.FAIL] * 3


def test_a_command_runs_in_its_folder_and_reads_the_reports_it_writes(repo: Repo) -> None:
    repo.commit({"web/test_it.py": OLD_TESTS, "web/out/old.xml": f"<testsuite>{CASE}</testsuite>"})
    run = f"mkdir -p out && {PYTHON} -m pytest -q -p no:cacheprovider --junit-xml=out/tests.xml"
    ran = verify_one(repo.stage({"web/a.py": "x = 1\n"}), Command(run, "web", (), ("out/*.xml",)))
    assert (ran.command, ran.verdict) == (f"web: {run}", Verdict.PASS)
    assert ran.known_failures == ("test_it::test_old",)
    ran = verify_one(repo, Command("true", "web", (), ("out/*.xml",)))
    assert (ran.verdict, "to out/*.xml" in ran.problem) == (Verdict.INCONCLUSIVE, True)
    assert "folder none does not exist" in verify_one(repo, Command("true", "none")).tail


# Commands that cannot run: inconclusive, unless the change is why


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("no-such-program --x", "install it"),
        ("./a.py", "chmod"),
        (f"{PYTHON} -m pytest -q", "no tests were collected"),
        (f"{PYTHON} -m pytest --no-such-option", "before any test runs"),
        (f"{PYTHON} -m no_such_module {{junit}}", "before any test runs"),
        ("", "empty"),
        (python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "memory"),
    ],
)
def test_a_command_that_cannot_run_is_inconclusive(repo: Repo, command: str, problem: str) -> None:
    ran = verify_one(repo.stage({"b.py": "b\n"}), command)
    assert ran.verdict is Verdict.INCONCLUSIVE
    assert problem in ran.problem


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("./check.sh", {"check.sh": None}),
        (f"{PYTHON} -m pytest -q", {"test_it.py": None}),
        (PYTEST, {"helper.py": "raise ImportError\n"}),
        pytest.param(f"{PYTHON} -m pytest -q test_it.py", {"test_it.py": None}, marks=MORE),
        pytest.param(f"{PYTHON} -m pytest -q", {"helper.py": "raise ImportError\n"}, marks=MORE),
        pytest.param(PYTEST, {"test_it.py": "import os\nos._exit(1)\n"}, marks=MORE),
    ],
)
def test_a_command_that_the_change_keeps_from_running_is_a_failure(
    repo: Repo, command: str, files: dict[str, str | None]
) -> None:
    repo.write({"check.sh": "#!/bin/sh\n"})
    (repo.path / "check.sh").chmod(0o755)
    repo.commit(
        {
            "check.sh": "#!/bin/sh\n",
            "test_it.py": "def test_it(): pass\n",
            "helper.py": "",
            "conftest.py": "import helper\n",
        }
    )
    assert verify_one(repo, command).verdict is Verdict.PASS
    ran = verify_one(repo.stage(files), command)
    assert (ran.verdict, ran.problem) == (Verdict.FAIL, "")


@pytest.mark.parametrize(
    ("command", "way"),
    [
        (PYTEST, "--junit-xml={junit}"),
        (f"{python('print(1)')} {{junit}}", "the option or plugin of your test runner"),
        (f"{python('print(1)')} gotestsum {{junit}}", "--junitfile {junit}"),
    ],
)
def test_a_good_end_without_the_report_that_was_asked_for_is_no_pass(repo: Repo, command: str, way: str) -> None:
    repo.stage({"conftest.py": "import os\nos._exit(0)\n", "test_it.py": "def test_it(): assert 0\n"})
    ran = verify_one(repo, command)
    assert (ran.exit_code, ran.verdict) == (0, Verdict.INCONCLUSIVE)
    assert "wrote no readable JUnit report" in ran.problem
    assert way in ran.problem
    assert "remove {junit} from the command" in ran.problem


def test_a_good_end_without_any_test_is_no_pass(repo: Repo) -> None:
    command = f"{sys.executable} -m unittest -q"
    test = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): pass\n"
    repo.commit({"test_it.py": test})
    assert verify_one(repo, command).verdict is Verdict.PASS
    repo.stage({"test_it.py": f"{test}def load_tests(*_): return unittest.TestSuite()\n"})
    ran = verify_one(repo, command)
    assert ran.verdict is not Verdict.PASS
    assert ran.exit_code or "no test" in ran.problem  # unittest itself fails from Python 3.12 on


def test_a_change_that_makes_the_tests_hang_fails_and_the_time_on_the_base_is_named(repo: Repo) -> None:
    repo.commit({"check.sh": "exit 0\n"})
    ran = verify_one(repo.stage({"check.sh": "echo begins\nsleep 600\n"}), "sh check.sh", timeout=1.0)
    assert (ran.exit_code, ran.verdict, ran.problem) == (None, Verdict.FAIL, "")
    assert re.fullmatch(r"begins\n\(stopped after 1 s: on the base it finishes after 0\.\d s\)", ran.tail)


def test_a_hang_says_nothing_where_the_base_does_not_get_that_far(repo: Repo) -> None:
    repo.commit({"check.sh": "exit 3\n"})
    ran = verify_one(repo.stage({"check.sh": "sleep 600\n"}), "sh check.sh", timeout=0.2)
    assert ran.verdict is Verdict.INCONCLUSIVE
    assert "on the base it exited with 3" in ran.problem


def test_a_timeout_on_both_sides_is_inconclusive_and_says_which_limit_it_was(repo: Repo) -> None:
    own = verify_one(repo, "sleep 600", timeout=0.2)
    assert (own.exit_code, own.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "on the base it was also stopped: make it faster or raise verify.timeout" in own.problem
    runs = verify(repo, "sleep 600", "sleep 601", seconds=0.5)
    assert ["deadline" in ran.problem for ran in runs] == [True, True]


@pytest.mark.skipif(sys.platform != "linux", reason="macOS takes a memory limit and does not enforce it")
def test_a_command_that_takes_all_memory_is_stopped(repo: Repo) -> None:
    (ran,) = verify(repo, python("x = bytearray(400_000_000)"), memory=200_000_000)
    assert "MemoryError" in ran.tail


def test_where_no_copy_can_be_made_nothing_is_known(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(repo.path))
    ran = verify_one(repo, "true")
    assert ran.verdict is Verdict.INCONCLUSIVE
    assert "TMPDIR" in ran.problem


# Reports that a test wrote
