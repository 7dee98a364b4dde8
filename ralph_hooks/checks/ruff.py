"""ruff: certain findings block, doubtful ones go to the analyze phase as hints.

F, E9 and PLE without the codes that are matters of taste gave no false alarm on 473 clean changes; B, S and RUF gave 4
to 15 %. Of the project's own ruff configuration only what narrows that down counts, as the base has it: `ruff_config`.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec
from msgspec import Struct

from ralph_hooks import secrets
from ralph_hooks.checks.ruff_config import ProjectRules, Rules
from ralph_hooks.checks.shared import added, blocking, is_python, may_be_python
from ralph_hooks.core.change import Entry
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult, Hint
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import RalphError
from ralph_hooks.languages.syntax import python_text
from ralph_hooks.languages.test_files import is_wrong_on_purpose
from ralph_hooks.process import Finished, TimeoutExpired, allowed_environment, run, temporary_folder, which

_VERSION = "2"

_BLOCKING = ("F", "E9", "PLE")
_HINTS = ("B", "S", "RUF")
_IGNORED = (
    "F401", "F403", "F405", "F541", "F841",  # taste
    "PLE2502", "PLE2515", "RUF001", "RUF002", "RUF003",  # misleading characters: the check `invisible` looks for them
    "RUF100",  # calls a `noqa` useless that is for another rule of the project
    "S101",  # an assert: in tests it is the point, elsewhere the model sees it
)  # fmt: skip
# Newest first: a rule for an older Python must not block code for a newer one. ruff 0.12 knows the last.
_TARGETS = ("py315", "py314")
_BUILTINS = ("_", "ngettext", "reveal_type")  # put there by gettext and by type checkers
_SYNTAX = "invalid-syntax"
_PACKAGE = "__init__"
_REINSTALL = "reinstall ralph-hooks with its dependencies, or put ruff on PATH"
_LONGEST_HINT = 160  # characters
_GRACE = 1.0  # seconds: a run ends at its deadline first, and says so better than an error of ours


class _Row(Struct, frozen=True):
    row: int


class RuffDiagnostic(Struct, frozen=True):
    """One row of `ruff check --output-format json`; what else of it is wanted is up to those that derive from it."""

    filename: str
    code: str | None


Item = TypeVar("Item", bound=RuffDiagnostic)


class _Item(RuffDiagnostic, frozen=True):
    message: str
    location: _Row
    end_location: _Row

    @property
    def rule(self) -> str:
        """The code; ruff before 0.13 gives syntax errors none."""
        return self.code or _SYNTAX


class _Side(Struct, frozen=True):
    """One side of a file, with ruff's findings."""

    lines: tuple[str, ...] = ()
    items: tuple[_Item, ...] = ()

    def text(self, item: _Item) -> str:
        """Return the line that ``item`` is about."""
        row = item.location.row
        return self.lines[row - 1] if row <= len(self.lines) else ""

    def key(self, item: _Item) -> tuple[str, str]:
        """Return a key that identifies a diagnostic on the other side, wherever its line has moved."""
        return item.rule, self.text(item).strip()

    @property
    def broken(self) -> tuple[_Item, ...]:
        """Syntax errors, first to last."""
        return tuple(sorted((i for i in self.items if i.rule == _SYNTAX), key=lambda i: i.location.row))


