"""The project's own linters: what is new blocks, warns or is a hint; what cannot be judged is no pass. Real tools."""

from __future__ import annotations

import pytest

from tests.support.linted import EVAL, OLD, RUFF, linter, script, set_up
from tests.support.project import TWO_LINES, Project
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Finds, analyst

MYPY = "mypy --no-pretty --no-error-summary --show-error-codes --config-file= {files}"


def test_a_new_finding_of_ruff_blocks_and_an_old_one_does_not(project: Project) -> None:
    set_up(project, linter("bandit-rules", RUFF, 'paths = ["*.py"]'))
    project.repo.commit({"a.py": OLD})
    project.repo.stage({"a.py": f"{EVAL}\n\n{OLD}", "notes.txt": "eval\n"})
    judged = project.judge()
    assert (judged.code, judged.verdict) == (1, "fail")
    [finding] = judged.findings
    assert (finding["path"], finding["line"], finding["category"]) == ("a.py", 2, "S307")
    assert (finding["source"], finding["evidence"], finding["blocking"]) == ("bandit-rules", "check", True)
    assert finding["quote"] == "return eval(text)"
    checked = {item["path"]: item["checks"] for item in judged.report["checked"]}
    assert "bandit-rules" in checked["a.py"]
    assert "bandit-rules" not in checked["notes.txt"]


def test_the_index_is_judged_and_not_the_working_tree(project: Project) -> None:
    set_up(project, linter("bandit-rules", RUFF, 'paths = ["*.py"]'))
    project.repo.stage({"a.py": "A = 1\n"})
    (project.repo.path / "a.py").write_text(EVAL, encoding="utf-8")
    assert project.judge().verdict == "pass"


def test_mypy_blocks_with_the_rules_that_are_named(project: Project) -> None:
    rules = 'rules = ["name-defined", "call-arg", "used-before-def", "attr-defined"]'
    set_up(project, linter("mypy", MYPY, 'paths = ["*.py"]', 'format = "mypy"', rules))
    project.repo.commit({"a.py": "def f(x: int) -> int:\n    return x\n"})
    project.repo.stage({"a.py": "def f(x: int) -> int:\n    return 'a'\n\n\nf(1, y=2)\n"})
    judged = project.judge()
    assert judged.code == 1
    assert [(found["line"], found["category"]) for found in judged.findings] == [(5, "call-arg")]
    project.repo.stage({"a.py": "def f(x: int) -> int:\n    return 'a'\n"})
    assert project.judge().verdict == "pass"


def test_a_warning_is_advice_until_warnings_block(project: Project) -> None:
    says = script(project, "import sys\nprint(f'{sys.argv[1]}:1:1: warning: doubtful [W1]')") + " {files}"
    paths = 'paths = ["*.py"]'
    set_up(project, linter("doubts", says, 'format = "gcc"', paths))
    project.repo.stage({"a.py": "A = 1\n"})
    judged = project.judge()
    assert (judged.code, [(f["category"], f["severity"], f["blocking"]) for f in judged.findings]) == (
        0,
        [("W1", "warning", False)],
    )
    set_up(project, linter("doubts", says, 'format = "gcc"', paths, 'block-at = "warning"'))
    project.repo.stage({"b.py": "A = 1\n"})
    assert project.judge().code == 1


def test_a_hint_is_told_to_the_analyze_model_alone(project: Project) -> None:
    server = project.models(analyst(Finds("nothing of that kind", "")))
    project.configure(TWO_LINES + linter("bandit-rules", RUFF, 'paths = ["*.py"]', 'block-at = "hint"'))
    project.run("trust", "--yes")
    project.repo.stage({"a.py": "import pickle\n\nA = pickle.loads\n\n\ndef f(x=[]):\n    return eval(x)\n"})
    judged = project.judge()
    assert (judged.verdict, judged.findings) == ("pass", [])
    assert "S307" in server.requests[0].prompt
    assert "B006" in server.requests[0].prompt


def test_a_hint_without_a_model_to_tell_runs_nothing(project: Project) -> None:
    mark = project.home.parent / "ran"
    says = script(project, f"open({str(mark)!r}, 'w')")
    set_up(project, linter("hints", says, 'format = "gcc"', 'block-at = "hint"'))
    project.repo.stage({"a.py": "A = 1\n"})
    assert project.judge().verdict == "pass"
    assert not mark.exists()


