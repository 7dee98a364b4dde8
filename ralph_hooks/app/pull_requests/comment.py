"""The report as one updated comment, and a remark on each line with a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ralph_hooks.app.pull_requests import github, gitlab
from ralph_hooks.app.pull_requests.github import GitHub
from ralph_hooks.app.pull_requests.gitlab import GitLab
from ralph_hooks.app.pull_requests.hosting import Place, Service
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.report import Report
from ralph_hooks.errors import RalphError
from ralph_hooks.git.snapshot import Repository, resolve
from ralph_hooks.reports import markdown, wording

_REMARKS = 20  # remarks on lines: each notifies every subscriber of the request


class Written(Struct, frozen=True):
    """The result of writing a report."""

    updated: bool
    """False if the comment is new."""
    remarks: int
    known: int
    """The number of findings that already had a remark."""
    elsewhere: int
    """The number of findings on lines that the service does not show; they are in the comment."""


def find_place(environ: Mapping[str, str], number: int | None) -> Place | None:
    """Return the pull or merge request of this job; None if it has none.

    Raises RalphError outside a job.
    """
    found = gitlab.place(environ, number) if environ.get("GITLAB_CI") else github.place(environ, number)
    if not found.project:
        raise RalphError(
            "cannot tell which pull request is meant: this is not a GitHub Actions or GitLab CI job",
            "set GITHUB_REPOSITORY=OWNER/NAME and give --number N",
        )
    return found if found.number else None


def remarked(report: Report) -> Sequence[Finding]:
    """Return the findings that get a remark on their line, blocking ones first."""
    return (*wording.blockers(report), *wording.advice(report))[:_REMARKS]


def write(place: Place, proxy: str, repository: Repository, report: Report) -> Written:
    """Write ``report`` to the request. Raises RalphError if it is about another change or cannot be written."""
    if not place.token:
        raise RalphError(f"{place.told}: there is no token", f"set {place.token_name}")
    service: Service = GitLab(place, proxy) if place.service == "gitlab" else GitHub(place, proxy)
    try:
        return _write(service, place, repository, report)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RalphError(
            f"{place.told} sent a reply that does not match its API", "check the URL of the API"
        ) from error


def _write(service: Service, place: Place, repository: Repository, report: Report) -> Written:
    _is_about(report, repository, service.head(), place)
    comment = service.summary(markdown.MARKER)
    service.write(comment, markdown.render(report))
    there = service.remarks()
    fresh = [finding for finding in remarked(report) if markdown.mark(finding) not in there]
    done = [service.remark(finding, markdown.remark(finding)) for finding in fresh]
    return Written(
        updated=comment is not None,
        remarks=sum(done),
        known=len(remarked(report)) - len(fresh),
        elsewhere=len(done) - sum(done),
    )


def _is_about(report: Report, repository: Repository, head: str, place: Place) -> None:
    """Raise RalphError if the last report is not about that of ``head``; a commit unknown here is accepted."""
    (tree,) = resolve(repository, [f"{head}^{{tree}}"])
    if tree not in {None, report.tree}:
        raise RalphError(
            f"the last report is not about {head[:12]}, the head commit of {place.told}",
            f"review it first: ralph-hooks gate --from-ref BASE --to-ref {head[:12]}",
        )