class Ruff:
    """One process for all files of a change, and one more for the base of those in which there is something."""

    name = "ruff"
    source_only = True

    def __init__(self, project: ProjectRules | None = None, ignore: Sequence[str] = ()) -> None:
        """``project`` is the project's own configuration; ``ignore`` are codes of our own settings."""
        self._project = project
        self._ignore = tuple(ignore)

    @property
    def version(self) -> str:
        """Rules and the binary, by its size and time: asking it costs a process."""
        status = os.stat(_binary())  # noqa: PTH116 - on the path of every commit
        own = (self._project.digest if self._project else "", *self._ignore)
        return " ".join([_VERSION, str(status.st_size), str(status.st_mtime_ns), *filter(None, own)])

    def applies(self, entry: Entry) -> bool:
        """Return True for Python; notebooks are excluded."""
        return may_be_python(entry)

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:
        """Return the findings of ruff. Raises RalphError if ruff is missing or fails."""
        results = {source.path: CheckResult(looked=is_python(source)) for source in sources}
        by_target: dict[str, list[Source]] = {}
        for source in sources:
            rules = self._rules(source.path)
            if is_python(source) and not rules.leaves_out(source.path):
                by_target.setdefault(rules.target, []).append(source)
        for target, judged in by_target.items():
            sides = self._judge([(source.path, source.content.new) for source in judged], target, deadline)
            suspects = [(source, new) for source, new in zip(judged, sides, strict=True) if _may_be_news(source, new)]
            bases = self._judge([(source.path, source.content.old) for source, _ in suspects], target, deadline)
            for (source, new), old in zip(suspects, bases, strict=True):
                results[source.path] = _compare(source, new, old)
        return results

    def _rules(self, path: str) -> Rules:
        return self._project.of(path) if self._project else Rules()

    def _judge(self, files: Sequence[tuple[str, bytes | None]], target: str, deadline: Deadline) -> list[_Side]:
        """Return ruff's findings in each file. A file that is missing, or no text to Python, has none."""
        texts = [(path, _text(data)) for path, data in files]
        found = diagnose(texts, deadline, _Item, target)
        return [
            _Side(tuple(text.split("\n")), tuple(item for item in items if not self._silenced(path, item)))
            for (path, text), items in zip(texts, found, strict=True)
        ]

    def _silenced(self, path: str, item: _Item) -> bool:
        if item.rule == _SYNTAX:
            return False
        return item.rule.startswith(self._ignore) or self._rules(path).silences(path, item.rule, item.message)


def diagnose(
    files: Sequence[tuple[str, str]], deadline: Deadline, shape: type[Item], target: str = ""
) -> list[tuple[Item, ...]]:
    """Return ruff's findings in each of ``files``, path and text. Raises RalphError if ruff is missing or fails.

    ``target`` is the version of Python they are for, such as ``py310``; without it the newest that ruff knows.
    """
    if not any(text for _, text in files):
        return [()] * len(files)
    with temporary_folder() as folder:
        written = {_write(folder, index, path, text): path for index, (path, text) in enumerate(files) if text}
        items = _diagnose(folder, deadline, shape, written, (target, *_TARGETS) if target else _TARGETS)
    by_index: dict[str, list[Item]] = {}
    for item in items:
        by_index.setdefault(_index(item.filename), []).append(item)
    return [tuple(by_index.get(str(index), ())) for index in range(len(files))]


def _text(data: bytes | None) -> str:
    try:
        return python_text(data or b"")
    except (SyntaxError, LookupError, UnicodeDecodeError):  # the check `syntax` says so
        return ""


def _write(folder: str, index: int, path: str, text: str) -> str:
    """Write ``text`` under a neutral name that ruff treats like ``path``, as package or stub, and return it."""
    name = str(index)
    if PurePosixPath(path).stem == _PACKAGE:
        os.mkdir(f"{folder}/{name}")  # noqa: PTH102 - for hundreds of files a Path takes longer than all that is done with it
        name += f"/{_PACKAGE}"
    name += ".pyi" if path.endswith(".pyi") else ".py"
    with open(f"{folder}/{name}", "wb") as file:  # noqa: PTH123 - as above
        file.write(text.encode())
    return name


def _index(filename: str) -> str:
    path = Path(filename)
    return path.parent.name if path.stem == _PACKAGE else path.stem


def _diagnose(
    folder: str, deadline: Deadline, shape: type[Item], written: Mapping[str, str], targets: Sequence[str]
) -> list[Item]:
    """``written`` has the paths of the files in ``folder`` by their names there; the first usable target counts."""
    for target in targets:
        finished = _run(folder, target, deadline)
        if finished.returncode == 0:
            break
        if _overflowed(finished):
            paths = [written[name] for name in _too_deep(folder, list(written), target, deadline)]
            raise RalphError(
                f"ruff ran out of stack on {', '.join(map(one_line, paths))}: the code is nested too deeply",
                "exclude it with `gate.exclude` if it is generated",
            )
        if b"--target-version" not in finished.stderr:
            raise _failure(finished)
    try:
        return from_json(finished.stdout, list[shape])  # type: ignore[valid-type] # known at run time
    except msgspec.DecodeError as error:
        raise _failure(finished) from error


