"""Two runs on the same change: the second waits and works from what the first has found."""

from __future__ import annotations

from tests.support.patience import PATIENCE
from tests.support.project import Project
from tests.support.running import started, until
from tests.support.server import Reply, Request, analyst


def test_a_second_gate_waits_and_works_from_what_the_first_has_found(project: Project) -> None:
    """Two runs on the same change at the same time pay once."""
    let_go = project.repo.path.parent / "let-go"
    answer = analyst()

    def patient(request: Request) -> Reply:
        until(let_go.exists)
        return answer(request)

    server = project.models(patient)
    project.repo.stage({"a.py": "a = 1\n"})
    with started(project, "gate") as first:
        until(lambda: server.requests)
        with started(project, "gate") as second:
            assert second.stderr is not None
            assert b"another run is reviewing the same change" in second.stderr.readline()
            let_go.write_text("now")
            assert first.wait(PATIENCE) == 0
            out, _ = second.communicate(timeout=PATIENCE)
            assert second.returncode == 0
            assert b"cached, no requests" in out
    assert len(server.requests) == 1


def test_a_gate_that_was_killed_keeps_nobody_waiting(project: Project) -> None:
    hanging = project.models(Reply.hang())
    project.repo.stage({"a.py": "a = 1\n"})
    with started(project, "gate") as first:
        until(lambda: hanging.requests)
        first.kill()
        first.wait()
    project.models(analyst())
    judged = project.judge()
    assert (judged.code, "another run" in judged.err) == (0, False)


def test_another_change_waits_for_nobody(project: Project) -> None:
    hanging = project.models(Reply.hang())
    project.repo.stage({"a.py": "a = 1\n"})
    with started(project, "gate"):
        until(lambda: hanging.requests)
        project.models(analyst())
        project.repo.stage({"b.py": "b = 1\n"})
        judged = project.judge()
        assert (judged.code, "another run" in judged.err) == (0, False)
