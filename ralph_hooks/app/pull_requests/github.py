"""GitHub: https://docs.github.com/en/rest/issues/comments and https://docs.github.com/en/rest/pulls/comments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ralph_hooks.app.pull_requests.hosting import Api, Place
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.finding import Finding

_RIGHTS = "the job needs `permissions: pull-requests: write`; runs from forks do not get this permission"
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_NO_SUCH_LINE = (422,)


class _Event(msgspec.Struct, frozen=True):
    number: int = 0


def place(environ: Mapping[str, str], number: int | None) -> Place:
    """Return the pull request of the job, from the variables of GitHub Actions.

    The number is 0 if none is named.
    """
    name = next((name for name in ("GITHUB_TOKEN", "GH_TOKEN") if environ.get(name)), "GITHUB_TOKEN")
    return Place(
        service="github",
        api=environ.get("GITHUB_API_URL") or "https://api.github.com",
        project=environ.get("GITHUB_REPOSITORY", ""),
        number=number or _number(environ.get("GITHUB_EVENT_PATH", "")),
        token=environ.get(name, ""),
        token_name=name,
    )


def _number(event: str) -> int:
    try:
        return from_json(Path(event).read_bytes(), _Event).number if event else 0
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


class GitHub:
    """An implementation of `hosting.Service` for GitHub."""

    def __init__(self, where: Place, proxy: str) -> None:
        headers = {
            "Authorization": f"Bearer {where.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._api = Api(where, headers, proxy, _RIGHTS)
        self._repository = f"/repos/{where.project}"
        self._issue = f"{self._repository}/issues/{where.number}/comments"
        self._pull = f"{self._repository}/pulls/{where.number}"
        self._head = ""

    def head(self) -> str:
        """Return the commit that the request would merge."""
        if not self._head:
            self._head = str(self._api.get(self._pull)["head"]["sha"])
        return self._head

    def summary(self, marker: str) -> int | None:
        """Return the id of our comment; a comment by another user is never ours, whatever its content."""
        for comment in self._api.pages(self._issue):
            if str(comment.get("body")).startswith(marker) and _ours(comment):
                return int(comment["id"])
        return None

    def write(self, comment: int | None, text: str) -> None:
        """Update ``comment``, or write a new one."""
        if comment is None:
            self._api.send("POST", self._issue, {"body": text})
        else:
            self._api.send("PATCH", f"{self._repository}/issues/comments/{comment}", {"body": text})

    def remarks(self) -> str:
        """Return all remarks on lines, joined."""
        return "\n".join(str(each.get("body")) for each in self._api.pages(f"{self._pull}/comments") if _ours(each))

    def remark(self, finding: Finding, text: str) -> bool:
        """Write ``text`` on the line of ``finding``; False if the service has no such line in the diff."""
        side = "LEFT" if finding.removed else "RIGHT"
        body: dict[str, Any] = {"body": text, "commit_id": self.head(), "path": finding.path, "side": side}
        if finding.end_line > finding.line:
            body |= {"start_line": finding.line, "start_side": side}
        body["line"] = max(finding.line, finding.end_line)
        return self._api.send("POST", f"{self._pull}/comments", body, or_not=_NO_SUCH_LINE)


def _ours(comment: Any) -> bool:  # noqa: ANN401 - a JSON value
    by_program = (comment.get("user") or {}).get("type") == "Bot"
    return by_program or comment.get("author_association") in _TRUSTED
