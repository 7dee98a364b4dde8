"""Probes of `ralph-hooks doctor`, one function per subject. A problem that a probe finds is never raised."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from functools import partial

from msgspec import Struct

from ralph_hooks import __version__
from ralph_hooks.app.context import Context, current_folder, load_context, open_state
from ralph_hooks.app.wiring import build_caller
from ralph_hooks.cli.install import shown
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import ModelError, NoCredential
from ralph_hooks.core.ports.models import ModelClient, Prices
from ralph_hooks.core.route import Model, Phase, Provider, Wire
from ralph_hooks.core.text import money, path_line, plural
from ralph_hooks.core.usage import Price
from ralph_hooks.engine.models.ping import PingResult, ping
from ralph_hooks.engine.worker_pool import run_all
from ralph_hooks.errors import ConfigError, RalphError
from ralph_hooks.git.run import OLDEST, git_version, is_recent
from ralph_hooks.git.sandbox.shell import runs_lines
from ralph_hooks.process import can_cut_network
from ralph_hooks.providers import proxy, registry
from ralph_hooks.store.paths import Home, prepare
from ralph_hooks.store.session import TeamStoreUnavailable
from ralph_hooks.store.sqlite import Database
from ralph_hooks.store.state import State
from ralph_hooks.trust.consent import digest

_PATIENCE = 30.0  # seconds for all models together
_AT_ONCE = 8


class ProbeStatus(StrEnum):
    """The severity of a probe's result."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class ProbeLine(Struct, frozen=True):
    """The result of one probe."""

    check: str
    """The subject: ``git``, ``key``, ``model``, ``hook``, ..."""
    status: ProbeStatus
    message: str
    hint: str = ""
    """The suggested fix; empty if there is no problem."""


def ok(check: str, message: str) -> ProbeLine:
    """Return a line without a problem."""
    return ProbeLine(check, ProbeStatus.OK, message)


def warn(check: str, message: str, hint: str) -> ProbeLine:
    """Return a line about something that works but could work better."""
    return ProbeLine(check, ProbeStatus.WARN, message, hint)


def fail(check: str, message: str, hint: str) -> ProbeLine:
    """Return a line about something that to fix."""
    return ProbeLine(check, ProbeStatus.FAIL, message, hint)


def broken(check: str, error: RalphError) -> ProbeLine:
    """Return a failed line with the message of ``error``."""
    return fail(check, error.message, error.hint or "fix this and run `ralph-hooks doctor` again")


def programs() -> Iterator[ProbeLine]:
    """Yield a line each for git and Python."""
    try:
        version = git_version(current_folder())
    except RalphError as error:
        yield broken("git", error)
    else:
        recent = is_recent(version)
        yield ok("git", version) if recent else fail("git", f"{version} is too old", f"install git {OLDEST} or newer")
    yield ok("python", f"{platform.python_version()} ({sys.executable}), ralph-hooks {__version__}")


def state(home: Home) -> Iterator[ProbeLine]:
    """Yield a line on the state folder, which holds answers, approvals and the ledger."""
    try:
        prepare(home.state)
        with tempfile.TemporaryFile(dir=home.state):
            pass
        with Database(home.state) as database:
            database.transact(lambda _: None)
            troubles = database.troubles
    except RalphError as error:
        yield broken("state", error)
    except OSError as error:
        yield fail("state", f"{home.state} cannot be written: {error.strerror}", "fix its owner or permissions")
    else:
        yield from (warn("state", trouble, "nothing to do: a new one was started") for trouble in troubles)
        yield ok("state", f"{home.state} is writable")


def configuration() -> tuple[Context | None, list[ProbeLine]]:
    """Return the context, None if it cannot be loaded, and lines on its configuration."""
    try:
        context = load_context()
    except ConfigError as error:
        return None, [broken("configuration", error)]
    except RalphError as error:
        return None, [broken("repository", error)]
    settings = context.settings
    lines = [ok("repository", str(context.repository.top))]
    sources = ", ".join(shown(path, context.repository.top) for path in settings.sources)
    if not sources:
        lines.append(warn("configuration", "none found: only the checks run", "`ralph-hooks init` creates one"))
    elif not settings.models:
        lines.append(warn("configuration", f"{sources}: no model is configured", "`ralph-hooks init` suggests some"))
    else:
        without = [phase.value for phase in Phase if not settings.models.get(phase)]
        lines.append(
            warn("configuration", f"{sources}: no model for {', '.join(without)}", "set cheap and expensive")
            if without
            else ok("configuration", sources)
        )
    return context, lines


def store(context: Context) -> Iterator[ProbeLine]:
    """Yield a line on the team's store, if there is one: does it answer, and what is queued for it?"""
    try:
        with open_state(context.home, context.settings) as state:
            yield from _team(state)
    except RalphError as error:
        yield broken("store", error)


