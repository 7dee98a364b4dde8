"""What a run goes by. The tables with plain values are decoded from the file as they stand here.

A `Meta` beside a key is its one source of truth: the decoder enforces its limits, and the JSON Schema and the reference
in ``docs/configuration.md`` are generated from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field, structs

from ralph_hooks.core.change_kind import Kind
from ralph_hooks.core.command import Command
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.glob import first_match
from ralph_hooks.core.linter import BlockAt, Format, Linter
from ralph_hooks.core.own_settings import CONFIGURATIONS, Places
from ralph_hooks.core.route import Chain, Model, Phase, Provider, Route
from ralph_hooks.core.usage import Price


class OnFailure(StrEnum):
    """What a failed gate leads to."""

    FIX = "fix"
    BLOCK = "block"
    WARN = "warn"


class Policy(StrEnum):
    """What an inconclusive verdict means for git."""

    OPEN = "open"
    CLOSED = "closed"


class BlockOn(StrEnum):
    """The evidence that a model's finding needs to block."""

    PROOF = "proof"
    SHOWN = "shown"
    AGREEMENT = "agreement"
    AUTO = "auto"


class Dismissing(StrEnum):
    """Which dismissals of findings count."""

    ANY = "any"
    BASE = "base"


class Unpriced(StrEnum):
    """What happens to a call whose price is not known."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Stage(StrEnum):
    """When a hook runs."""

    PRE_COMMIT = "pre-commit"
    PRE_PUSH = "pre-push"


class InHook(StrEnum):
    """Where the repair that a hook starts runs."""

    BACKGROUND = "background"
    FOREGROUND = "foreground"


class Boilerplate(StrEnum):
    """Who repairs a change that has no logic in it."""

    CHEAP = "cheap"
    EXPENSIVE = "expensive"
    NOBODY = "nobody"


# Every number has an upper limit, because TOML has `inf` and a slip of the finger has no other way to show.
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Text = Annotated[str, Meta(min_length=1)]
Texts = tuple[Text, ...]
LINTER_NAME = "^[a-z0-9][a-z0-9._-]{0,39}$"


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the file: keys in kebab-case, no others allowed."""


class GateSettings(Table, frozen=True):
    """How a change is judged before a commit."""

    block_at: Annotated[Severity, Meta(description="The lowest severity that blocks.")] = Severity.ERROR
    min_confidence: Annotated[
        float, Meta(ge=0, le=1, description="A finding whose confidence is lower never blocks.")
    ] = 0.5
    confirm: Annotated[
        bool, Meta(description="Whether a model's finding blocks only once the verify model has agreed.")
    ] = True
    block_on: Annotated[
        BlockOn,
        Meta(
            description="The evidence that a model's finding needs to block: `proof` (a reproducer proves it), `shown` "
            "(a reproducer at least shows a difference), `agreement` (the verify model agrees; no reproducer is asked "
            "for), `auto` (`proof` where a reproducer can be run for the file, else `agreement`). Findings without it "
            "are advice. Checks always block."
        ),
    ] = BlockOn.AUTO
    exclude: Annotated[
        Texts,
        Meta(
            description="Path patterns to leave out of the review, besides the lock, vendored and generated files that "
            "are known already. Each path left out is listed with the reason."
        ),
    ] = ()
    deadline: Annotated[Seconds, Meta(description="Seconds for the whole hook.")] = 60.0
    when_unavailable: Annotated[
        Policy,
        Meta(
            description="What happens when the change could not be judged, such as in an outage: `open` lets it "
            "through and says so, `closed` holds it back with exit code 3."
        ),
    ] = Policy.OPEN
    dismissals: Annotated[
        Dismissing,
        Meta(
            description="Which entries of .ralph-hooks/dismissed.toml count: `any` also those that the change or your "
            "working tree brings, which every report names; `base` only those of the base, for CI on others' changes."
        ),
    ] = Dismissing.ANY
    when_no_key: Annotated[
        Policy,
        Meta(
            description="What happens when you have no key for any model that should judge the change: `open` lets it "
            "through and says so, at a push too, `closed` holds it back with exit code 3."
        ),
    ] = Policy.OPEN
    parallel: Annotated[int, Meta(ge=1, le=64, description="How many requests are sent at once.")] = 8


