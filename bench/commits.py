"""Real commits of click from the labelled data that lies beside the checkout, as something to stage."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from msgspec import Struct

from bench.figures import NotMeasured
from bench.project import CHECKOUT
from tests.support.repo import Repo

DATA = CHECKOUT / "../shared/data/clean_commits.jsonl.xz"
_SOURCE = "pallets/click@"
_SECTION = re.compile(r"(?m)^(?=diff --git )")
_NAMES = re.compile(r"diff --git a/(\S+) b/(\S+)")
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")

Files = Mapping[str, str | None]


class Commit(Struct, frozen=True):
    """The files that a commit touches, by name: None on the side where one is not there."""

    id: str
    diff: str
    """As git prints it, whole."""
    before: Files
    after: Files

    def stage(self, repo: Repo) -> None:
        """Commit the one side to ``repo`` and stage the other."""
        repo.commit({name: text for name, text in self.before.items() if text is not None})
        gone = {name: None for name, text in self.before.items() if text is not None and name not in self.after}
        repo.stage({**gone, **self.after})


def commits() -> list[Commit]:
    """Return every commit of click in the data. Raises NotMeasured if the data is not there."""
    try:
        with lzma.open(DATA, "rt", encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
    except FileNotFoundError as error:
        raise NotMeasured(f"{DATA.resolve()} is not there: ten real commits to count tokens of") from error
    return [_commit(record) for record in records if record["source"].startswith(_SOURCE)]


def _commit(record: Mapping[str, str]) -> Commit:
    """The data has one file of each commit in full; of the others there is what the diff shows, in its place."""
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for section in filter(None, _SECTION.split(record["diff"])):
        names = _NAMES.match(section)
        if names is None:
            continue
        if names[2] == record["path"]:
            before[names[1]], after[names[2]] = record["before"], record["after"]
        else:
            before[_part(names[1])], after[_part(names[2])] = _sides(section)
    return Commit(record["id"], record["diff"], before, after)


def _part(name: str) -> str:
    """Parts of Python files do not parse, so they go by a name that no check takes for Python."""
    return f"{name}.txt" if PurePosixPath(name).suffix == ".py" else name


def _sides(section: str) -> tuple[str | None, str | None]:
    old, new = {}, {}
    for number_old, number_new, line in _numbered(section):
        if line[0] in " -":
            old[number_old] = line[1:]
        if line[0] in " +":
            new[number_new] = line[1:]
    return _text(old), _text(new)


def _numbered(section: str) -> Iterator[tuple[int, int, str]]:
    """Yield the lines of all hunks with their numbers on both sides."""
    old = new = 0
    for line in section.split("\n"):
        if hunk := _HUNK.match(line):
            old, new = int(hunk[1]), int(hunk[2])
        elif (old or new) and line[:1] in {" ", "+", "-"}:
            yield old, new, line
            old += line[0] != "+"
            new += line[0] != "-"


def _text(lines: Mapping[int, str]) -> str | None:
    """Return a file with ``lines`` in their places and empty ones elsewhere."""
    return "".join(f"{lines.get(number, '')}\n" for number in range(1, max(lines) + 1)) if lines else None