def _team(state: State) -> Iterator[ProbeLine]:
    team = state.team
    if team is None:
        return
    waiting = team.waiting()
    count = f"{plural(waiting.verdicts, 'verdict')} and {plural(waiting.calls + waiting.remembered, 'ledger row')}"
    try:
        server, schema, seconds = team.examine()
    except TeamStoreUnavailable as error:
        yield warn("store", f"{team.shown} {error}; {count} wait to be sent", "the local store is used until then")
    else:
        sent = f"; {count} were waiting and are sent now" if waiting else ""
        yield ok("store", f"{team.shown}: PostgreSQL {server}, schema {schema}, {seconds * 1000:.0f} ms{sent}")
    if left := team.elsewhere():
        yield warn(
            "store",
            f"{plural(left, 'row')} of verdicts and ledger wait for a store at another address",
            "`RALPH_HOOKS_STORE=URL ralph-hooks doctor` with that address sends them",
        )


def dismissed(context: Context) -> Iterator[ProbeLine]:
    """Yield a line on dismissals that no longer match any code."""
    from ralph_hooks.app.dismissals import expired
    from ralph_hooks.git.dismissals import entries_of

    try:
        entries = entries_of(context.repository)
        gone = expired(context.repository, entries)
    except RalphError as error:
        yield broken("dismissals", error)
        return
    if gone:
        names = ", ".join(f"{entry.id[:8]} ({path_line(entry.path)})" for entry in gone[:5])
        yield warn(
            "dismissals",
            f"{plural(len(gone), 'dismissal')} of {len(entries):,} matched no code: {names}",
            "remove them: ralph-hooks dismiss --prune",
        )
    elif entries:
        yield ok("dismissals", f"{plural(len(entries), 'finding')} dismissed, all about existing code")


def consent(context: Context) -> tuple[bool, ProbeLine]:
    """Return True if the repository's permissions are approved, and the line that says so."""
    if not context.permissions:
        return True, ok("trust", "the repository's configuration asks for nothing that needs your approval")
    try:
        approved = context.consent.approved(context.key, context.permissions)
    except RalphError as error:
        return False, broken("trust", error)
    wanted = ", ".join(permission.key for permission in context.permissions)
    if approved:
        return True, ok("trust", f"{wanted}: approved")
    hint = f"review it with `ralph-hooks trust` (in CI: RALPH_HOOKS_TRUST={digest(context.permissions)})"
    return False, fail("trust", f"{wanted}: not approved, so nothing is reviewed", hint)


def shell(context: Context) -> Iterator[ProbeLine]:
    """Yield a line on the shell that runs verify commands given as command lines."""
    if not any(isinstance(command.run, str) for command in context.settings.verify.command_list):
        return
    program = runs_lines(os.environ)
    if program != "sh":
        yield ok("shell", f"verify commands run under {program} and fail if any part of a pipe fails")
    else:
        message = "verify commands run under sh, which may miss a failure inside a pipe"
        yield warn("shell", message, "install bash")


def network(context: Context) -> Iterator[ProbeLine]:
    """Yield a line on network isolation for model-written code, if there is anything to test it with."""
    settings = context.settings
    if not settings.verify.commands:
        return
    if settings.fix.network and settings.verify.network:
        yield ok("network", "verify commands have network access, for repairs too (fix.network = true)")
    elif can_cut_network():
        yield ok(
            "network",
            "repairs are tested with the network off"
            if settings.verify.network
            else "verify commands run with the network off",
        )
    else:
        yield warn(
            "network",
            "this system cannot isolate the network: verify commands test model-written code with network access",
            "on Linux allow user namespaces (sysctl user.max_net_namespaces, or AppArmor's"
            " kernel.apparmor_restrict_unprivileged_userns); elsewhere use a container or a virtual machine",
        )


def keys(context: Context) -> tuple[frozenset[Model], list[ProbeLine]]:
    """Return the usable models, and a line for each provider in use: has it the key or program that it needs?"""
    models = context.settings.all_models()
    client = registry.client(os.environ)
    missing = {provider: _missing(client, provider) for provider in dict.fromkeys(model.provider for model in models)}
    ready = frozenset(model for model in models if not missing[model.provider])
    lost = _lost(context, ready)
    lines = []
    for provider, (check, message, hint) in ((each, missing[each] or _present(each)) for each in missing):
        serious = any(model.provider == provider for model in lost)
        status = (ProbeStatus.FAIL if serious else ProbeStatus.WARN) if hint else ProbeStatus.OK
        lines.append(ProbeLine(check, status, message, hint))
    return ready, lines


def _present(provider: Provider) -> tuple[str, str, str]:
    if provider.wire is Wire.AGENT:
        return "agent", f"{provider.name}: {shutil.which(_program(provider))}", ""
    if provider.api_key_env and (os.environ.get(provider.api_key_env) or not provider.api_key_command):
        what = f"{provider.api_key_env} is there"
    elif provider.api_key_command:
        what = f"{provider.api_key_command[0]} prints it"
    else:
        what = "no key is needed"
    return "key", f"{provider.name}: {what}", ""