class PushSettings(GateSettings, frozen=True):
    """How pushed commits are judged. A key that is not set here is as in `gate`, except the two with a default here."""

    deadline: Annotated[Seconds, Meta(description="Seconds for the whole hook.")] = 600.0
    when_unavailable: Annotated[
        Policy, Meta(description="As in `gate`; a push leaves the machine, so the default is the careful one.")
    ] = Policy.CLOSED


PUSH_OWN = ("deadline", "when-unavailable")
"""The keys of `push` that never come from `gate`."""


class Weakened(StrEnum):
    """What a weakened test or rule leads to."""

    NOTE = "note"
    BLOCK = "block"
    OFF = "off"


class RuffSettings(Table, frozen=True):
    """The check `ruff`, which goes by what the project's own ruff configuration on the base ignores."""

    ignore: Annotated[
        Texts,
        Meta(
            description="Codes, or beginnings of codes, that the check never reports, besides those that the project's "
            "own ruff configuration ignores."
        ),
    ] = ()


class ChecksSettings(Table, frozen=True):
    """The deterministic checks that leave you a choice."""

    ruff: Annotated[RuffSettings, Meta(description="The check `ruff`.")] = RuffSettings()

    weakened_tests: Annotated[
        Weakened,
        Meta(
            description="What it leads to when a change removes or skips tests or assertions, suppresses diagnostics "
            "(`noqa`, `eslint-disable`, ...), lowers a coverage or lint limit or loosens CI: `note` says so in one "
            "line a kind, `block` holds the change back, `off` looks for nothing."
        ),
    ] = Weakened.NOTE


class CommandTable(Table, frozen=True):
    """A verify command for one part of the repository."""

    run: Annotated[
        Text | Annotated[Texts, Meta(min_length=1)],
        Meta(description="The command: a shell command line, or a list with a program and its arguments."),
    ]
    cwd: Annotated[Text, Meta(description="The folder to run in, from the top of the repository.")] = ""
    paths: Annotated[
        Texts,
        Meta(
            description="Path patterns: the command runs only where a change touches one of them. Where it is not set, "
            "the files in `cwd`."
        ),
    ] = ()
    junit: Annotated[
        Text | Texts,
        Meta(
            description="Where the command writes JUnit reports by itself, as patterns from `cwd`: "
            "`target/surefire-reports/*.xml`. For tools that cannot be told a file (`{junit}`)."
        ),
    ] = ()


class VerifySettings(Table, frozen=True):
    """The project's own checks."""

    commands: Annotated[
        tuple[Text | Annotated[Texts, Meta(min_length=1)] | CommandTable, ...],
        Meta(
            description="Commands that must succeed, run in a scratch copy of what is judged. A string is a shell "
            "command line and fails when any part of it fails. A list is a program with its arguments. A table has "
            "`run` (either of these), `cwd`, `paths` and `junit`, for parts of a repository. `{junit}` stands for a "
            "file that the command may write a JUnit report to, so that failures known from before do not count. "
            "Needs trust when the repository asks for it."
        ),
    ] = ()
    invariants: Annotated[
        Texts, Meta(description="Sentences that must stay true; the verify model is asked about each.")
    ] = ()
    on: Annotated[tuple[Stage, ...], Meta(description="Where the commands run, besides `fix`.")] = (Stage.PRE_PUSH,)
    timeout: Annotated[Seconds, Meta(description="Seconds for one command.")] = 600.0
    network: Annotated[
        bool,
        Meta(
            description="Whether the commands may use the network on what you commit or push. `false` leaves them a "
            "loopback of their own, where the system lets us (Linux); where it does not, the report says so."
        ),
    ] = True

    share_dependencies: Annotated[
        bool,
        Meta(
            description="Whether the scratch copy has the dependencies that are installed in your working tree "
            "(`node_modules`, virtual environments, `vendor`, `target`), where the lock file is the same."
        ),
    ] = True

    @property
    def command_list(self) -> tuple[Command, ...]:
        """``commands`` in one form."""
        return tuple(map(_command, self.commands))


def _command(written: str | tuple[str, ...] | CommandTable) -> Command:
    if not isinstance(written, CommandTable):
        return Command(written)
    junit = (written.junit,) if isinstance(written.junit, str) else written.junit
    return Command(written.run, written.cwd.strip("/"), written.paths, junit)


