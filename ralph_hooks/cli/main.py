"""The entry point: find the command, and turn every error into a message without a traceback."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import click

from ralph_hooks import __version__
from ralph_hooks.app import signals
from ralph_hooks.core.text import visible
from ralph_hooks.errors import ExitCode, RalphError

COMMANDS = {
    "gate": "Review the staged change, a commit, a range or the working tree.",
    "analyze": "Review it without running your commands.",
    "verify": "Run only your verify commands and invariants.",
    "pre-push": "Review what is pushed; for git's pre-push hook.",
    "fix": "Repair a rejected change in a scratch copy, check the repair, store it.",
    "show": "Show the last report, an earlier one, a reproducer or a stored fix.",
    "apply": "Apply a stored fix to the working tree.",
    "dismiss": "Dismiss findings that are wrong or accepted, while their code is the same.",
    "undo": "Revert the last applied fix.",
    "route": "Show which model would run, why and for how much; send nothing.",
    "stats": "Show how precise the gate is in real use, and the cost of a true finding.",
    "cost": "Show what the models cost, and what the expensive one would have cost.",
    "comment": "Post the report on a pull or merge request.",
    "agent-hook": "Review a coding agent's work; for the agent's own hook.",
    "mcp": "Serve review, show, apply and stats over the Model Context Protocol.",
    "init": "Set up a repository: models, tests, hooks.",
    "install": "Install git hooks, keeping your existing ones.",
    "uninstall": "Remove the hooks and restore the previous ones.",
    "doctor": "Check the setup and suggest fixes.",
    "trust": "Show and approve what this repository's configuration may do.",
    "backtest": "Measure the gate on labelled changes or your own history.",
}
"""Every command with its line in --help. Its code is in the file of that name (- becomes _), imported on use."""

_PATIENCE = 0.5  # seconds
_FULL = {errno.ENOSPC, errno.EDQUOT}


class _Interrupted(BaseException):
    """Ctrl-C in a command. click handles KeyboardInterrupt itself and would block on writing an empty line."""


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupted from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ralph_hooks.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command. Raises click.UsageError with the nearest name for an unknown one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{visible(args[0])}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 pass, 1 rejected, 2 wrong usage or configuration, 3 not reviewed, 4 not trusted yet, "
    "130 interrupted.",
)
@click.version_option(__version__, prog_name="ralph-hooks")
def cli() -> None:
    """Review each change with free checks and a cheap model; call the expensive model only for repairs."""


def main() -> NoReturn:
    """Run the command line and exit with one of `ExitCode`."""
    gc.set_threshold(100_000)  # most objects of a short run live to its end: collecting garbage costs 3 ms
    signals.catch()
    signals.follow_git(os.environ)
    try:
        code = run()
    except KeyboardInterrupt:  # a second signal during the first one's message
        code = ExitCode.INTERRUPTED
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Exit at once: tearing down the interpreter costs 14 ms and has no effect left."""
    from ralph_hooks.process import clear_away

    clear_away()
    if code == ExitCode.INTERRUPTED:
        _briefly(_flush)
    else:
        _flush()
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # None if it was closed
            with suppress(OSError):  # the reader has gone
                stream.flush()


def _briefly(tell: Callable[[], None]) -> None:
    """Write a message with a timeout: a stopped pager may be the very process that was interrupted."""
    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    thread.join(_PATIENCE)


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; every error becomes a message."""
    try:
        code = cli.main(args=args, prog_name="ralph-hooks", standalone_mode=False)
        return int(code or ExitCode.PASS)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RalphError as error:
        complain(error.message, error.hint)
        return error.exit_code
    except (_Interrupted, KeyboardInterrupt, click.Abort):
        _briefly(_say_interrupted)
        return ExitCode.INTERRUPTED
    except Exception as error:
        if os.environ.get("RALPH_HOOKS_DEBUG"):
            raise
        if isinstance(error, OSError) and error.errno in _FULL:
            complain(
                f"the change was NOT reviewed: {error.strerror} ({error.filename or _temporary()})",
                "free space there, or set TMPDIR to a folder on another disk",
            )
            return ExitCode.UNJUDGED
        complain(
            f"the change was NOT reviewed: internal error in ralph-hooks ({type(error).__name__}: {error})",
            "run it again with RALPH_HOOKS_DEBUG=1 and report the traceback",
        )
        return ExitCode.UNJUDGED


def _temporary() -> str:
    import tempfile

    return tempfile.tempdir or "the folder for temporary files"


def _say_interrupted() -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(err=True)  # the terminal has already shown ^C
    complain("interrupted")


def complain(message: str, hint: str = "") -> None:
    """Print an error message to standard error."""
    with suppress(OSError):  # the reader has gone: the exit code still tells the result
        click.echo(f"ralph-hooks: {visible(message)}", err=True)
        if hint:
            click.echo(f"  -> {visible(hint)}", err=True)
