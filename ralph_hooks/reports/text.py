"""The report for a terminal: one line for a plain pass, blocking findings first otherwise.

Plain ANSI and no rich: rich takes 65 ms to import, half of what an ordinary commit may take in all.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.proof import Evidence
from ralph_hooks.core.report import Report, Verdict, Verification
from ralph_hooks.core.text import money, one_line, path_line, plural
from ralph_hooks.reports import wording
from ralph_hooks.reports.terminal import Ink, columns, excerpt, fit, shown, wrap

_MIN_WIDTH = 40
_READABLE = 100  # columns: wider prose is hard to read
_MAX_BLOCKERS = 20
_MAX_ADVICE = 5
_MAX_NAMES = 10
_MAX_TAIL = 12
_MAX_MESSAGE = 12
_LOOKS = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: "note"}
_VERDICTS = {Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.INCONCLUSIVE: "warn"}

_Block = list[str]


class _Screen(Struct, frozen=True):
    ink: Ink
    width: int
    everything: bool

    def bounded(self, lines: list[str], limit: int) -> list[str]:
        """Return ``lines``, cut to ``limit`` with a note about the rest unless everything is to be shown."""
        if self.everything or len(lines) <= limit:
            return lines
        return [*lines[:limit], self.ink("faint", f"... {len(lines) - limit:,} more: {wording.SHOW}")]

    def prose(self, text: str, indent: str = "  ") -> _Block:
        """Return ``text`` wrapped and indented."""
        width = min(self.width, _READABLE) - len(indent)
        limit = len(text) if self.everything else _MAX_MESSAGE * width * 2
        lines = list(wrap(text.strip()[:limit], width))
        if len(text.strip()) > limit:
            lines[-1] += " ..."
        return [f"{indent}{line}" for line in self.bounded(lines, _MAX_MESSAGE)]


def render(report: Report, *, color: bool, width: int, everything: bool = False) -> str:
    """Return the report for a person.

    ``width`` is in columns; ``everything`` leaves nothing out (``ralph-hooks show``).
    """
    screen = _Screen(Ink(color=color), max(width, _MIN_WIDTH), everything)
    head = screen.ink(_look(report), f"ralph-hooks: {wording.headline(report)}")
    notices = [screen.ink("warn", f"ralph-hooks: {one_line(notice)}") for notice in report.notices]
    if not everything and not report.exit_code and (report.verdict is not Verdict.FAIL) and _is_quiet(report):
        return "\n".join([head, *notices]) + "\n"
    failed = report.verdict is Verdict.FAIL or wording.is_repair(report)  # then blocking findings come first
    blocks = [
        [head] if failed else [head, *notices],
        *_blockers(report, screen),
        *_verification(report, screen),
        _repair(report, screen),
        notices if failed else [],
        _next(report, screen),
        *_advice(report, screen),
        *_details(report, screen),
        _footer(report, screen),
        _way_out(report, screen),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _look(report: Report) -> str:
    if wording.is_repair(report):
        return "bad" if report.fix is None else "good"
    return _VERDICTS[report.verdict]


def _repair(report: Report, screen: _Screen) -> _Block:
    """Return the steps of a repair in order; empty for a hook, which has more urgent messages."""
    if not report.rungs or not (screen.everything or wording.is_repair(report)):
        return []
    lines = [screen.ink("strong", "repair")]
    for item in report.rungs:
        first, *rest = screen.prose(wording.rung(item))
        lines += [first, *(f"  {line}" for line in rest)]
    return lines


def _is_quiet(report: Report) -> bool:
    """Return True if the headline and the notices are enough: of all passing results only a plain pass hides advice."""
    if wording.is_repair(report):
        return False
    return report.verdict is Verdict.PASS or not (
        wording.advice(report) or wording.commands(report, Verdict.INCONCLUSIVE)
    )


def _blockers(report: Report, screen: _Screen) -> list[_Block]:
    found = wording.blockers(report)
    limit = len(found) if screen.everything else _MAX_BLOCKERS
    blocks = [_finding(finding, report, screen) for finding in found[:limit]]
    if len(found) > limit:
        blocks.append([f"{plural(len(found) - limit, 'more blocking finding')}: {wording.SHOW}"])
    return blocks


def _finding(finding: Finding, report: Report, screen: _Screen) -> _Block:
    lines = [*_heading(finding, screen), *screen.prose(finding.message)]
    lines += [f"  {line}" for line in excerpt(finding, screen.width - 2, screen.ink)]
    by = wording.confirmers(report)
    confirmed = ("", f", confirmed by {by}" if by else ", confirmed")[finding.confirmed is True]
    lines.append(screen.ink("faint", f"  id {finding.id}{confirmed}"))
    if told := wording.evidence(finding):
        lines += screen.prose(told)
    if told := wording.reproducer(finding):
        lines += screen.prose(told)
    return lines


def _heading(finding: Finding, screen: _Screen) -> _Block:
    place, kind, origin = wording.place(finding), _kind(finding), wording.origin(finding)
    line = f"{screen.ink('strong', place)}: {screen.ink(_LOOKS[finding.severity], kind)}"
    if columns(f"{place}: {kind} ({origin})") <= screen.width:
        return [f"{line} {screen.ink('faint', f'({origin})')}"]
    return [line, screen.ink("faint", f"  ({origin})")]


def _kind(finding: Finding) -> str:
    return f"{finding.severity} {one_line(finding.category)}"


def _verification(report: Report, screen: _Screen) -> list[_Block]:
    wanted = (Verdict.FAIL, Verdict.INCONCLUSIVE, *([Verdict.PASS] if screen.everything else []))
    return [_command(item, screen) for verdict in wanted for item in wording.commands(report, verdict)]


_COMMANDS = {
    Verdict.PASS: ("good", "verify command passed"),
    Verdict.FAIL: ("bad", "verify command failed"),
    Verdict.INCONCLUSIVE: ("warn", "verify command could not run"),
}


def _command(item: Verification, screen: _Screen) -> _Block:
    look, label = _COMMANDS[item.verdict]
    lines = [f"{screen.ink(look, label)}: {one_line(item.command)} {screen.ink('faint', f'({wording.outcome(item)})')}"]
    lines += screen.bounded([f"  new failure: {one_line(name)}" for name in item.new_failures], _MAX_NAMES)
    lines += screen.bounded([f"  no longer runs: {one_line(name)}" for name in item.missing_tests], _MAX_NAMES)
    if screen.everything:
        lines += [f"  known failure: {one_line(name)}" for name in item.known_failures]
    elif item.known_failures:
        lines.append(f"  {plural(len(item.known_failures), 'known failure')} not counted")
    if item.removed_tests:
        lines.append(f"  {plural(len(item.removed_tests), 'test')} removed or skipped by the change")
        if screen.everything:
            lines += [f"  removed or skipped: {one_line(name)}" for name in item.removed_tests]
    if screen.everything or item.verdict is not Verdict.PASS:
        lines += _tail(item, screen)
    return lines


def _tail(item: Verification, screen: _Screen) -> _Block:
    lines = wording.tail_lines(item.tail)
    kept = lines if screen.everything else lines[-_MAX_TAIL:]
    bar = screen.ink("faint", "|")
    return [f"  {bar} {fit(shown(line), screen.width - 4)}".rstrip() for line in kept]


def _next(report: Report, screen: _Screen) -> _Block:
    if report.verdict is Verdict.PASS and not wording.is_repair(report):
        return []
    steps = [wording.next_step(report)]
    if wording.has_secret(report):
        steps.append(wording.REVOKE)
    if report.fix is not None and wording.is_repair(report):
        steps.append(f"review it first: ralph-hooks show {one_line(report.fix.id)}")
    elif report.fix is not None:
        steps.append(wording.repair(report))
    if goes_on := wording.background(report):
        steps.append(goes_on)
    if not screen.everything:
        steps.append(f"the whole report: {wording.SHOW}")
    return [screen.ink("strong", "what to do"), *(line for step in steps for line in screen.prose(step))]


def _way_out(report: Report, screen: _Screen) -> _Block:
    """Return the command for dismissing a wrong finding: the last line, ready to be copied."""
    command = wording.dismiss_command(report)
    if not command or wording.is_repair(report):
        return []
    return [screen.ink("faint", "if a finding is wrong, dismiss it by its id:"), f"  {command}"]


def _advice(report: Report, screen: _Screen) -> list[_Block]:
    found = wording.advice(report)
    if not found:
        return []
    title = [screen.ink("strong", "advice, does not block")]
    if screen.everything:
        return [title, *(_finding(finding, report, screen) for finding in found)]
    lines = [line for finding in found[:_MAX_ADVICE] for line in _remark(finding, screen)]
    if len(found) > _MAX_ADVICE:
        lines.append(f"  {len(found) - _MAX_ADVICE:,} more: {wording.SHOW}")
    return [[*title, *lines]]


def _remark(finding: Finding, screen: _Screen) -> _Block:
    message = " ".join(finding.message.split())
    first, *rest = screen.prose(
        wording.clip(f"{wording.place(finding)}: {_kind(finding)} ({_known_as(finding)}): {message}", 4 * screen.width)
    )
    return [first, *(f"  {line}" for line in rest)]


def _known_as(finding: Finding) -> str:
    return f"id {finding.id}" if finding.evidence is Evidence.CHECK else f"{finding.evidence.value}, id {finding.id}"


def _details(report: Report, screen: _Screen) -> list[_Block]:
    """Return the parts that only ``everything`` shows."""
    if not screen.everything:
        return []
    blocks: list[_Block] = []
    doubtful = wording.unconfirmed(report)
    if doubtful:
        blocks += [[screen.ink("strong", "not confirmed")], *(_finding(item, report, screen) for item in doubtful)]
    if report.dismissed:
        names = [
            f"  {wording.place(item.finding)}: {_kind(item.finding)} (id {item.finding.id}): {item.kind}, "
            f"{one_line(item.reason)} ({one_line(item.by) or 'nobody named'})"
            for item in report.dismissed
        ]
        blocks.append([screen.ink("strong", "dismissed"), *names])
    if report.unreviewed:
        names = [f"  {path_line(item.path)}: {one_line(item.reason)}" for item in report.unreviewed]
        blocks.append([screen.ink("strong", "not reviewed by a model"), *names])
    if report.checked:
        names = [f"  {path_line(item.path)}: {wording.looked_at(item)}" for item in report.checked]
        blocks.append([screen.ink("strong", "checked by"), *names])
    if report.calls:
        blocks.append([screen.ink("strong", "calls"), *_calls(report)])
    blocks.append(_facts(report))
    return blocks


def _calls(report: Report) -> Iterable[str]:
    for call in report.calls:
        price = "cost unknown" if call.cost_usd is None else money(call.cost_usd)
        how = "from the cache" if call.from_store else f"{one_line(call.outcome)}, {wording.duration(call.seconds)}"
        cached = f" ({call.cached_input_tokens:,} cached)" if call.cached_input_tokens else ""
        tokens = f"{call.input_tokens:,}{cached} in, {call.output_tokens:,} out"
        yield f"  {one_line(call.phase)} {one_line(call.model)}: {tokens}, {price}, {how}"


def _facts(report: Report) -> _Block:
    lines = [f"change: {one_line(report.title)} (tree {one_line(report.tree)})", f"why: {one_line(report.reason)}"]
    if report.dropped:
        lines.append(f"dropped from replies (not in the change, or malformed): {report.dropped:,}")
    if report.baseline_usd is not None:
        lines.append(f"the same tokens on the expensive model: {money(report.baseline_usd)}")
    return lines


def _footer(report: Report, screen: _Screen) -> _Block:
    lines = []
    doubtful = len(wording.unconfirmed(report))
    if doubtful and not screen.everything:
        lines.append(f"{plural(doubtful, 'finding')} not confirmed, left out: {wording.SHOW}")
    if report.dismissed and (report.verdict is not Verdict.PASS or screen.everything):
        lines.append(f"{wording.dismissed(report)}: ralph-hooks dismiss --list")
    left_out = tuple(item for item in report.unreviewed if not item.cause.unjudged)  # already shown at the top
    if left_out and not screen.everything:
        count = plural(len(left_out), "file")
        lines.append(f"{count} not reviewed by a model: {wording.grouped(left_out)}")
    return [screen.ink("faint", line) for line in [*lines, wording.cost(report)]]
