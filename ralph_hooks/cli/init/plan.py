"""The plan of `ralph-hooks init`, complete before anything is changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ralph_hooks import config
from ralph_hooks.app.agent_hooks import install as agent_hooks
from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from ralph_hooks.app.context import Context
from ralph_hooks.cli.init.agent_rules import rules
from ralph_hooks.cli.init.detect import NATIVE, Detected
from ralph_hooks.cli.init.model_choice import Ping, Proposal, costs, propose
from ralph_hooks.cli.install import called_by, hooks_folder
from ralph_hooks.config import Settings, edit
from ralph_hooks.core.guidance import proposed
from ralph_hooks.core.own_settings import CONFIGURATION, CONFIGURATIONS, OWN_FILE
from ralph_hooks.errors import ConfigError, RalphError
from ralph_hooks.git.hooks import managers, native
from ralph_hooks.git.hooks.manager_config import HookEntry, entry_for
from ralph_hooks.git.hooks.script import HOOKS, PRE_PUSH
from ralph_hooks.process import temporary_folder
from ralph_hooks.providers import registry
from ralph_hooks.store.prices import Catalogue

_ONE_REF = ("pre-commit", "prek")  # these managers pass on only one of several pushed refs


class SetupPlan(Struct, frozen=True):
    """The planned changes."""

    files: tuple[HookEntry, ...] = ()
    native: tuple[str, ...] = ()
    """Native hooks to install."""
    programs: tuple[tuple[str, ...], ...] = ()
    """Commands that install another manager's hooks."""
    agents: tuple[str, ...] = ()
    """Coding agents whose hook is to be installed."""
    costs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    """Models that were asked a question, and how they answered."""
    notes: tuple[str, ...] = ()
    """Steps that only the user can take."""

    @property
    def changes(self) -> bool:
        """True if there is anything to do."""
        return bool(self.files or self.native or self.programs or self.agents)


def make_plan(
    context: Context,
    around: Detected,
    prices: Catalogue,
    *,
    cheap: str,
    expensive: str,
    tests: bool,
    linters: bool,
    wanted: str,
    agent_rules: bool,
    ping: Ping | None = None,
) -> SetupPlan:
    """Return the plan. Raises ConfigError if the configuration that it would write is invalid.

    With ``ping`` a model is proposed only if it answers.
    """
    proposal = _models(context, around, prices, cheap, expensive, ping)
    values = dict(proposal.values)
    commands = [suite.written for suite in around.tests.suites]
    if tests and commands and not context.settings.verify.commands:
        values["verify"] = {"commands": commands}
    if not context.settings.review.guidelines and (guidelines := proposed(_prose(context.repository.top))):
        values["review"] = {"guidelines": guidelines}
    if linters and not context.settings.linters:
        read = bool(context.settings.models or proposal.values)  # without a model, hints have no reader
        values |= _linters(around, hints=read)
    written = _configuration(context, values) if values else None
    settings = _checked(context, written, prices) if written else context.settings
    routes = _Hooks(context, around, wanted)
    advice = rules(context.repository.top) if agent_rules else None
    return SetupPlan(
        files=(*(entry for entry in (written, advice) if entry), *routes.files.values()),
        native=tuple(routes.native),
        programs=tuple(routes.programs),
        agents=tuple(_agents(context, settings)) if wanted != "none" else (),
        costs=tuple(costs(settings.models, prices)),
        remarks=(*proposal.remarks, *(around.tests.warnings if tests and not context.settings.verify.commands else ())),
        tried=proposal.tried,
        notes=tuple(routes.notes),
    )


def _prose(top: Path) -> dict[str, str]:
    """Return the files that may hold review rules, by path."""
    return {
        name: (top / name).read_text(encoding="utf-8", errors="replace")
        for name in ("REVIEW.md", ".github/REVIEW.md", "docs/REVIEW.md", "AGENTS.md", "CLAUDE.md")
        if (top / name).is_file()
    }


