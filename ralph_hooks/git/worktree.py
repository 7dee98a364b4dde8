"""Everything that is not committed, as one change: staged, unstaged and new files. Nothing of the user's is written."""

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
    """Yield ``repository`` with an index and a folder for objects of its own, in which everything is staged.

    They go away at the end. What git ignores stays out, as with `git add --all`. Raises GitError for a file that cannot
    be read.
    """
    with private_objects(repository) as (folder, _):
        index = folder / "index"
        with contextlib.suppress(FileNotFoundError):  # nothing was ever staged
            shutil.copy2(repository.index, index)  # with its time: later changes of files show
        information = folder / "info"
        information.mkdir()
        (information / "alternates").write_bytes(os.fsencode(repository.objects) + b"\n")
        view = structs.replace(repository, index=index, own_objects=folder)
        git([*NO_HOOKS, "add", "--all"], cwd=view.top, env=view.environment)
        yield view


def everything(view: Repository) -> GitSnapshot:
    """Return what is in a ``view`` that `uncommitted` gives, against HEAD."""
    snapshot = staged(view)
    return GitSnapshot(view, structs.replace(snapshot.change, title=TITLE))
