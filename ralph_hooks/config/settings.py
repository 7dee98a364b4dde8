"""Settings of a run. The tables with plain values are decoded from the file as they are declared here.

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
from ralph_hooks.core.linter import BlockAt, Linter, LinterFormat
from ralph_hooks.core.own_settings import CONFIGURATIONS, Places
from ralph_hooks.core.route import Chain, Model, Phase, Provider, Route
from ralph_hooks.core.usage import Price


class OnFailure(StrEnum):
    """The consequence of a rejected change."""

    FIX = "fix"
    BLOCK = "block"
    WARN = "warn"


class Policy(StrEnum):
    """The policy for a change that could not be reviewed."""

    OPEN = "open"
    CLOSED = "closed"


class BlockOn(StrEnum):
    """The evidence that a model's finding needs to block."""

    PROOF = "proof"
    SHOWN = "shown"
    AGREEMENT = "agreement"
    AUTO = "auto"


class Dismissing(StrEnum):
    """The dismissals that count."""

    ANY = "any"
    BASE = "base"


class Unpriced(StrEnum):
    """The policy for calls without a known price."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Stage(StrEnum):
    """The git hook of a run."""

    PRE_COMMIT = "pre-commit"
    PRE_PUSH = "pre-push"


class InHook(StrEnum):
    """The process in which a hook repairs."""

    BACKGROUND = "background"
    FOREGROUND = "foreground"


class Boilerplate(StrEnum):
    """The model that repairs a change without logic."""

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
    """The review of a change before a commit."""

    block_at: Annotated[Severity, Meta(description="The lowest severity that blocks.")] = Severity.ERROR
    min_confidence: Annotated[float, Meta(ge=0, le=1, description="Findings with a lower confidence never block.")] = (
        0.5
    )
    confirm: Annotated[bool, Meta(description="A model's finding blocks only after the verify model has agreed.")] = (
        True
    )
    block_on: Annotated[
        BlockOn,
        Meta(
            description="The evidence that a model's finding needs to block: `proof` (a reproducer proves it), "
            "`shown` (a reproducer at least shows a difference), `agreement` (the verify model agrees; "
            "no reproducer is requested), `auto` (`proof` if a reproducer can run for the file, else "
            "`agreement`). Findings without it are advice. Checks always block."
        ),
    ] = BlockOn.AUTO
    passes: Annotated[
        int,
        Meta(
            ge=1,
            le=9,
            description="The number of times that the analyze model reviews each file, each time in another order. A "
            "finding counts if more than half of the passes report it. Each pass costs as much as the first.",
        ),
    ] = 1
    exclude: Annotated[
        Texts,
        Meta(
            description="Path patterns to leave out of the review, in addition to recognised lock files, vendored "
            "and generated files. Reports list each of these paths with the reason."
        ),
    ] = ()
    deadline: Annotated[Seconds, Meta(description="Seconds for the whole hook.")] = 60.0
    when_unavailable: Annotated[
        Policy,
        Meta(
            description="The policy for a change that could not be reviewed, as during an outage: `open` lets it "
            "through and says so, `closed` blocks it with exit code 3."
        ),
    ] = Policy.OPEN
    dismissals: Annotated[
        Dismissing,
        Meta(
            description="The entries of .ralph-hooks/dismissed.toml that count: with `any`, also those that the "
            "change or your working tree adds, which every report names; with `base`, only those of the "
            "base, for CI on others' changes."
        ),
    ] = Dismissing.ANY
    when_no_key: Annotated[
        Policy,
        Meta(
            description="The policy if you have no key for any of the models: `open` lets it "
            "through and says so, at a push too; `closed` blocks it with exit code 3."
        ),
    ] = Policy.OPEN
    parallel: Annotated[int, Meta(ge=1, le=64, description="The maximum number of concurrent requests.")] = 8


class PushSettings(GateSettings, frozen=True):
    """The review of pushed commits. A key that is not set here is as in `gate`, except the two with a default here."""

    deadline: Annotated[Seconds, Meta(description="Seconds for the whole hook.")] = 600.0
    when_unavailable: Annotated[
        Policy, Meta(description="As in `gate`; the default is stricter, because a push leaves your machine.")
    ] = Policy.CLOSED


PUSH_OWN = ("deadline", "when-unavailable")
"""The keys of `push` that never come from `gate`."""


class Weakened(StrEnum):
    """The consequence of a weakened test or rule."""

    NOTE = "note"
    BLOCK = "block"
    OFF = "off"


class RuffSettings(Table, frozen=True):
    """The check `ruff`, which follows the project's own ruff configuration on the base."""

    ignore: Annotated[
        Texts,
        Meta(
            description="Codes, or beginnings of codes, that the check never reports, besides those that the project's "
            "own ruff configuration ignores."
        ),
    ] = ()


