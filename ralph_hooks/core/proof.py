"""Evidence for a finding, and what the runs of a reproducer say. Pure data.

A reproducer is one test file that a model wrote to show one finding: it should fail on the change and pass on its base.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Evidence(StrEnum):
    """Strength of evidence for a finding, strongest first. `gate.block-on` says which of them block."""

    CHECK = "check"
    """A deterministic check, a linter or a secret scan reported it."""
    PROVED = "proved"
    """A reproducer fails on the change because of it, by the rules of `engine.review.proof`."""
    SHOWN = "shown"
    """A reproducer fails on the change, but on the base too, or it shows a difference that may be intended."""
    AGREED = "agreed"
    """Analyze reported it and verify confirmed it; no reproducer could be run."""
    UNPROVED = "unproved"
    """Only one model's claim supports it, or its reproducer did not show it."""


class ProofOutcome(StrEnum):
    """End of one run of a reproducer."""

    PASSED = "passed"
    FAILED = "failed"
    HUNG = "hung"
    """Stopped at its time limit inside a test."""
    NOT_LOADED = "not loaded"
    """No test ran: an import, collection, fixture or compiler error."""
    NOT_RUN = "not run"
    """The runner itself could not run, or was stopped from outside."""


class Order(StrEnum):
    """The order of the tests of one file, so that one that depends on another does not go unnoticed."""

    FORWARD = "forward"
    REVERSED = "reversed"
    ALONE = "alone"
    """Only the test that failed first."""


class Failure(Struct, frozen=True, kw_only=True):
    """One failing test in one run."""

    test: str
    kind: str
    """The type of the exception, or `HANG`."""
    own: bool = False
    """True if the project's own code raised the exception, or hung."""
    at: tuple[str, int] = ("", 0)
    """Path and 1-based line in the project where it was raised; empty if that is not known."""
    reached: tuple[tuple[str, int], ...] = ()
    """Path and line of the changed lines inside function bodies that ran during this test."""


HANG = "hang"
"""`Failure.kind` of a test that did not end."""


class Run(Struct, frozen=True, kw_only=True):
    """One run of a reproducer on one tree."""

    outcome: ProofOutcome
    failures: tuple[Failure, ...] = ()
    passed: tuple[str, ...] = ()
    """Names of the tests that passed."""
    misdeeds: tuple[str, ...] = ()
    """Forbidden things that the test was seen doing: reading source text, sleeping, using the network."""
    foreign: bool = False
    """True if it did not load because of the project or the environment, not because of the test."""
    tail: str = ""
    """The end of the output."""
    seconds: float = 0.0


class TestFile(Struct, frozen=True, kw_only=True):
    """A reproducer as a file of the project."""

    __test__ = False  # no test class, whatever pytest thinks of its name

    path: str
    text: str
    language: str
    """Name of its `languages.runners.ProofRunner`."""
    command: str
    """Command with which a person runs it."""


class ProofRun(Struct, frozen=True, kw_only=True):
    """One run that is wanted."""

    tree: str
    test: TestFile
    lines: Mapping[str, tuple[int, ...]]
    """Changed lines by path, to see which of them run."""
    limit: float
    """Seconds for all tests of the file."""
    seed: int = 0
    """Random numbers start from here; the two runs of a pair share it."""
    order: Order = Order.FORWARD
    only: str = ""
    """The test to run if the order is ALONE."""


class Proof(Struct, frozen=True, kw_only=True):
    """A reproducer and its results, as reports show them."""

    command: str
    """Command that runs it in the project, once the test is saved to ``path``."""
    path: str
    test: str
    """The whole test file."""
    on_change: str
    """Result on the change: ``fails 3 of 3: ZeroDivisionError`` and the end of the output."""
    on_base: str
    """Result on the base; says so if there is no base to run on."""
    reason: str = ""
    """Reason for the strength of the evidence, one sentence."""
    asserts: str = ""
    """Asserted behaviour, as the model describes it."""
    because: str = ""
    """Source that promises this behaviour, quoted."""
    runner: str = ""
    """Name of the `languages.runners.ProofRunner` that ran it."""
