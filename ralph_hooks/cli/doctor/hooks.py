"""Probes of the hooks: are commits and pushes judged, and by which hook?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from ralph_hooks.app.agent_hooks import install as agent_hooks
from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from ralph_hooks.app.context import Context
from ralph_hooks.cli.doctor.probes import ProbeLine, ProbeStatus, broken, fail, ok, warn
from ralph_hooks.cli.install import called_by, shown
from ralph_hooks.config import Policy
from ralph_hooks.errors import RalphError
from ralph_hooks.git.hooks import managers, native
from ralph_hooks.git.hooks.native import Folder, HookState
from ralph_hooks.git.hooks.script import HOOKS, PRE_PUSH, VERSION


def installed(context: Context) -> Iterator[ProbeLine]:
    """Yield a line for each hook: does it judge, which one is it, and does another hook run before it?"""
    try:
        folder = native.folder(context.repository)
        found = [hook_line(context, folder, name) for name in HOOKS]
    except RalphError as error:
        yield broken("hook", error)
        return
    if any(line.status is ProbeStatus.OK for line in found):  # a user may want only one of the two
        found = [_milder(line) for line in found]
    yield from found


def agents(context: Context) -> Iterator[ProbeLine]:
    """Yield a line for each hook in an agent's settings: does it work?"""
    for agent in CONVENTIONS.values():
        try:
            trouble = agent_hooks.state(context.repository, agent)
        except RalphError as error:
            yield broken("agent-hook", error)
            continue
        if trouble is None:
            continue
        again = f"`ralph-hooks uninstall --agent {agent.name}`, then `ralph-hooks install --agent {agent.name}`"
        if trouble:
            yield warn("agent-hook", f"{agent.name}: {agent.file} {trouble}", again)
        elif not shutil.which("ralph-hooks"):
            yield warn("agent-hook", f"{agent.name}: ralph-hooks, which it runs, is not on PATH", "put it on PATH")
        else:
            yield ok("agent-hook", f"{agent.name}: its work is reviewed when it finishes a turn ({agent.file})")


def _milder(line: ProbeLine) -> ProbeLine:
    return ProbeLine(line.check, ProbeStatus.WARN, line.message, line.hint) if line.status is ProbeStatus.FAIL else line


def hook_line(context: Context, folder: Folder, name: str) -> ProbeLine:
    """Return the line for the hook that git runs as ``name``. Raises GitError if it cannot be read."""
    state = native.inspect(folder, name)
    where = shown(state.path, context.repository.top)
    caller = called_by(context, state)
    if caller is not None and name == PRE_PUSH and managers.keeps_lines_back(state.other, caller):
        hint = "add `use_stdin: true` to the job in that file"
        return fail(
            "hook", f"{name}: {state.other} does not pass on git's list of pushed refs: no push is reviewed", hint
        )
    if caller is not None:
        return ok("hook", f"{name}: {state.other} runs ralph-hooks ({shown(caller, context.repository.top)})")
    if state.ours is not None and state.found is not None:
        return _native(context, state, where)
    configured = next(((each, file) for each, file in _configured(context, name) if each != state.other), None)
    if configured is not None:
        manager, file = configured
        hint = f"`{managers.installer(manager, name)}`"
        return fail("hook", f"{name}: {file} runs ralph-hooks, but {manager}'s hook is not installed", hint)
    noun = name.removeprefix("pre-")
    if state.other:
        whose = "a script" if state.other == managers.OTHER else f"{state.other}'s script"
        return fail("hook", f"{name}: {whose} is installed and does not run ralph-hooks ({where})", _install(name))
    return fail("hook", f"{name}: no {noun} is reviewed ({where})", _install(name))


def _install(name: str) -> str:
    return f"`ralph-hooks install --hook {name}`"


def _configured(context: Context, hook: str) -> Iterator[tuple[str, str]]:
    top = context.repository.top
    for manager, _ in managers.used(top):
        file = managers.calls_us(top, manager, hook)
        if file is not None:
            yield manager, shown(file, top)


def _native(context: Context, state: HookState, where: str) -> ProbeLine:
    """Return the line for our native hook: is it intact, first in order and up to date?"""
    trouble = next(_troubles(context, state, where), None)
    if trouble is not None:
        return trouble
    if state.ours != state.path:
        return ok("hook", f"{state.hook}: {state.other} runs the native hook as its legacy hook ({where})")
    return ok("hook", f"{state.hook}: native hook, runs first ({where})")


def _troubles(context: Context, state: HookState, where: str) -> Iterator[ProbeLine]:
    found, name, again = state.found, state.hook, _install(state.hook)
    assert found is not None  # otherwise it is not our hook
    if found.edited:
        yield warn(
            "hook", f"{name}: {where} was edited by hand", f"move your lines to another file, rm {where}, then {again}"
        )
    if state.ours == state.path and not state.runs:
        yield fail("hook", f"{name}: {where} is not executable, so git ignores it", again)
    on_path = shutil.which("ralph-hooks")
    if found.python and not os.access(found.python, os.X_OK):
        gone = f"{name}: {found.python}, which it runs, no longer exists"
        yield warn("hook", f"{gone}; it falls back to {on_path}", again) if on_path else fail("hook", gone, again)
    if not found.python and not found.edited and not on_path:
        yield fail("hook", f"{name}: {where} looks for ralph-hooks on PATH, where it is not", "put it on PATH")
    if not found.edited and found.version < VERSION:
        yield warn("hook", f"{name}: {where} was written by an older ralph-hooks", again)
    limits = context.settings.push if name == PRE_PUSH else context.settings.gate
    if found.closed is not (limits.when_unavailable is Policy.CLOSED):
        policy = "closed" if found.closed else "open"
        yield warn("hook", f"{name}: {where} was installed with when-unavailable = {policy}", again)
    twice = next(_configured(context, name), None) if found.kept else None
    if twice is not None:
        hint = f"`ralph-hooks uninstall --hook {name}`, or remove ralph-hooks from that file"
        yield warn("hook", f"{name}: reviewed twice, by the native hook and through {twice[1]}", hint)
