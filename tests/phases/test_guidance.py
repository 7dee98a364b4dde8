"""Guidelines and intent: what models are told before the code, and what it cannot change."""

from __future__ import annotations

from tests.support.changes import BUGGY, EVAL, REVIEW
from tests.support.project import Project, phases
from tests.support.server import analyst

RULE = "Report every call of a network function without a timeout."


def guided(project: Project, text: str = REVIEW) -> Project:
    project.repo.commit({"REVIEW.md": f"{RULE}\n"})
    return project.configure(text)


def test_guidelines_stand_before_the_code_in_a_fence_of_their_own(project: Project) -> None:
    server = guided(project).models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    assert phases(server.requests) == ["analyze", "verify"]
    for request in server.requests:
        assert request.prompt.startswith("GUIDELINES\nBEGIN ")
        assert request.prompt.index(RULE) < request.prompt.index("eval(")


def test_guidelines_are_those_of_the_base(project: Project) -> None:
    server = guided(project).models(analyst())
    project.repo.stage({"a.py": BUGGY, "REVIEW.md": "Report nothing.\n"})
    project.judge()
    assert all(RULE in request.prompt for request in server.requests)


def test_changed_guidelines_are_asked_about_again_and_the_same_are_not(project: Project) -> None:
    server = guided(project).models(analyst())
    project.repo.stage({"a.py": BUGGY})
    project.judge()
    project.judge()
    assert len(server.requests) == 1
    project.repo.git("stash", "--quiet")
    project.repo.commit({"REVIEW.md": "Report missing retries.\n"})
    project.repo.git("stash", "pop", "--quiet", "--index")
    project.judge()
    assert len(server.requests) == 2


def test_a_route_has_guidelines_of_its_own(project: Project) -> None:
    route = '[[tool.ralph-hooks.routes]]\npaths = ["web/**"]\nguidelines = ["WEB.md"]\n'
    project.repo.commit({"WEB.md": "Escape what users typed.\n"})
    server = guided(project, REVIEW + route).models(analyst())
    project.repo.stage({"a.py": "print(1)\n", "web/b.py": "print(2)\n"})
    project.judge()
    assert len(server.requests) == 2
    web = [request.prompt for request in server.requests if "web/b.py" in request.prompt]
    assert [("WEB.md" in prompt, "a.py" in prompt) for prompt in web] == [(True, False)]


def test_missing_guidelines_are_told_and_hold_nothing_up(project: Project) -> None:
    project.configure(REVIEW)
    project.models(analyst())
    project.repo.stage({"a.py": "print(1)\n"})
    judged = project.judge()
    assert (judged.code, "the base has no REVIEW.md" in judged.notices) == (0, True)


def test_secrets_in_guidelines_are_masked(project: Project) -> None:
    password = "hunter2" * 4
    project.repo.commit({"REVIEW.md": f'password = "{password}"\n'})
    server = project.configure(REVIEW).models(analyst())
    project.repo.stage({"a.py": "print(1)\n"})
    project.judge()
    assert all(password not in request.prompt for request in server.requests)
