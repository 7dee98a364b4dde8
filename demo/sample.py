"""The sample project as a git repository of its own, and the changes to commit to it. Tests use it too."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec import Struct

CHECKOUT = Path(__file__).resolve().parents[1]
SAMPLE = CHECKOUT / "sample-repo"

PLACEHOLDER = "@MADE_UP_KEY@"
MADE_UP_KEY = "sk_live_" + "7Qp2vXc9RtLm4KzWb8NsYd3H"  # in two pieces, so that no scanner takes this file for a leak


class Change(Struct, frozen=True):
    """One of ``sample-repo/changes``: a patch with the commit's subject and who should notice what is wrong with it."""

    name: str
    subject: str
    caught_by: str
    """``nobody``, ``checks``, ``tests``, ``model`` or ``secrets``."""
    about: str
    patch: str
    """For ``git apply``, with a made-up key in place of the placeholder."""


def changes() -> tuple[Change, ...]:
    """Return all changes, in their order."""
    return tuple(_read(path) for path in sorted((SAMPLE / "changes").glob("*.patch")))


def _read(path: Path) -> Change:
    head, _, patch = path.read_text(encoding="utf-8").partition("\n---\n")
    fields, _, about = head.partition("\n\n")
    values = dict(line.split(": ", 1) for line in fields.splitlines())
    return Change(
        path.stem, values["Subject"], values["Caught-by"], about.strip(), patch.replace(PLACEHOLDER, MADE_UP_KEY)
    )


def copy_sample(target: Path, *, repository: str, revision: str) -> None:
    """Write the sample project to ``target``, with the hooks taken from ``revision`` of the git repository there."""
    shutil.copytree(SAMPLE, target, ignore=shutil.ignore_patterns("changes", "__pycache__", ".*_cache"))
    config = target / ".pre-commit-config.yaml"
    text = config.read_text(encoding="utf-8")
    text = text.replace("RALPH_HOOKS_REPOSITORY", repository).replace("RALPH_HOOKS_REVISION", revision)
    config.write_text(text, encoding="utf-8")
