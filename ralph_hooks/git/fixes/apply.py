"""Applying a stored fix to the working tree, and reverting it. The index is never touched.

First every file's new content is computed, merged with the user's later edits; a conflict ends it there. Then both
states are stored as git objects, the journal records the intended changes, and only then do files change. A killed
process leaves a journal, from which `recover` completes or reverts the changes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ralph_hooks.core.change import REGULAR_MODES
from ralph_hooks.core.own_settings import holding, settings_changed
from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.repair_rules import summary, violations
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import ExitCode, GitError, RalphError
from ralph_hooks.git import refs
from ralph_hooks.git.fixes import backups, journal
from ralph_hooks.git.fixes.journal import Journal
from ralph_hooks.git.fixes.merge import Conflict, merge
from ralph_hooks.git.fixes.working_tree import (
    FileStep,
    Obstacle,
    Side,
    clear,
    is_executable,
    look,
    replace,
    side,
    writable,
)
from ralph_hooks.git.objects import read_blobs, store_blobs
from ralph_hooks.git.run import NO_HOOKS, Environment, git
from ralph_hooks.git.snapshot import GitSnapshot, Repository, compare, private_objects


class NotApplied(RalphError):
    """A working tree to which the fix cannot be applied. Nothing was changed."""

    exit_code = ExitCode.REJECTED


class Applied(Struct, frozen=True):
    """The result of `apply` or `undo`."""

    fix: str
    paths: tuple[str, ...]
    """The changed files; empty if everything was already as intended."""
    merged: tuple[str, ...] = ()
    """Those of ``paths`` that the user had also edited."""


def apply(repository: Repository, fix: StoredFix) -> Applied:
    """Apply ``fix`` to the working tree. Raises NotApplied, GitError, RalphError, having changed nothing."""
    with _alone(repository):
        steps, merged = _plan(repository, fix)
        if steps:
            record = backups.record(repository, steps, fix.id)
            ref = backups.free_ref(repository, fix.id)
            _carry_out(repository, Journal(action="apply", fix=fix.id, record=record, ref=ref), steps)
            backups.forget_old(repository)
        return Applied(fix.id, tuple(step.path for step in steps), merged)


def undo(repository: Repository) -> Applied:
    """Revert the last `apply`. Raises the same errors, and RalphError if there is none."""
    with _alone(repository):
        backup = backups.latest(repository)
        if backup is None:
            raise RalphError("there is nothing to undo: no fix was applied here")
        steps, merged = _way_back(repository, backup.commit)
        if steps:
            record = backups.record(repository, steps, backup.fix, undone=True)
            _carry_out(repository, Journal(action="undo", fix=backup.fix, record=record, ref=backup.ref), steps)
        else:
            refs.delete(repository, backup.ref)
        return Applied(backup.fix, tuple(step.path for step in steps), merged)


def recover(repository: Repository) -> str:
    """Complete or revert an interrupted change; return a message, empty if there was nothing to do.

    Raises RalphError if neither can be done; the journal then waits for the next time.
    """
    if not journal.pending(repository):
        return ""
    with journal.alone(repository) as alone:
        return _recover(repository) if alone else ""


@contextlib.contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    """Hold the lock of this working tree, after recovering any interrupted change."""
    with journal.alone(repository) as alone:
        if not alone:
            raise RalphError("another apply or undo is running in this working tree", "try again when it has finished")
        _recover(repository)
        try:
            yield
        except Obstacle as error:
            raise NotApplied(f"nothing was changed: {error}", "fix that file and try again") from error
        except OSError as error:
            raise RalphError(f"nothing was changed: {_reason(error)}", "fix that and try again") from error


def _recover(repository: Repository) -> str:
    interrupted = journal.read(repository)
    if interrupted is None:
        return ""
    what = f"an interrupted {interrupted.action} of fix {interrupted.fix}"
    try:
        steps = backups.steps_of(repository, interrupted.record)
        clear(repository.top, steps, _token(interrupted))
        finished, theirs = _go_on(repository.top, steps, _token(interrupted))
        _conclude(repository, interrupted, done=finished)
    except (GitError, Obstacle, OSError) as error:
        why = error.message if isinstance(error, GitError) else _reason(error)
        raise RalphError(
            f"{what} could neither be completed nor rolled back: {why}",
            "fix that and run any ralph-hooks command to continue",
        ) from error
    kept = f"; edited since and left unchanged: {', '.join(map(one_line, theirs))}" if theirs else ""
    return f"{what} was {'completed' if finished else 'rolled back'}{kept}"


def _go_on(top: Path, steps: Sequence[FileStep], token: str) -> tuple[bool, list[str]]:
    """Return True if all files now match the journal, False if they were reverted; and the files that are neither."""
    sides = [(step, side(top, step)) for step in steps]
    theirs = [step.path for step, where in sides if where is Side.ELSEWHERE]
    if not theirs:
        with contextlib.suppress(OSError, Obstacle):
            replace(top, [step for step, where in sides if where is Side.BEFORE], token)
            return True, []
    replace(top, [step.reversed() for step, where in sides if where is Side.AFTER], token)
    return False, theirs


def _carry_out(repository: Repository, entry: Journal, steps: Sequence[FileStep]) -> None:
    """Change the files, protected by a journal."""
    journal.write(repository, entry)
    try:
        if entry.action == "apply":
            refs.create(repository, entry.ref, entry.record)
        replace(repository.top, steps, _token(entry))
    except BaseException:
        if not any(side(repository.top, step) is Side.AFTER for step in steps):
            _conclude(repository, entry, done=False)
        raise  # if files are left over the journal stays: the next command continues with it
    _conclude(repository, entry, done=True)


def _conclude(repository: Repository, entry: Journal, *, done: bool) -> None:
    """Update the backup's ref to match the files, then close the journal."""
    if done:
        refs.put(repository, entry.ref, entry.record)
    elif entry.action == "apply":
        with contextlib.suppress(GitError):  # undoing a fix that was not applied does nothing
            refs.delete(repository, entry.ref)
    journal.remove(repository)


