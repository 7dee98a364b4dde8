"""Python names and modules that a change takes away while another file of the project still imports them.

Sound rather than complete: where a name may come from somewhere else, nothing is said. That is so with ``__getattr__``,
star imports, conditional definitions, generated modules, namespace packages, and imports that expect to fail.
"""

from __future__ import annotations

from collections.abc import Sequence

from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source, Unchanged
from ralph_hooks.languages.test_files import is_test_file

_VERSION = "1"
_SUFFIX = ".py"
_PATIENCE = 10.0  # seconds to search the project for names; 10 ms in most


class Imports:
    """Judges a change as a whole, with the files that it leaves alone."""

    name = "imports"
    takes_parts = True
    version = _VERSION

    def applies(self, entry: Entry) -> bool:
        """Return True for Python files, which may lose names or import them."""
        return entry.path.endswith(_SUFFIX) or entry.old_path.endswith(_SUFFIX)

    def run(
        self, sources: Sequence[Source], unchanged: Unchanged | None, deadline: Deadline
    ) -> tuple[Finding, ...] | None:
        """Return one finding for each name or module that is gone and still imported; None if that took too long."""
        suspects = [source for source in sources if _may_lose(source)]
        if not suspects or unchanged is None:
            return ()
        from ralph_hooks.checks.import_graph import broken_imports  # `ast` is off the path of a cached commit

        return broken_imports(suspects, sources, unchanged, min(_PATIENCE, deadline.remaining()))


def _left(source: Source) -> bool:
    return source.content.new is None or source.path != source.entry.old_path


def _may_lose(source: Source) -> bool:
    """Return cheaply whether names may be lost: they disappear only from removed lines."""
    path = source.entry.old_path
    if source.entry.old_oid is None or not path.endswith(_SUFFIX) or is_test_file(path):
        return False
    return _left(source) or any(line.kind == "-" for hunk in source.hunks for line in hunk.lines)
