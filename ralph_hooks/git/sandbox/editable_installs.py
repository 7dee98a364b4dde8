"""Editable installs of a project, which make Python import the user's tree unless the copy precedes it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

_PACKAGES = ("lib/python3*/site-packages", "Lib/site-packages")  # beside a folder of programs
_LARGEST = 1_000_000  # bytes: no list of paths is larger
_QUOTED = re.compile(r"""['"]((?:/|[A-Za-z]:)[^'"\n]+)['"]""")
_COMES_FIRST = "meta_path.insert("
"""The call by which a loader precedes PYTHONPATH: those of scikit-build-core and meson-python do."""


class Installed(Struct, frozen=True):
    """The editable installs of one project in the Pythons of some folders."""

    roots: tuple[str, ...] = ()
    """Folders with its modules, relative to the project's top."""
    stubborn: tuple[str, ...] = ()
    """Names of loaders that import the user's tree regardless of PYTHONPATH."""


def packages(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders of installed packages that belong to ``folders`` of programs."""
    for folder in folders:
        for pattern in _PACKAGES:
            yield from sorted(folder.parent.glob(pattern))


def installed(project: Path, folders: Iterable[Path]) -> Installed:
    """Return the editable installs found beside installed packages. An unreadable file counts as empty."""
    roots: dict[str, None] = {}
    stubborn: list[str] = []
    for place in packages(dict.fromkeys(folders)):
        for file in sorted([*place.glob("*.pth"), *place.glob("*editable*.py")]):
            text = _text(file)
            if str(project) not in text:
                continue
            if _COMES_FIRST in text:
                stubborn.append(file.stem.strip("_"))
            named = text.splitlines() if file.suffix == ".pth" else _QUOTED.findall(text)
            for path in map(Path, named):
                if path.is_relative_to(project):
                    root = path if file.suffix == ".pth" else path.parent  # a loader names packages, not their folder
                    roots[root.relative_to(project).as_posix()] = None
    return Installed(tuple(roots), tuple(dict.fromkeys(stubborn)))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return os.fsdecode(opened.read(_LARGEST))
    except OSError:
        return ""
