"""The report as Markdown, for a comment on a pull or merge request.

Text from a model or a file is data here: it cannot mention users, create links, refer to other requests or give the
service a command (GitLab treats a line that begins with ``/`` as one).
"""

from __future__ import annotations

import re

from ralph_hooks.core.finding import Finding
from ralph_hooks.core.report import Report, Verdict
from ralph_hooks.core.text import one_line, plural, visible
from ralph_hooks.reports import wording

MARKER = "<!-- ralph-hooks -->"
"""The first line of the comment that is updated."""
_LISTED = 30  # findings
_MOST = 1500  # characters of a message
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_LIVE = re.compile(r"""([@#!%^&~$](?=[\w"])|:(?=//)|(?<=www)(?=\.))""", re.IGNORECASE)
"""Starts of a mention, a reference (both services have their own) or a link."""
_JOINER = "\u2060"  # WORD JOINER: invisible, and across it neither service recognises any of them
_VERDICTS = {Verdict.PASS: "passed", Verdict.FAIL: "rejected", Verdict.INCONCLUSIVE: "could not be reviewed"}


def render(report: Report) -> str:
    """Return the whole report, blocking findings first."""
    lines = [MARKER, f"**ralph-hooks: {_VERDICTS[report.verdict]}**", "", plain(wording.headline(report))]
    if report.verdict is Verdict.INCONCLUSIVE:
        lines += ["", f"Not reviewed: {plain(report.reason)}"]
    for title, items in (("Blocks", wording.blockers(report)), ("Advice", wording.advice(report))):
        if items:
            lines += ["", f"**{title}**", "", *map(_item, items[:_LISTED])]
        if len(items) > _LISTED:
            lines.append(f"- and {len(items) - _LISTED:,} more: see `ralph-hooks show`")
    failed = wording.commands(report, Verdict.FAIL)
    if failed:
        lines += ["", "**Commands that fail**", ""]
    for item in failed:
        names = [*(f"new failure: {name}" for name in item.new_failures), *item.missing_tests]
        lines.append(f"- {code(item.command)}: {plain(wording.outcome(item))}")
        lines += [f"  - {code(name)}" for name in names[:_LISTED]]
    if report.notices:
        lines += ["", *(f"- {plain(notice)}" for notice in report.notices)]
    if report.unreviewed:
        lines += ["", f"{plural(len(report.unreviewed), 'file')} not reviewed by a model: "]
        lines[-1] += plain(wording.grouped(report.unreviewed))
    if command := wording.dismiss_command(report):
        lines += ["", f"If a finding is wrong, dismiss it by its id: {code(command)}"]
    return "\n".join([*lines, "", f"{plain(wording.cost(report))}. Tree {code(report.tree[:12])}."]) + "\n"


def remark(finding: Finding) -> str:
    """Return one finding, as a remark on its line."""
    told = wording.evidence(finding)
    lines = [mark(finding), f"**{finding.severity.value}**: {_message(finding)}", "", plain(wording.origin(finding))]
    if told:
        lines.append(f"({plain(told)})")
    if finding.proof is not None:
        title = f"The test that shows it: {plain(finding.proof.path)}, {plain(wording.runs(finding.proof))}"
        lines += ["", f"<details><summary>{title}</summary>", "", block(finding.proof.test), "", "</details>"]
    if finding.blocking:
        lines += ["", f"This finding blocks. If it is wrong: {code(f'ralph-hooks dismiss {finding.id} --reason WHY')}"]
    return "\n".join(lines) + "\n"


def mark(finding: Finding) -> str:
    """Return the marker that identifies `remark` for the same finding later."""
    return f"<!-- ralph-hooks {finding.id} -->"


def _item(finding: Finding) -> str:
    told = ", ".join(filter(None, (wording.origin_and_id(finding), wording.evidence(finding))))
    return f"- {code(wording.place(finding))} {_message(finding)} ({plain(told)})"


def _message(finding: Finding) -> str:
    return plain(wording.clip(one_line(finding.message), _MOST))


def plain(text: str) -> str:
    """Return ``text`` on one line, with all Markdown syntax disabled."""
    apart = _LIVE.sub(rf"\1{_JOINER}", one_line(text))
    return _MARKUP.sub(lambda match: _ENTITIES.get(match[0], f"\\{match[0]}"), apart)


def code(text: str) -> str:
    """Return ``text`` as code, in which Markdown syntax has no effect."""
    line = one_line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}" if line.strip() else ""


def block(text: str) -> str:
    """Return ``text`` as a block of code, in which Markdown syntax has no effect."""
    shown = visible(text).expandtabs(4).rstrip()
    fence = "`" * (1 + max(2, *(len(run) for run in re.findall("`+", shown)), 0))
    return f"{fence}\n{shown}\n{fence}"
