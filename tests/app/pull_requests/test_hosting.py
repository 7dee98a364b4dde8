"""The service's API and its token."""

from __future__ import annotations

import pytest

from tests.support.hosting import Hosting
from tests.support.project import Project


def test_a_token_without_rights_is_named_and_never_shown(
    project: Project, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.setenv(name, "another-made-up-token")
    done = project.run("comment")
    assert done.code == 2
    assert "_TOKEN lacks the permission (HTTP 401)" in done.err
    assert "another-made-up-token" not in done.err
    for name in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.delenv(name)
    assert "there is no token" in project.run("comment").err
    assert hosting.comments == []