def _linters(around: Detected, *, hints: bool) -> Mapping[str, Any]:
    tables = [linter.written for linter in around.linters if hints or linter.rules]
    return {"linters": tables} if tables else {}


def _agents(context: Context, settings: Settings) -> Iterator[str]:
    """Yield the coding agents that are in use here and support a review hook."""
    for name in dict.fromkeys(model.provider.name for model in settings.all_models()):
        if name in CONVENTIONS and agent_hooks.state(context.repository, CONVENTIONS[name]) is None:
            yield name


def _models(
    context: Context, around: Detected, prices: Catalogue, cheap: str, expensive: str, ping: Ping | None
) -> Proposal:
    if not context.settings.models:
        return propose(around, context.settings.providers, prices, cheap=cheap, expensive=expensive, ping=ping)
    if cheap or expensive:
        sources = ", ".join(map(str, context.settings.sources))
        raise RalphError(f"models are already configured ({sources})", "change them there")
    return Proposal({})


def _configuration(context: Context, values: Mapping[str, Any]) -> HookEntry:
    """Return the new content of our settings file: pyproject.toml if there is one."""
    top = context.repository.top
    own, shared = top / OWN_FILE, top / CONFIGURATION
    path = own if own in context.settings.sources or not shared.exists() else shared
    prefix = CONFIGURATIONS[path.name]
    before = path.read_bytes().decode("utf-8") if path.exists() else None  # already parsed as configuration before
    return HookEntry(path, before, edit.added(before or "", values, prefix), edit.render(values, prefix))


def _checked(context: Context, written: HookEntry, prices: Catalogue) -> Settings:
    """Return the settings in ``written``. Raises ConfigError if they are invalid."""
    with temporary_folder() as folder:
        Path(folder, written.path.name).write_bytes(written.after.encode("utf-8"))
        try:
            settings = config.load(Path(folder), context.home.config, registry.built_in())
        except ConfigError as error:
            message = error.message.replace(folder, str(context.repository.top))
            raise ConfigError(f"the planned configuration is not valid: {message}", error.hint) from error
    return settings.renamed(prices.full_name)


class _Hooks:
    """The planned setup of each hook."""

    def __init__(self, context: Context, around: Detected, wanted: str) -> None:
        self._place = context
        self._manager = NATIVE if wanted == NATIVE else around.manager
        self._file = around.manager_file
        self.files: dict[Path, HookEntry] = {}
        self.native: list[str] = []
        self.programs: list[tuple[str, ...]] = []
        self.notes: list[str] = []
        for name in HOOKS if wanted != "none" else ():
            try:
                self._arrange(name)
            except RalphError as error:
                self.notes.append(f"{name}: {error.message}" + (f"\n-> {error.hint}" if error.hint else ""))

    def _arrange(self, name: str) -> None:
        folder = native.folder(self._place.repository)
        state = native.inspect(folder, name)
        if state.ours is not None or called_by(self._place, state) is not None:
            return
        if self._manager == NATIVE or self._file is None or (name == PRE_PUSH and self._manager in _ONE_REF):
            hooks_folder(self._place, None)  # raises if others share the folder
            self.native.append(name)
            return
        if managers.calls_us(self._place.repository.top, self._manager, name) is None:
            before = self.files.get(self._file)
            entry = entry_for(self._manager, self._file, name, before)
            self.files[entry.path] = entry
            self.notes += list(self._hints())
        if state.other != self._manager:
            self._install(name)

    def _install(self, name: str) -> None:
        args = tuple(managers.installer(self._manager, name).split())
        if self._manager == "husky":  # it would be downloaded
            self.notes.append(f"run `{' '.join(args)}`")
        elif args not in self.programs:
            self.programs.append(args)

    def _hints(self) -> Iterator[str]:
        if not shutil.which("ralph-hooks"):
            note = f"put ralph-hooks on PATH: {self._manager} looks for it there"
            if note not in self.notes:
                yield note
