"""``ralph-hooks pre-push``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ralph_hooks.app.context import load_context
from ralph_hooks.app.wiring import open_push
from ralph_hooks.cli.shared.review_command import emit, report_options
from ralph_hooks.config import Stage
from ralph_hooks.core.push import short
from ralph_hooks.engine.review.gate import Scope
from ralph_hooks.errors import RalphError
from ralph_hooks.git import push

HELP = """\
Review what a push would send: the net change of each ref by checks, models and your verify commands, and every single
commit by the secret scan. It runs in git's pre-push hook (`ralph-hooks install` writes it) and reads git's lines on
standard input; under pre-commit it reviews the one ref that pre-commit passes on. It reviews the commits that no
remote has yet, by object ids; HEAD and the working tree do not matter. Deleted refs pass.

\b
Examples:
  exec ralph-hooks pre-push "$@"                       in .git/hooks/pre-push
  ralph-hooks gate --from-ref origin/main              review the same range without a push
"""


_ONE_REF = (
    "pre-commit and prek pass on only one of the pushed refs: {ref} was reviewed; the native hook reviews all "
    "of them (`ralph-hooks install`)"
)
_NO_REF = (
    "standard input named no pushed ref: if you are pushing one, your hook manager does not pass git's lines on "
    "(lefthook does with `use_stdin: true`)"
)


@click.command("pre-push", help=HELP)
@click.argument("remote", required=False)
@click.argument("url", required=False)
@report_options
def command(*, remote: str | None, url: str | None, format_: str, output: Path | None) -> int:
    """Determine the pushed refs and judge them."""
    updates = push.read_updates(_standard_input())
    context = load_context()
    notices: tuple[str, ...] = ()
    if not updates:
        only = push.framework_update(context.repository, os.environ)
        updates = (only,) if only else ()
        notices = (_ONE_REF.format(ref=short(only.remote_ref)) if only else _NO_REF,)
    name = remote or url or os.environ.get(push.REMOTE_NAME) or "a remote"
    pushed = push.pushed(context.repository, updates, name)
    scope = Scope.REVIEW | Scope.COMMANDS if Stage.PRE_PUSH in context.settings.verify.on else Scope.REVIEW
    with open_push(context, "pre-push", pushed) as gate:
        report = gate.judge("pre-push", pushed, scope, notices)
        if report.exit_code:
            from ralph_hooks.app.repair.on_failure import follow_up_push

            report = follow_up_push(context, report, pushed)
    return emit(report, format_, output)


def _standard_input() -> bytes:
    """Return git's input; empty under pre-commit, which does not pass it on.

    Raises RalphError if standard input is a terminal.
    """
    if sys.stdin is None:  # closed by the parent process
        return b""
    if sys.stdin.isatty() and "PRE_COMMIT" not in os.environ:
        raise RalphError(
            "pre-push reads git's lines on standard input, but standard input is a terminal",
            "to review a range, run `ralph-hooks gate --from-ref A --to-ref B`; `ralph-hooks install` writes the hook",
        )
    return sys.stdin.buffer.read()
