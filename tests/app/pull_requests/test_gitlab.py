"""The merge request of a job on GitLab."""

from __future__ import annotations

import pytest

from ralph_hooks.app.pull_requests.gitlab import place


@pytest.mark.parametrize(("told", "number"), [("7", 7), ("", 0), ("x", 0)])
def test_number_is_that_of_the_pipeline(told: str, number: int) -> None:
    environ = {"CI_MERGE_REQUEST_IID": told, "CI_PROJECT_ID": "12", "GITLAB_TOKEN": "t"}
    where = place(environ, None)
    assert (where.project, where.number, where.token) == ("12", number, "t")
    assert where.api == "https://gitlab.com/api/v4"
    assert place(environ, 9).number == 9