@pytest.mark.parametrize(
    ("run", "form", "told"),
    [
        ("no-such-linter {files}", "sarif", "strict: it could not be started (exit code 127"),
        ("echo all is well", "sarif", "strict: its output is not sarif"),
        ("echo '{}'", "sarif", "strict: its output is not sarif"),
        ("echo bad configuration >&2; exit 2", "mypy", "strict: it failed without a finding (exit code 2: bad config"),
        ("sleep 60", "gcc", "strict: it did not finish in time: stopped after 1 s"),
        ("yes | head -c 9000000", "gcc", "strict: it wrote more than 8 MB"),
        (
            "echo 'x.py:1: error: bad  [syntax]'; echo 'Found 1 error in 1 file (errors prevented further checking)'",
            "mypy",
            "strict: mypy stopped at an error",
        ),
        (
            """echo '{"runs": [{"invocations": [{"executionSuccessful": false}], "results": []}]}'""",
            "sarif",
            "strict: it reports that it failed",
        ),
    ],
)
def test_a_linter_that_cannot_judge_is_no_pass(project: Project, run: str, form: str, told: str) -> None:
    set_up(project, linter("strict", run, f'format = "{form}"', "timeout = 1"))
    project.repo.stage({"a.py": "A = 1\n"})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert told in judged.report["reason"]
    assert "\n" not in judged.report["reason"]


def test_a_base_that_cannot_be_linted_leaves_the_added_lines(project: Project) -> None:
    says = script(
        project,
        "import os\nif not os.path.exists('lint.cfg'):\n    raise SystemExit(2)\n"
        "print('a.py:1:1: error: old [E1]')\nprint('a.py:2:1: error: new [E2]')\nraise SystemExit(1)",
    )
    set_up(project, linter("young", says, 'format = "gcc"'))
    project.repo.commit({"a.py": "A = 1\n"})
    project.repo.stage({"a.py": "A = 1\nB = 2\n", "lint.cfg": "on\n"})
    judged = project.judge()
    assert [found["category"] for found in judged.blocking] == ["E2"]
    assert "young failed on the base of this change" in judged.notices


def test_linters_of_a_repository_run_once_they_are_approved(project: Project) -> None:
    project.write_user("")
    project.configure("[tool.ralph-hooks]\n" + linter("mine", "touch /tmp/never {files}"))
    project.repo.stage({"a.py": "A = 1\n"})
    done = project.run("gate")
    assert done.code == 4
    assert "linters" in done.err
    shown = project.run("trust", "--yes").out
    assert "touch /tmp/never {files}" in shown
    project.configure("[tool.ralph-hooks]\n" + linter("mine", "true {files}", 'format = "gcc"'))
    project.repo.stage({"a.py": "A = 1\n"})
    assert project.run("gate").code == 4


def test_a_linter_can_be_skipped_by_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(project, linter("strict", "exit 3", 'format = "gcc"'))
    project.repo.stage({"a.py": "A = 1\n"})
    monkeypatch.setenv("RALPH_HOOKS_SKIP", "strict")
    judged = project.judge()
    assert judged.verdict == "pass"
    assert "strict skipped" in judged.notices


def test_a_push_is_linted_too(project: Project) -> None:
    set_up(project, linter("bandit-rules", RUFF, 'paths = ["*.py"]'))
    project.repo.commit({"a.py": EVAL})
    judged = project.judge("--from-ref", "HEAD~1", "--to-ref", "HEAD")
    assert [found["category"] for found in judged.blocking] == ["S307"]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('name = "ruff"\nrun = "x"', 'such as "project-ruff"'),
        ('name = "My Linter"\nrun = "x"', "lowercase letters"),
        ('name = "a"\nrun = "x \'"', "cannot be split into words"),
        ('name = "a"\nrun = "x"\nblock-at = "note"', "block-at"),
        ('name = "a"\nrun = "x"\n[[tool.ralph-hooks.linters]]\nname = "a"\nrun = "y"', "is listed twice"),
    ],
)
def test_a_mistake_in_the_table_is_named(project: Project, table: str, told: str) -> None:
    project.configure(f"[[tool.ralph-hooks.linters]]\n{table}\n")
    done = project.run("gate")
    assert done.code == 2
    assert told in done.err


def test_a_repair_has_to_pass_the_linters_too(project: Project) -> None:
    crew = Crew(
        planned=plan("a.py"),
        implement=[repair(("a.py", "eval(text)", "exec(text)"))],
        fix=[repair(("a.py", "exec(text)", "int(text)"))],
    )
    server = project.models(crew, user="[budget]\nper-run = 90\nper-day = 90\n")
    project.configure(TWO_LINES + linter("bandit-rules", RUFF, 'paths = ["*.py"]'))
    project.run("trust", "--yes")
    project.repo.stage({"a.py": EVAL})
    judged = project.judge("--no-apply", command="fix")
    assert [(step["step"], step["succeeded"]) for step in judged.report["rungs"]] == [
        ("plan", True),
        ("implement", True),
        ("check", False),
        ("fix", True),
        ("check", True),
    ]
    assert "Use of `exec` detected" in next(request.prompt for request in server.requests if request.phase == "fix")
    assert judged.report["fix"]
