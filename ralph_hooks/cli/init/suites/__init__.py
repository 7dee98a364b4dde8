"""Commands that run a project's tests, detected from its files: the whole project, or the parts of a monorepo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks.cli.init.suites import compiled, javascript, python, scripting
from ralph_hooks.cli.init.suites.suite import Suite
from ralph_hooks.core.text import plural

FAMILIES: tuple[Callable[[Path], Iterator[Suite]], ...] = (
    python.find,
    javascript.find,
    compiled.cargo,
    compiled.go,
    compiled.jvm,
    compiled.dotnet,
    scripting.ruby,
    scripting.php,
    compiled.cmake,
)
_NOT_PARTS = frozenset((
    "node_modules", "vendor", "third_party", "target", "build", "dist", "out", "venv", "env", "testdata", "fixtures",
    "examples", "example", "docs", "site-packages", "__pycache__", "bin", "obj", "test", "tests",
))  # fmt: skip
_DEEPEST = 3
_MOST_PARTS = 12
_MOST_FOLDERS = 2_000


class FoundSuites(Struct, frozen=True):
    """The commands that can run here, and advice on the others."""

    suites: tuple[Suite, ...] = ()
    warnings: tuple[str, ...] = ()


def find_suites(top: Path) -> FoundSuites:
    """The test suites of the project at ``top`` and of its parts, one for each family of languages that has one.

    A part is a folder with a project file of its own, where no folder above it runs the tests of that family.
    """
    found: list[Suite] = []
    covered: dict[Callable[[Path], Iterator[Suite]], list[Path]] = {family: [] for family in FAMILIES}
    for folder in folders(top):
        cwd = "" if folder == top else folder.relative_to(top).as_posix()
        for family, above in covered.items():
            if any(folder.is_relative_to(one) for one in above):
                continue
            suites = [msgspec.structs.replace(suite, cwd=cwd) for suite in family(folder)]
            found += suites
            if any(suite.whole for suite in suites):
                above.append(folder)
    if not found:
        found += scripting.make(top)
    parts = [suite for suite in found if suite.cwd]
    kept = [suite for suite in found if suite not in parts[_MOST_PARTS:]]
    more = len(parts) - _MOST_PARTS
    warnings = [warning for suite in kept for warning in _warnings(suite)]
    if more > 0:
        warnings.append(f"{plural(more, 'more part')} of the project with tests: add the ones you want")
    return FoundSuites(
        tuple(suite for suite in kept if not suite.missing() and not suite.problem), tuple(dict.fromkeys(warnings))
    )


def _warnings(suite: Suite) -> Iterator[str]:
    where = f"{suite.cwd}/{suite.why}" if suite.cwd else suite.why
    for name in suite.missing():
        yield f"{where}: its tests need {name}, which is not on PATH: install it and run `ralph-hooks init` again"
    if suite.problem:
        yield f"{where}: {suite.problem}"
    elif suite.advice and not suite.missing():
        yield f"{where}: {suite.advice}"


def folders(top: Path) -> Iterator[Path]:
    """Yield ``top``, then the folders below it that may be parts, outermost first."""
    level, seen = [top], 0
    for _ in range(_DEEPEST + 1):
        below: list[Path] = []
        for folder in level:
            yield folder
            seen += 1
            if seen > _MOST_FOLDERS:
                return
            try:
                below += sorted(path for path in folder.iterdir() if _may_be_part(path))
            except OSError:
                continue
        level = below


def _may_be_part(path: Path) -> bool:
    name = path.name
    return not name.startswith((".", "_")) and name not in _NOT_PARTS and path.is_dir() and not path.is_symlink()
