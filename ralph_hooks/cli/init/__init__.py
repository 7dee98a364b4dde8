"""``ralph-hooks init``."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from ralph_hooks.app.agent_hooks import install as agent_hooks
from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from ralph_hooks.app.context import Context, load_context, open_state
from ralph_hooks.app.wiring import build_caller
from ralph_hooks.cli import trust
from ralph_hooks.cli.init.detect import NATIVE, Detected, detect
from ralph_hooks.cli.init.plan import SetupPlan, make_plan
from ralph_hooks.cli.init.trial import CommitHook, try_commit_hook
from ralph_hooks.cli.install import hooks_folder, install_one, shown
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.route import Model, Phase
from ralph_hooks.core.text import visible
from ralph_hooks.engine.models.ping import PingResult, ping
from ralph_hooks.errors import RalphError
from ralph_hooks.process import run
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.state import State

_PATIENCE = 30.0  # seconds for one model to answer: an agent needs some to start
HELP = """\
Set up a repository: find keys in the environment, servers on this machine, coding agents, the hook manager, the test
command and the linters; propose a configuration with the cost of a commit; and, if you agree, write it into
pyproject.toml (.ralph-hooks.toml if there is none), add the hook and ask for your approval of what the configuration
may run.

It only adds lines and changes none. It asks each model that it proposes to review a sample of one line; if the answer
is unusable, it proposes the next one. Nothing of your code is sent, and the ledger records the cost. Running it twice
changes nothing.

\b
Examples:
  ralph-hooks init
  ralph-hooks init --dry-run                                show the plan only, ask no model
  ralph-hooks init --yes --cheap openai/gpt-6-luna          in scripts
