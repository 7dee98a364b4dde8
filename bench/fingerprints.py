"""How long a dismissal lasts on a real history: `python -m bench.fingerprints [--commits N] REPOSITORY...`.

Every Python file that one of the last commits modifies is read before and after it. Each line inside a definition
stands for a dismissed finding. A line that the commit leaves alone must keep its fingerprint; a line that it changes
must lose it. Two kinds of lines count as neither: those whose definition got another name, and those that gained or
lost an equal line in their definition.
"""

from __future__ import annotations

import argparse
import subprocess
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from bench.syntax import Blobs
from ralph_hooks.core.change import Content, lines_of
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.engine.review.anchors import anchored
from ralph_hooks.languages.outline import definitions


def modified(repository: Path, commits: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield old path, new path, and the ids of both contents of each Python file that the last commits modify."""
    args = [
        "log",
        f"--max-count={commits}",
        "--no-merges",
        "--format=",
        "--raw",
        "-z",
        "--no-abbrev",
        "-M",
        "--diff-filter=MR",
    ]
    listed = subprocess.run(["git", "-C", repository, *args], check=True, capture_output=True).stdout.decode()
    fields = iter(listed.split("\0"))
    for field in fields:
        if not field.startswith(":"):
            continue
        _, _, old, new, status = field.split(" ")
        before = next(fields)
        after = next(fields) if status.startswith("R") else before
        if after.endswith(".py"):
            yield before, after, old, new


class Side:
    """One version of a file: for each line its fingerprint, its definition, and how often it stands there."""

    def __init__(self, path: str, data: bytes) -> None:
        self.lines = lines_of(data)
        self.names = [""] * len(self.lines)
        for each in sorted(definitions(path, "\n".join(self.lines)), key=lambda each: (each.first, -each.last)):
            last = min(each.last, len(self.lines))
            self.names[each.first - 1 : last] = [each.name] * (last - each.first + 1)
        found = [_finding(path, number) for number in range(1, len(self.lines) + 1)]
        self.prints = [finding.fingerprint for finding in anchored(found, path, Content(None, data))]
        self.counts = Counter(zip(self.names, self.lines, strict=True))


def _finding(path: str, line: int) -> Finding:
    return Finding(
        path=path, line=line, end_line=line, category="bug", severity=Severity.ERROR, confidence=0.9, message="",
        quote="", context="", source="a/model",
    )  # fmt: skip


def measure(old: Side, new: Side) -> Counter[str]:
    """Return how many lines were left alone and kept their fingerprint, or were changed and lost it."""
    counted: Counter[str] = Counter()
    there = set(new.prints)
    for tag, start, end, first, _ in SequenceMatcher(None, old.lines, new.lines, autojunk=False).get_opcodes():
        for number in range(start, end):
            place = old.names[number], old.lines[number]
            if not place[0] or not place[1].strip():
                continue
            if tag == "equal":
                other = first + number - start
                if new.names[other] != place[0] or new.counts[place] != old.counts[place]:
                    counted["neither"] += 1
                    continue
                counted["unchanged"] += 1
                counted["kept"] += old.prints[number] == new.prints[other]
            elif new.counts[place]:
                counted["neither"] += 1
            else:
                counted["changed"] += 1
                counted["still there"] += old.prints[number] in there
    return counted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fingerprints")
    parser.add_argument("--commits", type=int, default=400)
    parser.add_argument("repositories", nargs="+", type=Path)
    args = parser.parse_args()
    for repository in args.repositories:
        blobs, total, files = Blobs(repository), Counter[str](), 0
        for before, after, old, new in modified(repository, args.commits):
            total += measure(Side(before, blobs.read(old)), Side(after, blobs.read(new)))
            files += 1
        blobs.close()
        print(
            f"{repository.name}: {files:,} versions of files in {args.commits:,} commits;"
            f" of {total['unchanged']:,} unchanged lines {total['kept']:,} kept their fingerprint;"
            f" of {total['changed']:,} changed lines {total['still there']:,} did;"
            f" {total['neither']:,} lines count as neither"
        )


if __name__ == "__main__":
    main()
