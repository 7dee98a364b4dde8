"""The fix phase: a cheap model corrects a repair that failed its check, from the actual failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ralph_hooks.core.repair import Repair
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import beginning, path_line
from ralph_hooks.phases.implement import AGENT, FENCE, MAX_OUTPUT, RULES, RepairReply, read
from ralph_hooks.phases.problem import Problem, Shown, described, files, prompt
from ralph_hooks.phases.question import Question

SYSTEM = f"""\
You correct the repair of a code change. The repair that was tried does not do yet; what it did and what went wrong is \
told. Find out why, then answer with the edits that lead from the files as they are shown to ones that are right.
{RULES}\
The problems, the repair, what went wrong with it and the files {FENCE}"""

_AGENT = f"""\
Correct the repair of a code change. The repair that was tried does not do yet; what it did and what went wrong is \
told. Find out why, and make the files right.
{AGENT}
"""

_MAX_PART = 2_000  # characters of one edit that are repeated


def question(
    problem: Problem,
    *,
    repair: Repair,
    applied: bool,
    done: str,
    wrong: Sequence[str],
    shown: Sequence[Shown],
    marker: str,
) -> Question[Repair]:
    """Ask how to correct ``repair``.

    ``wrong`` describes its result, ``applied`` is True if the files have its edits.

    ``done`` shows the changes of a coding agent, which returns no edits. ``marker`` is a random string.
    """
    state = "The files have these edits:" if applied else "None of it was applied; the files are as before:"
    sections = [
        *described(problem, room=0),  # current failures follow below
        f"THE REPAIR: {repair.summary}",
        state,
        *told(repair),
        *([done] if done else []),
        "WHAT WENT WRONG",
        *wrong,
    ]
    return Question(
        phase=Phase.FIX,
        system=SYSTEM,
        prompt=prompt(problem, [*sections, *files(shown, marker)], marker),
        task=_AGENT + prompt(problem, sections, marker),
        shape=RepairReply,
        read=read,
        max_output=MAX_OUTPUT,
    )


def told(repair: Repair) -> Iterator[str]:
    """Yield the edits of a repair, as text."""
    for number, edit in enumerate(repair.edits, start=1):
        yield f"edit {number} of {path_line(edit.path)}, search:\n{_cut(edit.search)}\nreplace:\n{_cut(edit.replace)}"
    for file in repair.create:
        yield f"create {path_line(file.path)}:\n{_cut(file.content)}"
    for path in repair.delete:
        yield f"delete {path_line(path)}"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_PART else f"{beginning(text, _MAX_PART)}\n[... cut ...]"
