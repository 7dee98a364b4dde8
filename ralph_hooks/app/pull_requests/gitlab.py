"""GitLab: https://docs.gitlab.com/api/notes/ and https://docs.gitlab.com/api/discussions/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ralph_hooks.app.pull_requests.hosting import Api, Place, escaped
from ralph_hooks.core.finding import Finding
from ralph_hooks.errors import RalphError

_RIGHTS = "it needs a project access token with the scope `api` (the job's own token may not write comments)"
_NO_SUCH_LINE = (400, 422)


def place(environ: Mapping[str, str], number: int | None) -> Place:
    """Return the merge request of the job, from GitLab's variables; the number is 0 if none is named."""
    told = environ.get("CI_MERGE_REQUEST_IID", "")
    return Place(
        service="gitlab",
        api=environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
        project=environ.get("CI_PROJECT_PATH") or environ.get("CI_PROJECT_ID", ""),
        number=number or (int(told) if told.isdecimal() else 0),
        token=environ.get("GITLAB_TOKEN", ""),
        token_name="GITLAB_TOKEN",  # noqa: S106 - a variable's name
    )


class GitLab:
    """An implementation of `hosting.Service` for GitLab."""

    def __init__(self, where: Place, proxy: str) -> None:
        self._api = Api(where, {"PRIVATE-TOKEN": where.token}, proxy, _RIGHTS)
        self._told = where.told
        self._request = f"/projects/{escaped(where.project)}/merge_requests/{where.number}"
        self._version: dict[str, Any] = {}

    def head(self) -> str:
        """Return the commit that the request would merge."""
        return str(self._newest()["head_commit_sha"])

    def summary(self, marker: str) -> int | None:
        """Return the id of our comment; a comment by another user is never ours, whatever its content."""
        return next((int(note["id"]) for note in self._ours() if str(note.get("body")).startswith(marker)), None)

    def write(self, comment: int | None, text: str) -> None:
        """Update ``comment``, or write a new one."""
        if comment is None:
            self._api.send("POST", f"{self._request}/notes", {"body": text})
        else:
            self._api.send("PUT", f"{self._request}/notes/{comment}", {"body": text})

    def remarks(self) -> str:
        """Return all remarks on lines, joined."""
        return "\n".join(str(note.get("body")) for note in self._ours())

    def remark(self, finding: Finding, text: str) -> bool:
        """Write ``text`` on the line of ``finding``; False if the service has no such line in the diff."""
        version = self._newest()
        position: dict[str, Any] = {
            "position_type": "text",
            "base_sha": version["base_commit_sha"],
            "start_sha": version["start_commit_sha"],
            "head_sha": version["head_commit_sha"],
            "old_path": finding.path,
            "new_path": finding.path,
            "old_line" if finding.removed else "new_line": finding.line,
        }
        body = {"body": text, "position": position}
        return self._api.send("POST", f"{self._request}/discussions", body, or_not=_NO_SUCH_LINE)

    def _newest(self) -> dict[str, Any]:
        if not self._version:
            versions = self._api.get(f"{self._request}/versions")
            if not versions:
                raise RalphError(f"{self._told} has no commits yet", "push some")
            self._version = versions[0]
        return self._version

    def _ours(self) -> Iterator[Any]:
        me = self._api.get("/user")["id"]
        for note in self._api.pages(f"{self._request}/notes"):
            if (note.get("author") or {}).get("id") == me:
                yield note