class LinterTable(Table, frozen=True):
    """A linter or type checker of the project, run in a scratch copy. Needs trust when the repository asks for it."""

    name: Annotated[
        str,
        Meta(
            description="The name that its findings have, and `RALPH_HOOKS_SKIP`.",
            extra_json_schema={"pattern": LINTER_NAME},
        ),
    ]
    run: Annotated[
        Text,
        Meta(
            description="A shell command line, run at the top of the repository, that writes the findings to standard "
            "output. `{files}` stands for the changed files that match `paths`."
        ),
    ]
    paths: Annotated[
        Texts,
        Meta(
            description="Path patterns: the linter runs where a change touches one of them, and only its findings in "
            "such files count. Where it is not set, every file that is reviewed."
        ),
    ] = ()
    block_at: Annotated[
        BlockAt,
        Meta(
            description="The lowest severity of a new finding that blocks: `error` (warnings are advice) or `warning`. "
            "With `hint` nothing blocks, and the findings are told to the analyze model alone."
        ),
    ] = BlockAt.ERROR
    format: Annotated[
        Format,
        Meta(
            description="What it writes: `sarif` (2.1.0), `mypy` (its own lines), `pyright` (`--outputjson`), `tsc` "
            "(`--pretty false`), `github` (`::error file=...::`), `gcc` (`path:line:column: severity: message [rule]`)."
        ),
    ] = Format.SARIF
    rules: Annotated[
        Texts,
        Meta(description="The only rules that block; findings of other rules are hints. Where it is not set, all."),
    ] = ()
    timeout: Annotated[Seconds, Meta(description="Seconds for one run; the hook's own `deadline` may come first.")] = (
        120.0
    )

    @property
    def linter(self) -> Linter:
        """The same for the rest of the program."""
        return Linter(self.name, self.run, self.paths, self.block_at, self.format, self.rules, self.timeout)


class ReviewSettings(Table, frozen=True):
    """What models are told about the project."""

    guidelines: Annotated[
        Texts,
        Meta(
            description="The project's own review rules in prose: files, or `FILE#Heading` for a section of a Markdown "
            "file. Read from the base, so that a change cannot rewrite them for itself. Models read the first 6,000 "
            "characters. Guidelines add to what is reported or narrow it; they excuse no check."
        ),
    ] = ()


class ProofSettings(Table, frozen=True):
    """How a reproducer is run: the test that a model writes to prove its finding."""

    command: Annotated[
        str,
        Meta(
            description="The command that runs one test file, in place of the built-in one: `{test}` stands for its "
            "path. For projects that need another interpreter or environment. Needs trust when the repository asks "
            "for it."
        ),
    ] = ""
    timeout: Annotated[Seconds, Meta(description="Seconds for one run of a reproducer.")] = 60.0
    enabled: Annotated[
        bool,
        Meta(
            description="Whether reproducers may run at all: they run the project's code. Where one file says `false`, "
            "that holds, and `block-on` finds no file for which a reproducer can be run."
        ),
    ] = True


class FixSettings(Table, frozen=True):
    """How far a repair may go."""

    rounds: Annotated[int, Meta(ge=0, le=20, description="Corrections by the fix phase per implement call.")] = 2
    attempts: Annotated[int, Meta(ge=1, le=20, description="Implement calls.")] = 2
    in_hook: Annotated[
        InHook,
        Meta(
            description="Where a repair that a hook starts runs: `background` ends the hook at once and repairs in a "
            "process of its own, `foreground` makes the hook wait."
        ),
    ] = InHook.BACKGROUND
    deadline: Annotated[Seconds, Meta(description="Seconds for the whole repair.")] = 600.0
    protected: Annotated[
        Texts, Meta(description="Path patterns that a repair may not change, besides what is always protected.")
    ] = ()
    network: Annotated[
        bool,
        Meta(
            description="As `verify.network`, while the commands try a repair, which is code that a model wrote. Needs "
            "trust when the repository asks for it."
        ),
    ] = False
    boilerplate: Annotated[
        Boilerplate,
        Meta(
            description="Who repairs documentation, configuration, test data, formatting and renames: the fix phase's "
            "model (`cheap`), the implement phase's (`expensive`), or `nobody`. A route that names a model for "
            "implement decides for its paths. `ralph-hooks route` shows what a change is taken for."
        ),
    ] = Boilerplate.CHEAP


class Budget(Struct, frozen=True, kw_only=True):
    """Caps in US dollars; 0 means that nothing may be spent."""

    per_run: Decimal = Decimal("0.50")
    per_day: Decimal = Decimal("5.00")
    per_month: Decimal = Decimal("100.00")
    unpriced: Unpriced = Unpriced.ALLOW


