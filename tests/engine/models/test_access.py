"""What a repair may send."""

from __future__ import annotations

import random

from tests.support.credentials import ALNUM, draw
from tests.support.fixing import (
    MENDS,
    TESTS,
    WORSENS,
    WRONG,
    mend,
    with_tests,
)
from tests.support.project import Project, phases
from tests.support.repairs import Crew, repair


def test_secrets_in_failing_output_are_masked_for_every_model(project: Project) -> None:
    key = "sk-proj-" + draw(random.Random(3), ALNUM, 48)
    crew = Crew(implement=[repair(WORSENS)], fix=[repair(("area.py", "a - b", "a * b"))])
    server = with_tests(project, crew)
    project.repo.commit({"test_area.py": f"import base64\nprint('api_key =', {key[::-1]!r}[::-1])\n{TESTS}"})
    project.repo.stage({"area.py": WRONG})
    judged = mend(project)
    assert judged.code == 0
    told = [request.raw.decode() for request in server.requests if request.phase in {"plan", "implement", "fix"}]
    assert len(told) == 3
    assert all("api_key" in raw and "<secret-" in raw for raw in told)
    assert key not in "".join(request.raw.decode() for request in server.requests)


def test_a_secret_in_the_change_ends_it_before_anything_is_sent(project: Project) -> None:
    key = draw(random.Random(5), ALNUM, 40)
    server = with_tests(project, Crew(implement=[repair(MENDS)]))
    project.repo.stage({"key.py": f'aws_secret_access_key = "{key}"\n'})
    judged = mend(project)
    assert judged.code == 1
    assert "the change contains a secret; nothing was sent. Revoke it" in judged.notices
    assert {"plan", "implement", "fix"}.isdisjoint(phases(server.requests))
