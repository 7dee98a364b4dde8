"""The report as GitHub Actions workflow commands: annotations on the lines of the change, then a summary.

Escaping as the runner undoes it (actions/runner, src/Runner.Common/ActionCommand.cs): ``%``, CR and LF everywhere,
``:`` and ``,`` in properties too. The runner treats a line as a command if it begins with ``::`` (after optional
spaces), or holds the older ``##[`` anywhere: no other line may.
"""

from __future__ import annotations

from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.report import Report, Verdict, Verification
from ralph_hooks.core.text import one_line, path_line, plural, visible
from ralph_hooks.reports import wording

_MAX_LINE = 400
_MAX_MESSAGE = 4000  # an annotation's message may have 64 KB, far more than a reader wants


def render(report: Report) -> str:
    """Return commands for the runner, blocking findings first; the last line is a summary."""
    findings = (*wording.blockers(report), *wording.advice(report))
    lines = [_finding(item) for item in findings]
    lines += [line for item in findings for line in _reproducer(item)]
    for item in wording.commands(report, Verdict.FAIL):
        lines += _failed(item)
    for item in wording.commands(report, Verdict.INCONCLUSIVE):
        message = f"{one_line(item.command)} could not run: {wording.outcome(item)}"
        lines.append(_command("warning", message, title="ralph-hooks: verify"))
    if report.verdict is Verdict.INCONCLUSIVE:
        lines.append(_command("warning", f"NOT REVIEWED: {visible(report.reason)}", title="ralph-hooks"))
    lines += [_command("warning", visible(notice), title="ralph-hooks") for notice in report.notices]
    lines += _unreviewed(report)
    if report.dismissed and report.verdict is not Verdict.PASS:
        lines.append(_plain(f"ralph-hooks: {wording.dismissed(report)}"))
    if command := wording.dismiss_command(report):
        lines.append(_plain(f"ralph-hooks: if a finding is wrong, dismiss it by its id: {command}"))
    if report.verdict is not Verdict.PASS:
        lines.append(_plain(f"ralph-hooks: {wording.cost(report)}"))
    return "\n".join([*lines, _plain(f"ralph-hooks: {wording.headline(report)}")]) + "\n"


def _finding(item: Finding) -> str:
    level = "error" if item.blocking else "notice" if item.severity is Severity.NOTE else "warning"
    start = max(1, item.line)
    lines = {} if item.removed else {"line": str(start), "endLine": str(max(start, item.end_line))}
    told = wording.evidence(item)
    supported = f"\n{wording.clip(told, _MAX_LINE)}" if told else ""
    message = f"{visible(wording.clip(item.message, _MAX_MESSAGE))} ({wording.origin_and_id(item)}){supported}"
    title = f"ralph-hooks: {item.severity} {one_line(item.category)}"
    return _command(level, message, file=path_line(item.path), **lines, title=title)


def _reproducer(item: Finding) -> list[str]:
    if item.proof is None:
        return []
    title = f"reproducer of {item.id}: {path_line(item.proof.path)}, {wording.runs(item.proof)}"
    return _group(wording.clip(title, _MAX_LINE), item.proof.test.rstrip().split("\n"))


def _failed(item: Verification) -> list[str]:
    names = "".join(f"\nnew failure: {one_line(name)}" for name in item.new_failures)
    names += "".join(f"\nno longer runs: {one_line(name)}" for name in item.missing_tests)
    message = wording.clip(f"{one_line(item.command)} failed ({wording.outcome(item)}){names}", _MAX_MESSAGE)
    lines = [_command("error", message, title="ralph-hooks: verify")]
    tail = wording.tail_lines(item.tail)
    return [*lines, *_group(f"output of {one_line(item.command)}", tail)] if tail else lines


def _unreviewed(report: Report) -> list[str]:
    items = report.unreviewed
    if not items:
        return []
    title = f"{plural(len(items), 'file')} not reviewed by a model: {wording.grouped(items)}"
    return _group(title, list(wording.left_out(report)))


def _group(title: str, lines: list[str]) -> list[str]:
    return [_command("group", title), *(_plain(f"| {line}".rstrip()) for line in lines), "::endgroup::"]


def _command(name: str, message: str, **properties: str) -> str:
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' if listed else ''}{listed}::{_data(message)}"


def _data(text: str) -> str:
    return visible(text).expandtabs(4).replace("%", "%25").replace("\n", "%0A")  # `visible` has removed every CR


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    return one_line(text).replace("##[", "## [")