class RouteRule(Struct, frozen=True):
    """Models of their own for some paths, or no review of them at all."""

    paths: tuple[str, ...]
    models: Mapping[Phase, Chain]
    """Only the phases that the rule names; the others keep their models."""
    skip: bool
    label: str
    """Where it stands, for people: ``routes[0] (migrations/**)``."""
    guidelines: tuple[str, ...] = ()
    """Besides those for all paths."""


class Settings(Struct, frozen=True, kw_only=True, eq=False):
    """Everything a run goes by, with the defaults filled in."""

    on_failure: OnFailure = OnFailure.FIX
    models: Mapping[Phase, Chain] = {}
    """A phase without a model is missing."""
    routes: tuple[RouteRule, ...] = ()
    gate: GateSettings = GateSettings()
    push: GateSettings = PushSettings()
    checks: ChecksSettings = ChecksSettings()
    review: ReviewSettings = ReviewSettings()
    verify: VerifySettings = VerifySettings()
    linters: tuple[Linter, ...] = ()
    proof: ProofSettings = ProofSettings()
    fix: FixSettings = FixSettings()
    budget: Budget = Budget()
    providers: Mapping[str, Provider] = {}
    """All of them by name: built in, the repository's, the user's."""
    prices: Mapping[str, Price] = {}
    """By model, ``provider/model``."""
    store: str = ""
    """The URL of the team's store, which may hold a password; empty where this machine's own is all there is."""
    proxy: str = ""
    """The proxy on the way to providers, as `FileTable.proxy`; empty for none."""
    sensitive: tuple[tuple[str, str], ...] = ()
    """What the repository asks for that needs trust: the key, and its value as JSON with sorted keys."""
    own_files: Places = field(default_factory=lambda: CONFIGURATIONS)
    """The paths of the repository that have a say in these settings, with those that a symbolic link leads to."""
    sources: tuple[Path, ...] = ()
    """The files that had a say, the strongest last."""
    _known: dict[str, Route] = field(default_factory=dict)

    def route(self, path: str) -> Route:
        """Return what serves ``path``: the models of everything, changed by the last rule that matches."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._find(path)
        return found

    def implementers(self, path: str, kind: Kind) -> tuple[Chain, str]:
        """Return who repairs ``path``, and why; an empty chain for nobody."""
        route = self.route(path)
        chain = route.chain(Phase.IMPLEMENT)
        own = self._rule(path)
        if own is not None and Phase.IMPLEMENT in own.models:
            return chain, route.reason
        if not kind.boilerplate or self.fix.boilerplate is Boilerplate.EXPENSIVE:
            return chain, route.reason
        reason = f'{kind.value}, and fix.boilerplate is "{self.fix.boilerplate.value}"'
        return () if self.fix.boilerplate is Boilerplate.NOBODY else route.chain(Phase.FIX), reason

    def renamed(self, name: Callable[[Model], str]) -> Settings:
        """These settings with ``name`` of each model in the place of its own."""

        def chains(models: Mapping[Phase, Chain]) -> dict[Phase, Chain]:
            return {
                phase: tuple(structs.replace(model, name=name(model)) for model in chain)
                for phase, chain in models.items()
            }

        routes = tuple(structs.replace(rule, models=chains(rule.models)) for rule in self.routes)
        return structs.replace(self, models=chains(self.models), routes=routes, _known={})

    def all_guidelines(self) -> tuple[str, ...]:
        """Every file of guidelines that some path may have, each once."""
        return tuple(dict.fromkeys((*self.review.guidelines, *(g for rule in self.routes for g in rule.guidelines))))

    def all_models(self) -> tuple[Model, ...]:
        """Every model that some path may be routed to, each once."""
        groups = (self.models, *(rule.models for rule in self.routes))
        return tuple(dict.fromkeys(model for group in groups for chain in group.values() for model in chain))

    def _find(self, path: str) -> Route:
        rule = self._rule(path)
        if rule is not None:
            reason = f"{rule.label}, the last rule that matches"
            guidelines = (*self.review.guidelines, *rule.guidelines)
            return Route({**self.models, **rule.models}, rule.skip, reason, guidelines)
        reason = "the models for every path without a rule" if self.models else "no model is configured"
        return Route(self.models, skip=False, reason=reason, guidelines=self.review.guidelines)

    def _rule(self, path: str) -> RouteRule | None:
        return next((rule for rule in reversed(self.routes) if first_match(path, rule.paths) is not None), None)
