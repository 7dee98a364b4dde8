"""Deterministic checks and free repairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from ralph_hooks.core.change import Change, Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.linter import Linter
from ralph_hooks.core.ports.change import Source, Unchanged


class Hint(Struct, frozen=True):
    """Something a check noticed that is too uncertain to show: handed to the analyze phase."""

    line: int
    text: str


class CheckResult(Struct, frozen=True):
    """Result of a check on one file."""

    findings: tuple[Finding, ...] = ()
    hints: tuple[Hint, ...] = ()
    looked: bool = True
    """False if the check does not apply to this file, for example because of its language."""


class Check(Protocol):
    """A deterministic check. Its answers are kept by content, so ``version`` must change when they may."""

    name: str
    source_only: bool
    """True for checks that say nothing about files left out of the review (generated, vendored, lock files)."""

    @property
    def version(self) -> str:
        """Version of everything but the file that the answer depends on: rules, the tool's own version."""
        ...

    def applies(self, entry: Entry) -> bool:
        """Return True if the check applies to this file, by the path alone."""
        ...

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:
        """Return one result for each path. Raises RalphError if the check itself cannot run."""
        ...


class ChangeCheck(Protocol):
    """A deterministic check of a change as a whole. Its answer is kept by the content of the change and its base."""

    name: str
    takes_parts: bool
    """True if it reads the rest of the project itself, so that a part of a large change is enough for it."""

    @property
    def version(self) -> str:
        """Version of everything but the change that the answer depends on."""
        ...

    def applies(self, entry: Entry) -> bool:
        """Return True if this file matters to the check, by the path alone."""
        ...

    def run(
        self, sources: Sequence[Source], unchanged: Unchanged | None, deadline: Deadline
    ) -> Sequence[Finding] | None:
        """Return findings on the files that matter; None if there was not enough time.

        ``unchanged`` is None if the rest of the project is not here.
        """
        ...


class LinterResult(Struct, frozen=True):
    """Findings of a project's linter that are new in a change."""

    findings: tuple[Finding, ...] = ()
    hints: Mapping[str, tuple[Hint, ...]] = {}
    """By path."""
    problem: str = ""
    """Reason why it could not check the change; empty if it could."""
    remark: str = ""
    """Remark for the user about the comparison with the base; empty if there is none."""


class Linters(Protocol):
    """The linters that the project configures. They run in a scratch copy of the reviewed tree and of its base."""

    @property
    def linters(self) -> Sequence[Linter]:
        """As the configuration has them."""
        ...

    def settings(self, linter: Linter) -> str:
        """Return an identifier of everything that ``linter``'s answer depends on, except the change and the machine."""
        ...

    def version(self, linter: Linter) -> str:
        """Return an identifier of everything but the change that ``linter``'s answer depends on, tools included."""
        ...

    def run(
        self, wanted: Sequence[tuple[Linter, Sequence[Source]]], change: Change, deadline: Deadline
    ) -> Sequence[LinterResult]:
        """Return one result for each of ``wanted``, a linter with the files that it is about. Raises nothing."""
        ...

    def caveats(self) -> Sequence[str]:
        """Return notices for the user about how linters were run."""
        ...


class Autofix(Protocol):
    """A linter's own repairs, which cost nothing."""

    source: str
    """Source of the findings that it may fix: `Finding.source`."""

    def mend(self, findings: Sequence[Finding], files: Mapping[str, bytes], deadline: Deadline) -> Mapping[str, bytes]:
        """Return those of ``files`` (by path) that safe fixes of ``findings`` change; nothing else in them is touched.

        Raises RalphError if the linter cannot run.
        """
        ...


@runtime_checkable
class SecretCheck(Check, Protocol):
    """The check for credentials, which every single commit must pass."""

    def scan_large(
        self, path: str, new: Iterator[bytes], old: Callable[[], Iterator[bytes]], deadline: Deadline
    ) -> CheckResult | None:
        """Return the result for a file that is read in pieces; None if ``deadline`` came first.

        ``old`` reads what the base has, which is done only where there is something to compare.
        """
        ...

    def excused(self, source: Source, line: int, later: bytes) -> bool:
        """Return True if ``later``, the later content of the file, marks all credentials on ``line`` as not real."""
        ...

    def named(self, what: str, names: Sequence[str], advice: str) -> Sequence[Finding]:
        """Return findings in names, at most one for each. They are of ``what``; ``advice`` says how to take one out."""
        ...

    def masked(self, text: str) -> str:
        """Return ``text`` without the credentials in it."""
        ...

    def written(self, name: str, text: bytes, advice: str) -> Sequence[Finding]:
        """Return findings in a text that is no file; ``advice`` says how to take one out."""
        ...