class ChecksSettings(Table, frozen=True):
    """The deterministic checks that you can configure."""

    ruff: Annotated[RuffSettings, Meta(description="The check `ruff`.")] = RuffSettings()

    weakened_tests: Annotated[
        Weakened,
        Meta(
            description="The consequence if a change removes or skips tests or assertions, suppresses diagnostics "
            "(`noqa`, `eslint-disable`, ...), lowers a coverage or lint limit, or loosens CI: `note` "
            "reports one line for each kind, `block` blocks the change, `off` turns the check off."
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
            description="Commands that must succeed, run in a scratch copy of the reviewed tree. A string is a "
            "shell command line and fails if any part of it fails. A list is a program with its "
            "arguments. A table has `run` (either of these), `cwd`, `paths` and `junit`, for parts of a "
            "repository. `{junit}` is replaced by a file name for a JUnit report; with a report, old "
            "failures do not count. Needs your approval if the repository sets it."
        ),
    ] = ()
    invariants: Annotated[
        Texts, Meta(description="Sentences that must stay true; the verify model checks each of them.")
    ] = ()
    on: Annotated[
        tuple[Stage, ...], Meta(description="The hooks in which the commands run; `fix` always runs them.")
    ] = (Stage.PRE_PUSH,)
    timeout: Annotated[Seconds, Meta(description="Seconds for one command.")] = 600.0
    network: Annotated[
        bool,
        Meta(
            description="Allow network access for the commands on changes that you commit or push. `false` leaves "
            "them only a loopback interface of their own (Linux only; elsewhere the report warns you)."
        ),
    ] = True

    share_dependencies: Annotated[
        bool,
        Meta(
            description="Share the dependencies that are installed in your working tree (`node_modules`, virtual "
            "environments, `vendor`, `target`) with the scratch copy, if the lock file is the same."
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
    """A linter or type checker of the project, run in a scratch copy. Needs your approval if the repository sets it."""

    name: Annotated[
        str,
        Meta(
            description="The name in its findings and for `RALPH_HOOKS_SKIP`.",
            extra_json_schema={"pattern": LINTER_NAME},
        ),
    ]
    run: Annotated[
        Text,
        Meta(
            description="A shell command line, run at the top of the repository or in `cwd`, that writes the findings "
            "to standard output. `{files}` is replaced by the changed files that match `paths`."
        ),
    ]
    cwd: Annotated[
        Text,
        Meta(
            description="The folder that it runs in, for a part of a monorepo: only files below it count, and "
            "`{files}` and findings are relative to it. `paths` stay relative to the top."
        ),
    ] = ""
    paths: Annotated[
        Texts,
        Meta(
            description="Path patterns: the linter runs if a change touches a matching file, and only findings in "
            "such files count. If not set, every reviewed file matches."
        ),
    ] = ()
    block_at: Annotated[
        BlockAt,
        Meta(
            description="The lowest severity of a new finding that blocks: `error` (warnings are advice) or "
            "`warning`. With `hint` nothing blocks, and only the analyze model gets the findings."
        ),
    ] = BlockAt.ERROR
    format: Annotated[
        LinterFormat,
        Meta(
            description="The output format: `sarif` (2.1.0), `mypy` (its own lines), `pyright` (`--outputjson`), "
            "`tsc` (`--pretty false`), `github` (`::error file=...::`), `gcc` (`path:line:column: "
            "severity: message [rule]`)."
        ),
    ] = LinterFormat.SARIF
    rules: Annotated[
        Texts,
        Meta(description="The only rules that block; findings of other rules are hints. If not set, all rules block."),
    ] = ()
    timeout: Annotated[Seconds, Meta(description="Seconds for one run; the hook's own `deadline` may come first.")] = (
        120.0
    )

    @property
    def linter(self) -> Linter:
        """The same for the rest of the program."""
        cwd = self.cwd.strip("/")
        return Linter(self.name, self.run, self.paths, self.block_at, self.format, self.rules, self.timeout, cwd)


class ReviewSettings(Table, frozen=True):
    """Information about the project for the models."""

    guidelines: Annotated[
        Texts,
        Meta(
            description="The project's own review rules in prose: files, or `FILE#Heading` for a section of a "
            "Markdown file. Read from the base, so that a change cannot rewrite them for itself. Models "
            "read the first 6,000 characters. Guidelines widen or narrow what models report; they "
            "overrule no check."
        ),
    ] = ()


class ProofSettings(Table, frozen=True):
    """The reproducer: the test that a model writes to prove its finding."""

    command: Annotated[
        str,
        Meta(
            description="The command that runs one test file, instead of the built-in one: `{test}` is replaced by "
            "its path. For projects that need another interpreter or environment. Needs your approval "
            "if the repository sets it."
        ),
    ] = ""
    timeout: Annotated[Seconds, Meta(description="Seconds for one run of a reproducer.")] = 60.0
    enabled: Annotated[
        bool,
        Meta(
            description="Allow reproducers, which run the project's code. If either file says `false`, no "
            "reproducer runs, and `auto` blocks on agreement."
        ),
    ] = True


class FixSettings(Table, frozen=True):
    """The limits of a repair."""

    rounds: Annotated[int, Meta(ge=0, le=20, description="Corrections by the fix phase per implement call.")] = 2
    attempts: Annotated[int, Meta(ge=1, le=20, description="Implement calls.")] = 2
    in_hook: Annotated[
        InHook,
        Meta(
            description="How a hook repairs: `background` ends the hook at once and repairs in a separate process, "
            "`foreground` makes the hook wait."
        ),
    ] = InHook.BACKGROUND
    deadline: Annotated[Seconds, Meta(description="Seconds for the whole repair.")] = 600.0
    protected: Annotated[
        Texts,
        Meta(description="Path patterns that a repair may not change, in addition to files that are always protected."),
    ] = ()
    network: Annotated[
        bool,
        Meta(
            description="As `verify.network`, for the commands that test a repair, which is model-written code. "
            "Needs your approval if the repository sets it."
        ),
    ] = False
    boilerplate: Annotated[
        Boilerplate,
        Meta(
            description="The model that repairs documentation, configuration, test data, formatting and renames: "
            "that of the fix phase (`cheap`), that of the implement phase (`expensive`), or none "
            "(`nobody`). A route with a model for implement decides for its paths. `ralph-hooks route` "
            "shows how a change is classified."
        ),
    ] = Boilerplate.CHEAP


class Budget(Struct, frozen=True, kw_only=True):
    """Caps in US dollars; 0 means that nothing may be spent."""

    per_run: Decimal = Decimal("0.50")
    per_day: Decimal = Decimal("5.00")
    per_month: Decimal = Decimal("100.00")
    unpriced: Unpriced = Unpriced.ALLOW


class RouteRule(Struct, frozen=True):
    """Other models for some paths, or no review of them."""

    paths: tuple[str, ...]
    models: Mapping[Phase, Chain]
    """Only the phases that the rule names; the others keep their models."""
    skip: bool
    label: str
    """Location of the route, for people: ``routes[0] (migrations/**)``."""
    guidelines: tuple[str, ...] = ()
    """Besides those for all paths."""


class Settings(Struct, frozen=True, kw_only=True, eq=False):
    """The settings of a run, with the defaults filled in."""

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
    """URL of the team's store, which may hold a password; empty if only this machine's own is used."""
    proxy: str = ""
    """Proxy between this machine and providers, as `FileTable.proxy`; empty for none."""
    sensitive: tuple[tuple[str, str], ...] = ()
    """Settings of the repository that need trust: the key, and its value as JSON with sorted keys."""
    own_files: Places = field(default_factory=lambda: CONFIGURATIONS)
    """The repository's paths that determine these settings, including the targets of symbolic links."""
    sources: tuple[Path, ...] = ()
    """The files that had a say, the strongest last."""
    _known: dict[str, Route] = field(default_factory=dict)

    def route(self, path: str) -> Route:
        """Return the models for ``path``: the general ones, changed by the last rule that matches."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._find(path)
        return found

    def implementers(self, path: str, kind: Kind) -> tuple[Chain, str]:
        """Return the models that repair ``path``, and the reason; an empty chain for none."""
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
        """These settings with the name of each model replaced by ``name``."""

        def chains(models: Mapping[Phase, Chain]) -> dict[Phase, Chain]:
            return {
                phase: tuple(structs.replace(model, name=name(model)) for model in chain)
                for phase, chain in models.items()
            }

        routes = tuple(structs.replace(rule, models=chains(rule.models)) for rule in self.routes)
        return structs.replace(self, models=chains(self.models), routes=routes, _known={})

    def all_guidelines(self) -> tuple[str, ...]:
        """Return every file of guidelines that some path may have, each once."""
        return tuple(dict.fromkeys((*self.review.guidelines, *(g for rule in self.routes for g in rule.guidelines))))

    def all_models(self) -> tuple[Model, ...]:
        """Return every model that some path may be routed to, each once."""
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