def _token(entry: Journal) -> str:
    return entry.record[:12]


def _reason(error: OSError | Obstacle) -> str:
    if isinstance(error, Obstacle):
        return str(error)
    return f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)


# The intended content of each file


def _plan(repository: Repository, fix: StoredFix) -> tuple[list[FileStep], tuple[str, ...]]:
    """Return the steps that apply ``fix``, and the paths that had to be merged."""
    snapshot = compare(refs.store(repository), fix.base, fix.tree, "fix", renames=False)
    _look_again(snapshot, fix)
    contents = snapshot.contents(snapshot.change.entries)
    before = {path: look(repository.top, path) for path in contents}
    with private_objects(repository) as (folder, env):
        ours = _as_git_stores(repository.top, before, env)
        wanted = _agreed(
            {path: merge(path, both.old, ours[path], both.new, env) for path, both in contents.items()},
            f"fix {fix.id}",
        )
        changing = {path: content for path, content in wanted.items() if content != ours[path]}
        after = _as_git_checks_out(repository.top, changing, folder, env)
    steps = [_step(repository.top, path, before[path], after[path]) for path in changing]
    merged = tuple(path for path in changing if wanted[path] != contents[path].new)
    return [step for step in steps if step.before != step.after], merged


def _way_back(repository: Repository, backup: str) -> tuple[list[FileStep], tuple[str, ...]]:
    """Return the steps that undo an apply, and the paths that were edited since and had to be merged."""
    back = [step.reversed() for step in backups.steps_of(repository, backup)]
    top, env = repository.top, repository.environment
    now = {step.path: look(top, step.path) for step in back}
    wanted = _agreed(
        {step.path: merge(step.path, step.before, now[step.path], step.after, env) for step in back},
        "the previous content",
    )
    steps = [
        _step(top, step.path, now[step.path], wanted[step.path], executable=step.executable)
        for step in back
        if now[step.path] != wanted[step.path]
    ]
    return steps, tuple(step.path for step in back if wanted[step.path] != step.after)


def _look_again(snapshot: GitSnapshot, fix: StoredFix) -> None:
    """Check the rules for repairs again: since the fix was stored, anyone may have rewritten its ref."""
    entries = snapshot.change.entries
    told = summary(violations(entries))
    own = holding(entries)
    contents = snapshot.contents(own)
    for entry in own:
        if settings_changed(entry, contents[entry.path]):
            told = f"it changes the configuration of ralph-hooks in {entry.path}"
    if told:
        raise RalphError(f"fix {fix.id} is not applied: {told}", f"review it with `ralph-hooks show {fix.id}`")


def _agreed(decided: Mapping[str, bytes | Conflict | None], what: str) -> dict[str, bytes | None]:
    """Return the contents by path. Raises NotApplied with every conflict."""
    conflicts = [outcome for outcome in decided.values() if isinstance(outcome, Conflict)]
    if conflicts:
        lines = "".join(f"\n     {conflict}" for conflict in conflicts)
        raise NotApplied(
            f"{what} conflicts with your later edits; nothing was changed{lines}",
            "commit, stash or undo your edits there and try again",
        )
    return {path: content for path, content in decided.items() if not isinstance(content, Conflict)}


def _step(top: Path, path: str, before: bytes | None, after: bytes | None, *, executable: bool = False) -> FileStep:
    """Return the step for one file. Raises Obstacle for a file that the user has made read-only."""
    writable(top, path)
    return FileStep(path=path, before=before, after=after, executable=executable or is_executable(top, path))


def _as_git_stores(top: Path, files: Mapping[str, bytes | None], env: Environment) -> dict[str, bytes | None]:
    """Return files of the working tree as they would be staged: line ends and filters undone."""
    there = [path for path, content in files.items() if content is not None]
    asked = ["-c", "core.safecrlf=false", "hash-object", "-w", "--stdin-paths"]
    stored = git(asked, cwd=top, stdin=b"".join(map(_quoted, there)), env=env).decode("ascii").split()
    blobs = read_blobs(list(dict.fromkeys(stored)), cwd=top, env=env)
    return {**dict.fromkeys(files), **{path: blobs[oid] for path, oid in zip(there, stored, strict=True)}}


def _as_git_checks_out(
    top: Path, files: Mapping[str, bytes | None], folder: Path, env: Environment
) -> dict[str, bytes | None]:
    """Return the files as git would write them to the working tree: line ends and filters as configured."""
    there = {path: content for path, content in files.items() if content is not None}
    stored = store_blobs(list(there.values()), folder / "stored", cwd=top, env=env)
    lines = "".join(f"{REGULAR_MODES[0]} {oid}\t{path}\0" for path, oid in zip(there, stored, strict=True))
    alone = {**env, "GIT_INDEX_FILE": str(folder / "checkout")}
    git([*NO_HOOKS, "update-index", "-z", "--index-info"], cwd=top, stdin=os.fsencode(lines), env=alone)
    out = folder / "out"
    out.mkdir()
    git([*NO_HOOKS, "checkout-index", "--all", f"--prefix={out}/"], cwd=top, env=alone)
    return {**dict.fromkeys(files), **{path: (out / path).read_bytes() for path in there}}


def _quoted(path: str) -> bytes:
    """Return a line for --stdin-paths: a name with a line break, or one that looks quoted, becomes a C string."""
    name = os.fsencode(path)
    if b"\n" not in name and not name.startswith(b'"'):
        return name + b"\n"
    escaped = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"%s"\n' % escaped
