"""All uncommitted changes as one change: staged, unstaged and new files. Writes nothing of the user's."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from msgspec import structs

from ralph_hooks.git.run import NO_HOOKS, git
from ralph_hooks.git.snapshot import GitSnapshot, Repository, private_objects, staged

TITLE = "uncommitted changes"


@contextlib.contextmanager
def uncommitted(repository: Repository) -> Iterator[Repository]:
    """Yield ``repository`` with a temporary index and object folder, in which everything is staged.

    Both are removed at the end. Ignored files stay out, as with `git add --all`. Raises GitError for an unreadable one.
    """
    with private_objects(repository) as (folder, _):
        index = folder / "index"
        with contextlib.suppress(FileNotFoundError):  # nothing was ever staged
            shutil.copy2(repository.index, index)  # with its modification time, which reveals later changes of files
        information = folder / "info"
        information.mkdir()
        (information / "alternates").write_bytes(os.fsencode(repository.objects) + b"\n")
        view = structs.replace(repository, index=index, own_objects=folder)
        git([*NO_HOOKS, "add", "--all"], cwd=view.top, env=view.environment)
        yield view


def everything(view: Repository) -> GitSnapshot:
    """Return the change in a ``view`` from `uncommitted`, against HEAD."""
    snapshot = staged(view)
    return GitSnapshot(view, structs.replace(snapshot.change, title=TITLE))
