"""What a push is judged by: its net change, every single commit, commands on its tree, what is known already."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
import sys

import pytest

from tests.support.credentials import SERVICES
from tests.support.project import TWO_LINES, Project, phases
from tests.support.push import Remote
from tests.support.server import Finds, Reply, analyst

SECRET = SERVICES["Stripe"](random.Random(4))
EVAL = Finds("eval(", "Runs what the user typed.")


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


def test_a_secret_that_a_later_commit_takes_out_holds_the_push_back(project: Project, remote: Remote) -> None:
    project.models(analyst())
    leaky = project.repo.commit({"a.py": f'key = "{SECRET}"\n'})
    project.repo.commit({"a.py": "key = 1\n"})
    judged = remote.push("main")
    assert judged.code == 1
    (finding,) = judged.blocking
    assert (finding["category"], finding["path"], finding["line"]) == ("secret", "a.py", 1)
    assert f"commit {leaky[:10]} added it" in finding["message"]
    assert SECRET not in str(judged.report)


def test_a_secret_that_is_still_there_is_told_once_and_never_sent(project: Project, remote: Remote) -> None:
    server = project.models(analyst())
    project.repo.commit({"a.py": f'key = "{SECRET}"\n', "b.py": "b = 1\n"})
    project.repo.commit({"c.py": "c = 1\n"})
    judged = remote.push("main")
    assert [finding["path"] for finding in judged.blocking] == ["a.py"]
    assert "added it" not in judged.blocking[0]["message"]
    assert server.requests
    assert all(SECRET not in request.prompt for request in server.requests)


def test_a_mark_that_a_later_commit_adds_excuses_the_same_value_and_no_other(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"a.py": f'key = "{SECRET}"\n'})
    project.repo.commit({"a.py": f'key = "{SECRET}"  # pragma: allowlist secret\n'})
    assert remote.push("main").code == 0
    other = SERVICES["Stripe"](random.Random(5))
    project.repo.commit({"a.py": f'key = "{other}"  # pragma: allowlist secret\n'})
    assert [finding["path"] for finding in remote.push("main").blocking] == ["a.py"]


def test_a_secret_in_a_file_that_was_only_ever_between_two_commits_is_found(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"keys/dump.lock": f'key = "{SECRET}"\n'})
    project.repo.commit({"keys/dump.lock": None})
    judged = remote.push("main")
    assert (judged.code, [finding["path"] for finding in judged.blocking]) == (1, ["keys/dump.lock"])
    assert judged.report["paths"] == 0


def test_a_secret_that_a_merge_smuggles_in_is_found_and_one_that_the_remote_has_is_not(
    project: Project, remote: Remote
) -> None:
    project.models(analyst())
    repo = project.repo
    repo.commit({"a.py": "a = 1\n"})
    remote.accept("main")
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit({"a.py": "a = 2\n"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.py": f'a = "{SECRET}"\n'})
    remote.accept("main")  # past the gate: what is there cannot be held back any more
    repo.git("checkout", "--quiet", "topic")
    repo.try_git("merge", "main")
    repo.commit({"a.py": f'a = "{SECRET}"\nb = 2\n'})
    assert remote.push("topic").blocking == []
    other = SERVICES["GitHub"](random.Random(4))
    repo.stage({"a.py": f'a = "{SECRET}"\nb = "{other}"\n'})
    repo.git("commit", "--quiet", "--amend", "--no-verify", "--no-edit")
    assert [(f["path"], f["line"]) for f in remote.push("topic").blocking] == [("a.py", 2)]


def test_a_secret_in_the_message_of_any_commit_holds_the_push_back(project: Project, remote: Remote) -> None:
    server = project.models(analyst())
    first = project.repo.commit({"a.py": "a = 1\n"}, message=f"Add a\n\nit logs in with {SECRET} for now")
    project.repo.commit({"a.py": "a = 2\n"})
    judged = remote.push("main")
    assert judged.code == 1
    (finding,) = judged.blocking
    assert (finding["path"], finding["line"], finding["category"]) == (f"commit {first[:10]}", 3, "secret")
    assert finding["quote"] == "it logs in with <secret> for now"
    assert f"git rebase -i {first[:10]}^" in finding["message"]
    assert SECRET not in json.dumps(judged.report) + "".join(request.prompt for request in server.requests)
    project.repo.git("reset", "--quiet", "--soft", "HEAD~2")
    project.repo.commit(message="Add a")
    assert remote.push("main").code == 0


def test_the_author_can_say_that_what_a_message_holds_is_no_secret(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.repo.commit({"a.py": "a = 1\n"}, message=f"Add a\n\nfor {SECRET}  # pragma: allowlist secret")
    assert remote.push("main").code == 0


def named(project: Project, where: str) -> str:
    """Put a credential ``where`` it is no content of a file; the ref to push."""
    repo, link = project.repo, project.repo.path / "link"
    people = {"author": "GIT_AUTHOR_NAME", "address": "GIT_AUTHOR_EMAIL", "committer": "GIT_COMMITTER_NAME"}
    if where in people:
        repo.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "x", env={people[where]: f"for {SECRET} now"})
    elif where == "header":  # as that of a merged tag that is signed
        repo.commit({"a.py": "a = 1\n"})
        header, _, message = repo.git("cat-file", "commit", "HEAD").partition("\n\n")
        raw = (
            f"{header}\nmergetag object {repo.git('rev-parse', 'HEAD')}\n tag x\n \n the key is {SECRET}\n\n{message}\n"
        )
        repo.git("update-ref", "HEAD", repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode()))
    elif where == "branch":
        repo.git("checkout", "-q", "-b", f"fix/{SECRET}")
        repo.commit({"a.py": "a = 1\n"})
    elif "tag" in where:
        repo.git("tag", *(["-a", "-m", "x"] if "annotated" in where else []), SECRET)
    elif "name" in where:
        repo.commit({f"data/{SECRET}.bin": b"\0"})
    else:
        link.symlink_to(f"../{SECRET}/x")
        repo.stage()
        repo.commit()
    if "then" in where:
        repo.git("mv", f"data/{SECRET}.bin" if "name" in where else "link", "other.bin")
        if "link" in where:
            (repo.path / "other.bin").unlink()
            (repo.path / "other.bin").symlink_to("a.py")
        repo.stage()
        repo.commit()
    return SECRET if "tag" in where else repo.git("branch", "--show-current")


@pytest.mark.parametrize(
    "where",
    ["author", "address", "committer", "header", "branch", "tag", "annotated tag", "file name", "link target",
     "file name, then another", "link target, then another"],
)  # fmt: skip
def test_a_secret_in_what_is_no_content_holds_the_push_back(project: Project, remote: Remote, where: str) -> None:
    server = project.models(analyst())
    judged = remote.push(named(project, where))
    assert judged.code == 1
    assert {finding["category"] for finding in judged.blocking} == {"secret"}
    shown = project.run("show").out + project.run("show", "--list").out
    assert SECRET not in json.dumps(judged.report) + judged.err + shown + "".join(
        each.prompt for each in server.requests
    )


@pytest.mark.parametrize("where", ["file name", "link target"])
def test_a_secret_in_a_name_or_link_holds_a_commit_back(project: Project, where: str) -> None:
    server = project.models(analyst())
    if where == "file name":
        project.repo.stage({f"data/{SECRET}.py": "x = 1\n"})
    else:
        (project.repo.path / "link").symlink_to(f"../{SECRET}/x")
        project.repo.stage()
    judged = project.judge()
    (finding,) = judged.blocking
    assert (judged.code, finding["category"]) == (1, "secret")
    assert SECRET not in json.dumps(judged.report) + judged.err + "".join(each.prompt for each in server.requests)


@pytest.mark.parametrize("name", ["v2", "v1;x"])
def test_a_secret_in_the_text_of_a_tag_holds_it_back(project: Project, remote: Remote, name: str) -> None:
    """Also where the remote has the commit, and where the tag that is pushed stands for another."""
    project.models(analyst())
    project.repo.git("tag", "-a", "-m", f"First\n\nthe key is {SECRET}", "v1;x")
    project.repo.git("tag", "-a", "-m", "Again", "v2", "v1;x")
    judged = remote.push(name)
    assert judged.code == 1
    (finding,) = judged.blocking
    assert (finding["path"], finding["line"]) == (f"tag {name}", 3)
    assert f"git tag -f -a {shlex.quote(name)}`" in finding["message"]
    assert [ref["verdict"] for ref in judged.report["refs"]] == ["fail"]
    assert SECRET not in json.dumps(judged.report)


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


def test_a_message_that_is_known_is_not_read_again(project: Project, remote: Remote) -> None:
    project.models(analyst())
    for number in range(3):
        project.repo.commit({"a.py": f"a = {number}\n"}, message=f"Step {number}\n\nChange-Id: I{number:040x}")
    assert remote.push("main").code == 0
    args = [sys.executable, "-X", "importtime", "-m", "ralph_hooks", "pre-push", "origin", "url"]
    done = subprocess.run(
        args, cwd=project.repo.path, env=project.environ, input=remote.lines("main"), capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"detect_secrets" not in done.stderr


def test_a_message_that_is_too_long_to_scan_is_listed(project: Project, remote: Remote) -> None:
    project.models(analyst())
    oid = project.repo.commit({"a.py": "a = 1\n"}, message="long words " * 10_000)
    assert remote.push("main").unreviewed == {f"commit {oid[:10]}": "too large (0.1 MB)"}


def test_files_of_past_commits_that_cannot_be_scanned_are_listed(project: Project, remote: Remote) -> None:
    project.models(analyst())
    large = b"x" * 1_100_000
    project.repo.commit({"big.txt": large, "big.bin": b"\0" + large, "image.png": b"\0\1", "empty.txt": ""})
    project.repo.commit({"big.txt": None, "big.bin": None, "image.png": None, "empty.txt": None})
    listed = remote.push("main").unreviewed
    assert sorted(listed) == ["big.bin", "image.png"]  # a large text is scanned in pieces
    assert listed["big.bin"].startswith("too large (1.1 MB) (in commit ")
    assert remote.push("main").unreviewed == listed  # and from the cache too


def test_a_scan_that_the_deadline_ends_says_what_is_left(project: Project, remote: Remote) -> None:
    project.models(analyst())
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.push]\ndeadline = 0.000001\n")
    remote.accept("main")
    for number in range(3):
        project.repo.commit({"a.py": f"a = {number}\n"})
    judged = remote.push("main")
    assert (judged.code, judged.verdict) == (3, "inconclusive")
    assert "the secret scan did not reach 3 commits before the deadline" in judged.report["reason"]


def test_what_one_version_came_to_is_known_to_gate_and_push_alike(project: Project, remote: Remote) -> None:
    """A commit that the hook has scanned is not read again: the store holds it under the same key."""
    project.models(analyst())
    remote.commit_judged({"a.py": "a = 1\n"})
    blob = project.repo.git("rev-parse", "HEAD:a.py")
    (project.repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert remote.push("main").code == 0


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


def test_nothing_but_deletions_passes_without_asking(project: Project, remote: Remote) -> None:
    server = project.models(analyst(EVAL))
    remote.accept("main:refs/heads/old")
    judged = remote.push(":refs/heads/old")
    assert (judged.code, judged.verdict, server.requests) == (0, "pass", [])
    assert judged.report["tree"] == ""
    assert judged.report["refs"][0]["action"] == "delete"
    assert "PASS: nothing to review" in remote.hook(":refs/heads/old").out


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