"""


@click.command("init", help=HELP)
@click.option("--yes", is_flag=True, help="Apply the plan without asking.")
@click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
@click.option("--offline", is_flag=True, help="Send no requests to the models.")
@click.option("--cheap", metavar="MODEL", default="", help="The model for reviews and corrections, as provider/model.")
@click.option("--expensive", metavar="MODEL", default="", help="The model that writes repairs.")
@click.option("--tests/--no-tests", default=True, help="Add the test command.")
@click.option("--linters/--no-linters", default=True, help="Add the linters that the project configures.")
@click.option(
    "--hooks",
    "wanted",
    type=click.Choice(["auto", NATIVE, "none"]),
    default="auto",
    show_default=True,
    help="The hook manager in use, native hooks, or none.",
)
@click.option("--agent-rules", is_flag=True, help="Tell coding agents in AGENTS.md how to work with ralph-hooks.")
def command(
    *,
    yes: bool,
    dry_run: bool,
    offline: bool,
    cheap: str,
    expensive: str,
    tests: bool,
    linters: bool,
    wanted: str,
    agent_rules: bool,
) -> None:
    """Detect, propose, ask and write."""
    context = load_context()
    around = detect(context)
    _tell("Found", _found(context, around))
    with open_state(context.home) as state:
        prices = Catalogue(context.settings.prices, Verdicts(state.database))
        plan = make_plan(
            context,
            around,
            prices,
            cheap=cheap,
            expensive=expensive,
            tests=tests,
            linters=linters,
            wanted=wanted,
            agent_rules=agent_rules,
            ping=None if offline or dry_run else partial(_ping, context, state),
        )
    if not plan.changes:
        _tell("Tried", plan.tried)
        _tell("Note", plan.remarks)
        _tell("For you to do", plan.notes)
        hook = try_commit_hook(context)
        if hook.works or wanted == "none":
            click.echo("\nThere is nothing to set up: everything is already in place.")
        if not hook.works:
            _say_unjudged(hook)
        return
    _show(context, plan)
    if dry_run:
        return
    if not yes and not _agreed():
        click.echo("Nothing was changed.")
        return
    _carry_out(context, plan)
    _ask_for_trust(context, yes=yes)
    _conclude(context, plan)


def _ping(context: Context, state: State, model: Model, phase: Phase) -> PingResult | None:
    """Ask ``model`` one question, unless the repository defines its provider and you have not approved that."""
    wanted = {permission.key for permission in context.permissions}
    if f"providers.{model.provider.name}" in wanted and not context.consent.approved(context.key, context.permissions):
        return None
    click.echo(f"ralph-hooks: asking {visible(model.id)} a question", err=True)
    caller, _, _ = build_caller(context, state, "init", Deadline(_PATIENCE, time.monotonic))
    try:
        return ping(caller, model, phase)
    finally:
        caller.close()


def _conclude(context: Context, plan: SetupPlan) -> None:
    """Report whether commits are judged from now on, after testing it, and which files to commit."""
    hook = try_commit_hook(load_context())
    if hook.works:
        click.echo("\nralph-hooks reviews every `git commit` from now on. `ralph-hooks doctor` tests each model.")
        click.echo(f"  {visible(hook.what)}")
    else:
        _say_unjudged(hook)
    top = context.repository.top
    written = [shown(entry.path, top) for entry in plan.files if entry.path.is_relative_to(top)]
    if written:
        words = " ".join(map(shlex.quote, written))
        click.echo(f"\nCommit these files, so that everybody on the project gets them:\n  git add {visible(words)}")
        click.echo("  git commit -m 'Review changes with ralph-hooks'")


def _say_unjudged(hook: CommitHook) -> None:
    click.echo(f"\n`git commit` is NOT reviewed yet: {visible(hook.what)}")
    if hook.hint:
        click.echo(f"  -> {visible(hook.hint)}")


def _found(context: Context, around: Detected) -> Sequence[str]:
    nothing = "none"
    file = around.manager_file
    manager = f"{around.manager} ({shown(file, context.repository.top)})" if file else "no hook manager found"
    servers = [f"{name} ({', '.join(models[:3])})" for name, models in around.servers.items()]
    tests = [f"{suite.shown} ({suite.why})" for suite in around.tests.suites]
    linters = [f"{linter.name} ({linter.why})" for linter in around.linters]
    return (
        f"keys           {', '.join(around.keys) or nothing}",
        f"local servers  {', '.join(servers) or nothing}",
        f"coding agents  {', '.join(around.agents) or nothing}",
        f"hooks          {manager}",
        f"tests          {'; '.join(tests) or nothing}",
        f"linters        {', '.join(linters) or nothing}",
    )


def _show(context: Context, plan: SetupPlan) -> None:
    top = context.repository.top
    for entry in plan.files:
        verb = "is created with" if entry.before is None else "gets"
        click.echo(f"\n{shown(entry.path, top)} {verb}:")
        for line in entry.lines.rstrip().splitlines():
            click.echo(f"    {visible(line)}".rstrip())
    hooks = [f"native {hook} hook" for hook in plan.native] + [f"run {' '.join(args)}" for args in plan.programs]
    hooks += [f"{name}'s own hook, in {CONVENTIONS[name].file}" for name in plan.agents]
    _tell("Tried", plan.tried)
    _tell("Then", hooks)
    _tell("It costs", plan.costs)
    _tell("Note", plan.remarks)
    _tell("For you to do", plan.notes)


def _tell(title: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo(f"\n{title}:" if title != "Found" else f"{title}:")
    for line in lines:
        first, *rest = visible(line).rstrip().split("\n")
        click.echo("\n".join([f"  {first}", *(f"    {each}" for each in rest)]))


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise RalphError(
            "cannot ask for confirmation without a terminal; nothing was changed",
            "run `ralph-hooks init --yes` to apply the plan without asking",
        )
    click.echo()
    return click.confirm("Do this?", default=True)


def _carry_out(context: Context, plan: SetupPlan) -> None:
    click.echo()
    for entry in plan.files:
        replace_file(entry.path, entry.before, entry.after)
        click.echo(f"{shown(entry.path, context.repository.top)}: written")
    if plan.native:
        written = load_context()  # with the policies just written
        folder = hooks_folder(written, None)
        for hook in plan.native:
            click.echo(visible(install_one(written, folder, hook)))
    for args in plan.programs:
        _run(args, context.repository.top)
    for name in plan.agents:
        click.echo(visible(agent_hooks.install(context.repository, CONVENTIONS[name])))


def _run(args: tuple[str, ...], top: Path) -> None:
    words = " ".join(args)
    program = shutil.which(args[0]) or shutil.which(args[0], path=str(Path(sys.executable).parent))
    if program is None:
        click.echo(f"{args[0]} is not on PATH: install it, then run `{words}`")
        return
    done = run([program, *args[1:]], cwd=top)
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        raise RalphError(f"`{words}` failed with exit code {done.returncode}: {said}", "fix this and run it again")
    click.echo(f"{words}: done")


def _ask_for_trust(before: Context, *, yes: bool) -> None:
    """Ask for approval of the settings just written, never of those that the repository had before."""
    context = load_context()
    if context.consent.approved(context.key, context.permissions):
        return
    click.echo()
    trust.show(context)
    ours = not before.permissions or before.consent.approved(before.key, before.permissions)
    if (yes and ours) or (not yes and sys.stdin.isatty() and click.confirm("Approve?", default=False)):
        context.consent.approve(context.key, context.permissions)
        click.echo("Approved.")
    else:
        click.echo("Not approved: ralph-hooks reviews nothing until you approve with `ralph-hooks trust`.")


def replace_file(path: Path, before: str | None, after: str) -> None:
    """Write ``after`` to ``path`` atomically; its mode and a symbolic link are kept.

    Raises RalphError if ``path`` no longer holds ``before`` (None: does not exist), or cannot be written.
    """
    real = path.resolve()
    temporary = real.with_name(f".{real.name}.{os.getpid()}.ralph-tmp")
    try:
        if _read(real) != before:
            raise RalphError(
                f"{path} was changed by another program meanwhile; it was left as it is", "run the command again"
            )
        try:
            with temporary.open("xb") as file:
                file.write(after.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            if before is not None:
                shutil.copymode(real, temporary)
            temporary.replace(real)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RalphError(f"{path} cannot be written: {error.strerror}", "fix its owner or permissions") from error


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
