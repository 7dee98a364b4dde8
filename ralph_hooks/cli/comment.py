"""``ralph-hooks comment``."""

from __future__ import annotations

import os

import click

from ralph_hooks.app.context import load_context, open_state
from ralph_hooks.app.pull_requests.comment import find_place, remarked, write
from ralph_hooks.core.text import plural
from ralph_hooks.errors import RalphError
from ralph_hooks.reports import markdown, wording
from ralph_hooks.store.reports import Reports

HELP = """\
Post the last report, or the one whose id starts with ID, on the pull request (GitHub) or merge request (GitLab) of this
job: one comment that every run updates, and one comment on each line with a finding.

The request is read from the variables of GitHub Actions or GitLab CI, the token from GITHUB_TOKEN or GITLAB_TOKEN.
Outside CI nothing is sent: the comment is only shown. This command does not repeat the gate's verdict; it fails only if
it cannot write.

\b
Examples:
  ralph-hooks comment              in a job, after the gate has reviewed the range
  ralph-hooks comment --dry-run    show it
  GITHUB_REPOSITORY=me/shop ralph-hooks comment --number 7 --post
"""


@click.command("comment", help=HELP)
@click.argument("id_", metavar="[ID]", required=False)
@click.option(
    "--number",
    type=click.IntRange(min=1),
    help="Number of the pull or merge request; default: from the job's variables.",
)
@click.option("--post/--dry-run", default=None, help="Post the comment, or only show it (default: post in CI only).")
def command(*, id_: str | None, number: int | None, post: bool | None) -> None:
    """Find the report and post it, or show it."""
    from ralph_hooks.app.repair.on_failure import in_ci

    context = load_context()
    with open_state(context.home) as state:
        reports = Reports(state.database, context.known_as())
        found = reports.get(id_) if id_ else reports.last()
    if found is None:
        raise RalphError("no change in this repository was reviewed yet", "ralph-hooks gate --from-ref A --to-ref B")
    report = found.report
    if not (in_ci() if post is None else post):
        click.echo(markdown.render(report))
        for finding in remarked(report):
            click.echo(f"On {wording.place(finding)}:\n{markdown.remark(finding)}")
        click.echo("Nothing was sent. Use `--post` to post it.", err=True)
        return
    place = find_place(os.environ, number)
    if place is None:
        if post:
            raise RalphError("this job does not belong to a pull or merge request", "give the number with --number N")
        click.echo("This job does not belong to a pull or merge request: nothing was sent.", err=True)
        return
    written = write(place, context.settings.proxy, context.repository, report)
    done = [plural(written.remarks, "new remark")]
    done += [f"{written.known} already there"] if written.known else []
    done += [f"{written.elsewhere} on lines outside the diff"] if written.elsewhere else []
    click.echo(f"{place.told}: comment {'updated' if written.updated else 'written'}, {', '.join(done)}.")