def _overflowed(finished: Finished) -> bool:
    return finished.returncode != 0 and b"overflowed its stack" in finished.stderr


def _too_deep(folder: str, names: Sequence[str], target: str, deadline: Deadline) -> Sequence[str]:
    """Return those of the files ``names``, at least one, on which ruff runs out of stack."""
    if len(names) == 1:
        return names
    middle = len(names) // 2
    halves = [half for half in (names[:middle], names[middle:]) if _overflowed(_run(folder, target, deadline, *half))]
    return [name for half in halves for name in _too_deep(folder, half, target, deadline)]


def _run(folder: str, target: str, deadline: Deadline, *names: str) -> Finished:
    arguments = [
        _binary(), "check", "--isolated", "--no-cache", "--no-respect-gitignore", "--quiet", "--exit-zero",
        "--output-format", "json", "--target-version", target,
        "--select", ",".join(_BLOCKING + _HINTS), "--ignore", ",".join(_IGNORED),
        "--config", f"builtins = {list(_BUILTINS)}", "--config", "exclude = []", *(names or (".",)),
    ]  # fmt: skip
    try:
        return run(arguments, cwd=Path(folder), env=allowed_environment(), timeout=deadline.remaining() + _GRACE)
    except OSError as error:
        raise RalphError(f"cannot start ruff: {error.strerror}", _REINSTALL) from error
    except TimeoutExpired as error:
        raise RalphError("ruff did not finish before the deadline", "raise the gate's `deadline`") from error


def _failure(finished: Finished) -> RalphError:
    said = finished.stderr.decode(errors="replace").strip().splitlines() or ["it printed no JSON"]
    return RalphError(f"ruff failed with exit code {finished.returncode}: {one_line(said[0])}", _REINSTALL)


def _binary() -> str:
    """Return the ruff beside the interpreter (virtual environments, pre-commit's too), else by its package or PATH."""
    beside = Path(sys.executable).parent / ("ruff.exe" if os.name == "nt" else "ruff")
    if beside.is_file():
        return str(beside)
    try:
        from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]  # ships no types

        return str(find_ruff_bin())
    except (ImportError, FileNotFoundError):
        found = which("ruff")
        if found is None:
            raise RalphError("ruff is not installed", _REINSTALL) from None
        return found


def _may_be_news(source: Source, new: _Side) -> bool:
    """Return whether a comparison with the base is needed: new lines nearly always have no finding."""
    lines = added(source)
    return any(not item.rule.startswith(_HINTS) or item.location.row in lines for item in new.items)


def _compare(source: Source, new: _Side, old: _Side) -> CheckResult:
    """Return the new findings, compared by code and line text because line numbers shift."""
    known = Counter(map(old.key, old.items))
    fresh = []
    for item in new.broken or new.items:
        known[new.key(item)] -= 1
        if known[new.key(item)] < 0:
            fresh.append(item)
    if new.broken:  # one mistake brings a train of errors, and the other rules are at a loss
        return CheckResult(
            tuple(_finding(source, new, item) for item in fresh[:1] if not is_wrong_on_purpose(source.path))
        )
    lines = added(source)
    sure = [item for item in fresh if item.rule.startswith(_BLOCKING)]
    if old.broken:  # ruff said next to nothing of the base: what is on its lines is not news
        sure = [item for item in sure if item.location.row in lines]
    return CheckResult(
        tuple(_finding(source, new, item) for item in sure),
        tuple(_hint(item) for item in fresh if item.rule.startswith(_HINTS) and item.location.row in lines),
    )


def _finding(source: Source, side: _Side, item: _Item) -> Finding:
    return blocking(
        "ruff",
        source.path,
        min(item.location.row, len(side.lines)),
        end_line=min(max(item.location.row, item.end_location.row), len(side.lines)),
        category="syntax" if item.rule == _SYNTAX else item.rule,
        message=item.message,
        shown=side.text(item),
    )


def _hint(item: _Item) -> Hint:
    return Hint(item.location.row, secrets.mask(f"{item.rule} {item.message}")[:_LONGEST_HINT])
