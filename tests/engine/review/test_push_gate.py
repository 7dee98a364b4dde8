"""What a push is judged by: its net change, every single commit, commands on its tree, what is known already."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.changes import EVAL, SECRET
from tests.support.project import TWO_LINES, Project, phases
from tests.support.push import Remote
from tests.support.server import Finds, Reply, analyst


@pytest.fixture
def remote(project: Project) -> Remote:
    """A bare remote that has what the project has."""
    return Remote(project)


def test_what_the_commit_hook_paid_for_costs_nothing_when_it_is_pushed(project: Project, remote: Remote) -> None:
    server = project.models(analyst(Finds("eval(", "Runs what the user typed.", severity="warning")))
    remote.commit_judged({"a.py": "eval(input())\n"})
    remote.commit_judged({"b.py": "b = 1\n"})
    asked = len(server.requests)
    assert asked
    judged = remote.push("main")
    assert (judged.code, judged.verdict, len(server.requests)) == (0, "pass", asked)
    assert [finding["message"] for finding in judged.findings] == ["Runs what the user typed."]
    assert (judged.report["commits"], judged.report["new_commits"], judged.report["reviewed"]) == (2, 0, 2)


def test_a_known_push_loads_nothing_that_it_does_not_need(project: Project, remote: Remote) -> None:
    project.models(analyst())
    remote.commit_judged({"a.py": "a = 1\n"})
    args = [sys.executable, "-X", "importtime", "-m", "ralph_hooks", "pre-push", "origin", "url"]
    done = subprocess.run(
        args, cwd=project.repo.path, env=project.environ, input=remote.lines("main"), capture_output=True, check=False
    )
    assert b"cached, no requests" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "ralph_hooks.engine.review.push_gate" in loaded
    assert loaded & {"requests", "rich", "genai_prices", "detect_secrets", "git", "asyncio"} == set()


def test_a_file_that_several_commits_changed_is_judged_once_more_as_a_whole(project: Project, remote: Remote) -> None:
    server = project.models(analyst())
    remote.commit_judged({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    remote.commit_judged({"a.py": "a = 2\n"})
    asked = len(server.requests)
    judged = remote.push("main")
    assert judged.code == 0
    (request,) = server.requests[asked:]
    assert "### a.py" in request.prompt
    assert "### b.py" not in request.prompt
    assert remote.push("main").sent == []


def test_what_blocks_holds_the_push_back_and_names_title_and_tree(project: Project, remote: Remote) -> None:
    project.models(analyst(EVAL))
    project.repo.commit({"a.py": "eval(input())\n"})
    judged = remote.push("main")
    assert (judged.code, judged.verdict) == (1, "fail")
    assert [(f["path"], f["line"]) for f in judged.blocking] == [("a.py", 1)]
    assert judged.report["title"] == "push of main to origin"
    assert judged.report["tree"] == project.repo.tree()
    assert judged.report["command"] == "pre-push"


def test_an_outage_holds_a_push_back(project: Project, remote: Remote) -> None:
    project.models(Reply.status(500))
    project.repo.commit({"a.py": "a = 1\n"})
    judged = remote.push("main")
    assert (judged.code, judged.verdict) == (3, "inconclusive")
    assert "closed" in judged.notices


def test_the_limits_of_push_hold(project: Project, remote: Remote) -> None:
    project.models(Reply.status(500))
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.push]\nwhen-unavailable = "open"\nexclude = ["b.py"]\n')
    remote.accept("main")
    project.repo.commit({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    judged = remote.push("main")
    assert (judged.code, judged.verdict) == (0, "inconclusive")
    assert judged.causes["b.py"] == "excluded"


def test_secret_in_a_tag_and_in_a_branch_name_can_be_dismissed(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.git("tag", "-a", "-m", f"First\n\nthe key is {SECRET}", "v1")
    project.repo.git("branch", f"fix/{SECRET}")
    refused = remote.push("v1", f"fix/{SECRET}")
    assert project.run("dismiss", *(each["fingerprint"] for each in refused.blocking), "--reason", "revoked").code == 0
    judged = remote.push("v1", f"fix/{SECRET}")
    assert (judged.code, len(judged.report["dismissed"])) == (0, 2)
    assert SECRET not in (project.repo.path / ".ralph-hooks/dismissed.toml").read_text()
    assert project.run("dismiss", "--prune").code == 0
    assert remote.push("v1").code == 0


# Commands


def verifying(command: str, on: str = '["pre-commit", "pre-push"]', rest: str = "") -> str:
    return f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ['''{command}''']\non = {on}\n{rest}"


@pytest.fixture
def tested(project: Project, remote: Remote) -> Project:
    """A project whose command fails where a.py holds ``broken``, and leaves a line in ``ran`` of the home each time."""
    ran = project.home / "ran"
    project.models(analyst())
    script = f"import sys\nopen({str(ran)!r}, 'a').write('x')\nsys.exit('broken' in open('a.py').read())\n"
    project.repo.commit({"check.py": script, "a.py": "fine = 1\n"})
    project.configure(verifying(f"{sys.executable} check.py"))
    assert project.run("trust", "--yes").code == 0
    remote.accept("main")
    return project


def runs(project: Project) -> int:
    path = project.home / "ran"
    return len(path.read_text()) if path.exists() else 0


def test_commands_run_on_exactly_the_pushed_tree(tested: Project, remote: Remote) -> None:
    tested.repo.commit({"a.py": "broken = 1\n"})
    tested.repo.commit({"a.py": "fine = 4\n"})
    tested.repo.stage({"a.py": "fine = 5\n"})
    judged = remote.push("HEAD~1:refs/heads/main")
    assert (judged.code, judged.report["verification"][0]["exit_code"]) == (1, 1)
    tested.repo.write({"a.py": "broken = 1\n"})
    assert remote.push("HEAD:refs/heads/main").code == 0


def test_what_the_gate_has_run_is_not_run_again(tested: Project, remote: Remote) -> None:
    remote.commit_judged({"a.py": "fine = 2\n"})
    assert runs(tested) == 1
    judged = remote.push("main")
    (verification,) = judged.report["verification"]
    assert (judged.code, verification["verdict"], verification["from_store"], runs(tested)) == (0, "pass", True, 1)
    assert "in an earlier run" in tested.run("show").out


def test_the_same_tree_on_the_way_to_another_remote_runs_nothing(tested: Project, remote: Remote) -> None:
    tested.repo.commit({"a.py": "fine = 2\n"})
    first = remote.push("main")
    assert runs(tested) == 1
    assert first.sent
    again = remote.push("main:refs/heads/elsewhere")
    assert (again.code, again.sent, runs(tested)) == (0, [], 1)
    assert again.report["new_commits"] == 0


def test_a_command_that_failed_is_run_again(tested: Project, remote: Remote) -> None:
    tested.repo.commit({"a.py": "broken = 1\n"})
    assert (remote.push("main").code, remote.push("main").code, runs(tested)) == (1, 1, 3)  # and once on the base


def test_another_command_on_the_same_tree_is_run(tested: Project, remote: Remote) -> None:
    remote.commit_judged({"a.py": "fine = 2\n"})
    tested.repo.write({"pyproject.toml": verifying(f"{sys.executable} -B check.py")})
    assert tested.run("trust", "--yes").code == 0
    assert remote.push("main").report["verification"][0]["from_store"] is False
    assert runs(tested) == 2


def test_who_asks_for_the_commands_alone_sees_them_run(tested: Project, remote: Remote) -> None:
    remote.commit_judged({"a.py": "fine = 2\n"})
    tested.repo.stage({"a.py": "fine = 3\n"})
    assert (tested.run("verify").code, tested.run("verify").code) == (0, 0)
    assert runs(tested) == 3


def test_failures_that_the_base_has_too_are_known_for_that_base_alone(project: Project, remote: Remote) -> None:
    project.models(analyst())
    ran = project.home / "ran"
    script = (
        f"import sys\nopen({str(ran)!r}, 'a').write('x')\n"
        'case = \'<testcase classname="t" name="old"><failure/></testcase>\'\n'
        "open(sys.argv[1], 'w').write(f'<testsuite>{case}</testsuite>')\nsys.exit(1)\n"
    )
    project.repo.commit({"check.py": script})
    project.configure(verifying(f"{sys.executable} check.py {{junit}}"))
    assert project.run("trust", "--yes").code == 0
    remote.accept("main")
    project.repo.commit({"a.py": "a = 1\n"})
    judged = remote.push("main")
    assert (judged.code, judged.report["verification"][0]["known_failures"]) == (0, ["t::old"])
    assert runs(project) == 2  # the tree and its base
    assert remote.push("main").report["verification"][0]["from_store"] is True
    remote.accept("main")
    project.repo.git("checkout", "--quiet", "--orphan", "root")
    project.repo.commit()
    assert remote.push("root").report["verification"][0]["from_store"] is False


def test_invariants_are_put_as_claims_once(project: Project, remote: Remote) -> None:
    server = project.models(analyst(holds=lambda claim: "eval" not in claim))
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.verify]\ninvariants = ["there is no eval"]\n')
    remote.accept("main")
    project.repo.commit({"a.py": "eval(input())\n"})
    judged = remote.push("main")
    assert (judged.code, [finding["category"] for finding in judged.blocking]) == (1, ["invariant"])
    assert phases(server.requests) == ["analyze", "verify"]
    assert remote.push("main").sent == []


def test_untrusted_commands_hold_a_push_back_but_not_a_deletion(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.configure(verifying("touch ran"))
    done = remote.hook("main")
    assert (done.code, "not approved" in done.err) == (4, True)
    remote.accept("main:refs/heads/old")
    assert remote.hook(":refs/heads/old").code == 0


# Several refs


def test_each_ref_is_judged_and_findings_name_theirs(tested: Project, remote: Remote) -> None:
    server = tested.models(analyst(EVAL))
    tested.repo.commit({"low.py": "eval(input())\n"})
    tested.repo.git("checkout", "--quiet", "-b", "topic")
    tested.repo.commit({"high.py": "eval(input())\n", "a.py": "broken = 1\n"})
    judged = remote.push("topic", "main", ":refs/heads/none")
    assert judged.code == 1
    assert [(f["path"], f["message"]) for f in judged.blocking] == [
        ("high.py", "Runs what the user typed. (in topic)"),
        ("low.py", "Runs what the user typed. (in main)"),
    ]
    assert [(run["ref"], run["verdict"]) for run in judged.report["verification"]] == [
        ("main", "pass"),
        ("topic", "fail"),
    ]
    assert judged.report["tree"] == tested.repo.tree("main")
    assert [(ref["ref"], ref["commits"], ref["verdict"]) for ref in judged.report["refs"]] == [
        ("refs/heads/main", 1, "fail"),
        ("refs/heads/topic", 1, "fail"),
        ("refs/heads/none", 0, None),
    ]
    assert sum("low.py" in request.prompt for request in server.requests if request.phase == "analyze") == 1
    text = tested.run("show").out
    assert "(topic: exit 1" in text


def test_each_ref_is_judged_by_the_settings_of_its_own_base(project: Project, remote: Remote) -> None:
    project.configure(f'{TWO_LINES}[tool.ralph-hooks.review]\nguidelines = ["REVIEW.md"]\n')
    server = project.models(analyst())
    repo = project.repo
    start = repo.git("rev-parse", "HEAD")
    for branch, ignored in (("next", "F821"), ("main", "")):
        repo.git("checkout", "-q", "-B", branch, start)
        repo.commit(
            {"ruff.toml": f"[lint]\nignore = ['{ignored}']\n" if ignored else "", "REVIEW.md": f"Of {branch}.\n"}
        )
        remote.accept(branch)
        repo.commit({f"{branch}.py": "print(nowhere)\n", "fine.py": f"{branch} = 1\n"})
    judged = remote.push("main", "next")
    assert [finding["path"] for finding in judged.blocking] == ["main.py"]
    asked = [request.prompt for request in server.requests if "fine.py" in request.prompt]
    assert sorted("Of main." in prompt for prompt in asked) == [False, True]
    assert sorted("Of next." in prompt for prompt in asked) == [False, True]


def test_refs_of_the_same_commit_are_judged_once(tested: Project, remote: Remote) -> None:
    tested.repo.commit({"a.py": "fine = 2\n"})
    tested.repo.git("tag", "-a", "-m", "one", "v1")
    judged = remote.push("main", "v1", "main:refs/heads/twin")
    assert (judged.code, judged.report["commits"], len(judged.sent), runs(tested)) == (0, 1, 1, 1)
    assert len(judged.report["refs"]) == 3


def test_a_tag_of_a_blob_is_scanned_and_no_command_runs_in_it(tested: Project, remote: Remote) -> None:
    blob = tested.repo.git("hash-object", "-w", "--stdin", stdin=f'key = "{SECRET}"\n'.encode())
    tested.repo.git("tag", "loose", blob)
    judged = remote.push("loose")
    assert (judged.code, [f["path"] for f in judged.blocking]) == (1, ["refs/tags/loose"])
    assert (judged.report["verification"], runs(tested)) == ([], 0)


# Past the commit hook


def test_commits_that_came_past_the_hook_are_counted_and_judged(project: Project, remote: Remote) -> None:
    project.models(analyst(EVAL))
    repo = project.repo
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({"side.py": "side = 1\n"})  # --no-verify
    picked = repo.commit({"picked.py": "eval(input())\n"})
    repo.git("checkout", "--quiet", "main")
    remote.commit_judged({"a.py": "a = 1\n"})
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", "side~1")
    judged = remote.push("main")
    assert (judged.code, judged.report["commits"], judged.report["new_commits"]) == (0, 3, 2)
    assert "3 commits, 2 files reviewed" in remote.hook("main").out  # now all of them were judged
    repo.git("cherry-pick", picked)
    judged = remote.push("main")
    assert (judged.code, judged.report["new_commits"]) == (1, 1)
    assert [finding["path"] for finding in judged.blocking] == ["picked.py"]


def test_an_amended_commit_is_known_by_its_steps(project: Project, remote: Remote) -> None:
    project.models(analyst())
    remote.commit_judged({"a.py": "a = 1\n"})
    remote.commit_judged({"a.py": "a = 2\n"}, "--amend")
    assert remote.push("main").report["new_commits"] == 0


def test_what_passed_with_other_settings_counts_as_new(project: Project, remote: Remote) -> None:
    project.models(analyst())
    remote.commit_judged({"a.py": "a = 1\n"})
    project.repo.write({"pyproject.toml": f'{TWO_LINES}[tool.ralph-hooks.gate]\nblock-at = "warning"\n'})
    assert remote.push("main").report["new_commits"] == 1


# The same verdict in CI


@pytest.mark.parametrize(
    "files",
    [
        [{"a.py": "a = 1\n"}],
        [{"a.py": "eval(input())\n"}],
        [{"a.py": f'key = "{SECRET}"\n'}, {"a.py": "key = 1\n"}],
        [{"a.py": "def f(:\n"}],
    ],
    ids=["clean", "bug", "secret in between", "syntax"],
)
def test_a_range_in_ci_gets_the_verdict_of_its_push(
    project: Project, remote: Remote, files: list[dict[str, str]]
) -> None:
    project.models(analyst(EVAL))
    base = project.repo.git("rev-parse", "HEAD")
    for each in files:
        project.repo.commit(each)
    pushed = remote.push("main")
    ranged = project.judge("--from-ref", base, "--to-ref", "main")
    same = ("verdict", "exit_code", "tree", "findings", "unreviewed", "paths", "commits", "reason")
    assert {name: ranged.report[name] for name in same} == {name: pushed.report[name] for name in same}
    assert ranged.sent == []


def test_an_outage_in_ci_holds_back_as_the_push_would(project: Project) -> None:
    project.models(Reply.status(500))
    project.repo.commit({"a.py": "a = 1\n"})
    assert project.judge("--from-ref", "HEAD~1").code == 3
