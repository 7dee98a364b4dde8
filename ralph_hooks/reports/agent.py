"""The report for a coding agent: short, plain text, ending with what to do next. Never any colour.

Text from a model, the change or a command is indented or follows a label, so that it cannot imitate a line of this
report.
"""

from __future__ import annotations

from ralph_hooks.core.finding import Finding
from ralph_hooks.core.proof import Evidence
from ralph_hooks.core.report import Report, Verdict, Verification
from ralph_hooks.core.text import one_line, path_line, plural, visible
from ralph_hooks.reports import wording

_MAX_BLOCKERS = 20
_MAX_ADVICE = 3
_MAX_NAMES = 20
_MAX_MESSAGE = 1200  # characters
_MAX_LINE = 240
_MAX_QUOTE = 12  # lines
_MAX_TAIL = 30
_MAX_TEST = 60


def render(report: Report) -> str:
    """Return the report; its first line is the verdict, its last one the next step."""
    lines = [f"ralph-hooks: {_verdict(report)}"]
    lines += [f"notice: {one_line(notice)}" for notice in report.notices]
    if report.verdict is Verdict.PASS and not wording.is_repair(report):
        return "\n".join(lines) + "\n"
    found = wording.blockers(report)
    for number, finding in enumerate(found[:_MAX_BLOCKERS], start=1):
        lines += _finding(number, finding)
    if len(found) > _MAX_BLOCKERS:
        lines.append(f"{len(found) - _MAX_BLOCKERS} more blocking: {wording.SHOW}")
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        for item in wording.commands(report, verdict):
            lines += _command(item)
    lines += [f"repair: {wording.clip(wording.rung(item), _MAX_MESSAGE)}" for item in report.rungs]
    lines += _advice(report)
    if report.dismissed:
        lines.append(f"dismissed by the project: {wording.dismissed(report)}")
    if report.unreviewed:
        lines.append(f"not reviewed by a model: {wording.grouped(report.unreviewed)}")
    return "\n".join([*lines, f"next: {_next(report)}"]) + "\n"


def _verdict(report: Report) -> str:
    if wording.is_repair(report):
        return wording.headline(report).replace(": ", " ", 1)
    if report.verdict is not Verdict.FAIL:
        return wording.headline(report).replace(": ", " ", 1)
    found, failed = len(wording.blockers(report)), len(wording.commands(report, Verdict.FAIL))
    counts = [f"{found:,} blocking"] if found else []
    counts += [plural(failed, "failing command")] if failed else []
    return f"FAIL {', '.join(counts) or one_line(report.reason)}"


def _finding(number: int, item: Finding) -> list[str]:
    heading = (
        f"{number}. {wording.place(item)}: {item.severity} {one_line(item.category)} ({wording.origin_and_id(item)})"
    )
    message = [
        f"   {line}" for line in visible(wording.clip(item.message.strip(), _MAX_MESSAGE)).expandtabs(4).split("\n")
    ]
    return [heading, *message, *_quoted(_code(item), _MAX_QUOTE, "   > "), *_evidence(item)]


def _evidence(item: Finding) -> list[str]:
    """Return the evidence for a finding, with the whole reproducer so that the agent can run it."""
    told = wording.evidence(item)
    lines = [f"   evidence: {wording.clip(told, _MAX_LINE)}"] if told else []
    if item.proof is None:
        return lines
    lines.append(f"   reproducer: save as {path_line(item.proof.path)}, run `{one_line(item.proof.command)}`")
    return [*lines, *_quoted(item.proof.test.rstrip().split("\n"), _MAX_TEST, "   | ")]


def _code(item: Finding) -> list[str]:
    """Return the quoted lines, the first one with its indentation in the file."""
    first, *rest = item.quote.strip("\r\n").split("\n")
    whole = item.context.lstrip()
    indent = item.context[: len(item.context) - len(whole)] if first and whole.startswith(first) else ""
    return [indent + first, *rest] if item.quote.strip() else []


def _quoted(lines: list[str], limit: int, prefix: str) -> list[str]:
    kept = [f"{prefix}{one_line(wording.clip(line, _MAX_LINE).expandtabs(4))}".rstrip() for line in lines[:limit]]
    return [*kept, f"{prefix}..."] if len(lines) > limit else kept


def _command(item: Verification) -> list[str]:
    label = "failing command" if item.verdict is Verdict.FAIL else "command that could not run"
    lines = [f"{label}: {one_line(item.command)} ({wording.outcome(item)})"]
    lines += [f"   new failure: {one_line(name)}" for name in item.new_failures[:_MAX_NAMES]]
    if len(item.new_failures) > _MAX_NAMES:
        lines.append(f"   {len(item.new_failures) - _MAX_NAMES} more new failures")
    lines += [f"   no longer runs: {one_line(name)}" for name in item.missing_tests[:_MAX_NAMES]]
    if len(item.missing_tests) > _MAX_NAMES:
        lines.append(f"   {len(item.missing_tests) - _MAX_NAMES} more tests that no longer run")
    return [*lines, *_quoted(wording.tail_lines(item.tail)[-_MAX_TAIL:], _MAX_TAIL, "   | ")]


def _advice(report: Report) -> list[str]:
    found = wording.advice(report)
    if not found:
        return []
    lines = ["advice, does not block:"]
    for item in found[:_MAX_ADVICE]:
        message = one_line(wording.clip(" ".join(item.message.split()), _MAX_LINE))
        lines.append(f"- {wording.place(item)}: {item.severity} {_kind(item)} (id {item.id}): {message}")
    return [*lines, f"- {len(found) - _MAX_ADVICE} more: {wording.SHOW}"] if len(found) > _MAX_ADVICE else lines


def _kind(item: Finding) -> str:
    supported = "" if item.evidence is Evidence.CHECK else f"{item.evidence.value} "
    return f"{supported}{one_line(item.category)}"


_NO_BYPASS = "Do not bypass the hooks with --no-verify"


def _wrong(report: Report) -> str:
    command = wording.dismiss_command(report)
    return f"; if a finding is wrong, tell the user, who can run `{command}`" if command else ""


def _next(report: Report) -> str:
    again = wording.again(report)
    if wording.is_repair(report) and report.fix is not None:
        id_ = one_line(report.fix.id)
        return f"read the fix (`ralph-hooks show {id_}`), apply it (`ralph-hooks apply {id_}`), then {again}."
    match report.verdict, bool(report.exit_code):
        case Verdict.FAIL, True:
            told = wording.repair(report) or wording.background(report)
            fix = f" ({told})" if told else ""
            secret = f" Tell the user: {wording.REVOKE}." if wording.has_secret(report) else ""
            return f"fix the code{fix}, {again}.{secret} {_NO_BYPASS}{_wrong(report)}."
        case Verdict.FAIL, False:
            return "nothing is blocked, but fix the code before you continue."
        case Verdict.INCONCLUSIVE, True:
            return f"the code could not be reviewed. Tell the user why, and try again later. {_NO_BYPASS}."
        case _:
            return "not blocked, but not reviewed. Tell the user."
