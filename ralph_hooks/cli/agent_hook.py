"""``ralph-hooks agent-hook``."""

from __future__ import annotations

import os
import sys

import click

from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS, Answer, Convention, HookCall, read_call
from ralph_hooks.app.agent_hooks.guard import Guard, one_at_a_time
from ralph_hooks.core.report import Report, Verdict
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import RalphError
from ralph_hooks.process import in_program

HELP = """\
Review the work of a coding agent when it finishes its turn. The agent calls this itself, from a hook that `ralph-hooks
install --agent NAME` adds to its settings.

It reads the agent's JSON on standard input, reviews all uncommitted changes, new files included, and answers in the
agent's format. A rejection sends the agent back to work with the report. A missing key, an outage or a mistake in the
configuration never does: you get a message, and the agent may end. The same files are never rejected twice, and an
agent is sent back at most three times in a row.

\b
Examples:
  ralph-hooks install --agent claude-code
  echo '{"cwd": "."}' | ralph-hooks agent-hook claude-code
"""
_MOST_INPUT = 16 * 1024 * 1024  # bytes


@click.command("agent-hook", help=HELP)
@click.argument("name", type=click.Choice(list(CONVENTIONS)))
def command(*, name: str) -> int:
    """Answer by the agent's convention, even after an error."""
    agent = CONVENTIONS[name]
    answer = Answer(stdout=agent.quiet)
    call = read_call(sys.stdin.buffer.read(_MOST_INPUT))
    # The process that started this agent (to answer or to repair) reviews its changes.
    if call.ended_well and not in_program(os.environ):
        answer = _answer(agent, call)
    click.echo(answer.stdout, nl=False)
    click.echo(answer.stderr, nl=False, err=True)
    return answer.exit_code


def _answer(agent: Convention, call: HookCall) -> Answer:
    try:
        if call.cwd:
            os.chdir(call.cwd)
        return _judged(agent, call)
    except RalphError as error:
        hint = f" -> {error.hint}" if error.hint else ""
        return agent.tell(one_line(f"ralph-hooks reviewed nothing: {error.message}{hint}"))
    except Exception as error:
        if os.environ.get("RALPH_HOOKS_DEBUG"):
            raise
        return agent.tell(one_line(f"ralph-hooks reviewed nothing: internal error ({type(error).__name__}: {error})"))


def _judged(agent: Convention, call: HookCall) -> Answer:
    from ralph_hooks.app.context import load_context
    from ralph_hooks.reports.formats import render

    context = load_context()
    state = context.home.state
    guard = Guard(state, context.key, f"{agent.name}/{call.session}")
    with one_at_a_time(state, context.key) as alone:
        if not alone:
            return agent.tell("ralph-hooks: another agent hook is already reviewing this repository")
        report = _review()
        if report is None or report.verdict is Verdict.PASS:
            guard.passed()
            return Answer(stdout=agent.quiet)
        if report.verdict is not Verdict.FAIL or not report.exit_code:
            return agent.tell(one_line(f"ralph-hooks: {'; '.join((report.reason, *report.notices))}"))
        told = render(report, "agent", color=False, width=100)
        obstacle = guard.obstacle(report.tree, continued=call.continued)
        if obstacle:
            return agent.tell(
                one_line(f"ralph-hooks still rejects this change, but {obstacle}: see `ralph-hooks show`")
            )
        guard.blocked(report.tree, continued=call.continued)
        return agent.block(told)


def _review() -> Report | None:
    """Return the report on all uncommitted changes; None if there are none."""
    from ralph_hooks.app.wiring import Selection, open_review
    from ralph_hooks.cli.shared.review_command import gate_scope

    with open_review("gate", Selection(worktree=True)) as session:
        return session.judge("gate", gate_scope(session)) if session.snapshot.change.entries else None
