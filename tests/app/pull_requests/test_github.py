"""The pull request of a job on GitHub."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralph_hooks.app.pull_requests.github import place


@pytest.mark.parametrize(("event", "number"), [('{"number": 7}', 7), ("{}", 0), ("[", 0), ('{"number": "x"}', 0)])
def test_number_is_that_of_the_event(tmp_path: Path, event: str, number: int) -> None:
    path = tmp_path / "event.json"
    path.write_text(event)
    environ = {"GITHUB_EVENT_PATH": str(path), "GITHUB_REPOSITORY": "me/shop", "GH_TOKEN": "t"}
    where = place(environ, None)
    assert (where.project, where.number, where.token, where.token_name) == ("me/shop", number, "t", "GH_TOKEN")
    assert place(environ, 9).number == 9


def test_without_a_token_the_usual_name_is_told() -> None:
    where = place({}, 5)
    assert (where.api, where.token, where.token_name) == ("https://api.github.com", "", "GITHUB_TOKEN")