def _program(agent: Provider) -> str:
    return (agent.command or agent.ask)[0]


def _missing(client: ModelClient, provider: Provider) -> tuple[str, str, str] | None:
    """Return the subject, the problem and the fix for a ``provider`` that cannot be used. Never shows the key."""
    if provider.wire is Wire.AGENT:
        program = _program(provider)
        if shutil.which(program):
            return None
        return "agent", f"{provider.name}: {program} was not found on PATH", f"install {program}"
    try:
        client.ready(Model(provider, ""))
    except NoCredential as fault:
        variable = provider.api_key_env
        hint = f"export {variable}=... in your shell's profile" if variable else "install it, or export the variable"
        return "key", str(fault), hint
    except ModelError as fault:
        return "key", f"{provider.name}: {fault}", f"set {provider.api_key_env} again"
    return None


def _lost(context: Context, alive: Collection[Model]) -> frozenset[Model]:
    """Return the models of chains in which no model is alive: one that answers is enough for its chain."""
    groups = (context.settings.models, *(rule.models for rule in context.settings.routes))
    chains = [chain for group in groups for chain in group.values()]
    return frozenset(model for chain in chains if not any(each in alive for each in chain) for model in chain)


def prices(context: Context, state: State) -> Iterator[ProbeLine]:
    """Yield a line on models whose price is unknown."""
    _, _, catalogue = build_caller(context, state, "doctor", Deadline(_PATIENCE, time.monotonic))
    for model in context.settings.all_models():
        if model.provider.wire is not Wire.AGENT:
            yield _price(model, catalogue)


def _price(model: Model, catalogue: Prices) -> ProbeLine:
    price = catalogue.price(model)
    if price is None:
        hint = f'the budget cannot count it: add input and output to [tool.ralph-hooks.prices."{model.id}"]'
        return warn("price", f"{model.id}: no known price", hint)
    return ok("price", f"{model.id}: {_per_million(price)}")


def _per_million(price: Price) -> str:
    if price.input == price.output == 0:
        return "free"
    return f"{money(price.input)} in, {money(price.output)} out, per million tokens"


def answers(context: Context, state: State, ready: Collection[Model]) -> Iterator[ProbeLine]:
    """Yield a line for each of ``ready``: does it answer a small question? The ledger counts these requests."""
    deadline = Deadline(_PATIENCE, time.monotonic)
    caller, _, _ = build_caller(context, state, "doctor", deadline)
    serving = _phases(context)
    models = [
        model for model in serving if model in ready and (model.provider.wire is not Wire.AGENT or model.provider.ask)
    ]
    jobs = [partial(ping, caller, model, serving[model]) for model in models]
    try:
        found = run_all(jobs, workers=_AT_ONCE, deadline=deadline)
    finally:
        caller.close()
    trials = {
        model: trial or PingResult(problem=f"no answer within {_PATIENCE:.0f} s")
        for model, trial in zip(models, found, strict=True)
    }
    lost = _lost(context, [model for model in ready if model not in trials or not trials[model].problem])
    for model, trial in trials.items():
        yield _answer(model, trial, "" if context.settings.proxy else proxy.named(os.environ), serious=model in lost)


def _answer(model: Model, trial: PingResult, unused: str, *, serious: bool) -> ProbeLine:
    """Return the line for one model; ``unused`` is the variable of a proxy that has no approval."""
    if trial.problem:
        hint = "check its name, its key and the network (`ralph-hooks doctor --offline` sends nothing)"
        if unused and model.provider.base_url.startswith("https:"):
            hint += f'; the proxy in {unused} is used once your own config.toml says proxy = "environment"'
        return ProbeLine(
            "model", ProbeStatus.FAIL if serious else ProbeStatus.WARN, f"{model.id}: {trial.problem}", hint
        )
    return ok("model", f"{model.id}: {trial.summary}")


def _phases(context: Context) -> Mapping[Model, Phase]:
    """Map each model to a phase that it serves, for the ledger."""
    groups = (context.settings.models, *(rule.models for rule in context.settings.routes))
    found: dict[Model, Phase] = {}
    for group in groups:
        for phase, chain in group.items():
            for model in chain:
                found.setdefault(model, phase)
    return found


def verdict(lines: list[ProbeLine]) -> str:
    """Return a summary of all lines in one sentence."""
    failed = sum(line.status is ProbeStatus.FAIL for line in lines)
    warned = sum(line.status is ProbeStatus.WARN for line in lines)
    if failed:
        return f"{plural(failed, 'thing')} to fix."
    return f"ralph-hooks works; {plural(warned, 'thing')} could be better." if warned else "No problems found."
