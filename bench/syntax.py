"""False alarms of the syntax checks on ordinary commits: `python -m bench.syntax [--commits N] REPOSITORY...`.

Every file that a commit changes is read before and after it. A commit is flagged if a file that was sound or absent
has a syntax error afterwards. To count misses, one bracket is taken out of sound files.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from ralph_hooks.languages.syntax import SyntaxProblem
from ralph_hooks.languages.table import Language, Trust, language_of
from ralph_hooks.languages.tree import MAX_BYTES

BRACKETS = b"()[]{}"
TRIALS = 300  # files of each language that lose a bracket


class Blobs:
    """Content by object id, from one `git cat-file`."""

    def __init__(self, repository: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "-C", str(repository), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def read(self, oid: str) -> bytes:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(oid.encode() + b"\n")
        self._process.stdin.flush()
        header = self._process.stdout.readline().split()
        if header[-1] == b"missing":
            return b""
        return self._process.stdout.read(int(header[2]) + 1)[:-1]

    def close(self) -> None:
        self._process.communicate()


class Measured:
    """The measurements of one language."""

    def __init__(self) -> None:
        self.commits: set[str] = set()
        self.files = 0
        self.flagged: dict[str, list[str]] = defaultdict(list)
        self.flagged_new: set[str] = set()
        self.unsound_before = 0
        self.seconds: list[float] = []
        self.sound: list[tuple[str, bytes]] = []
        self._known: dict[str, tuple[SyntaxProblem, ...]] = {}

    def problems(self, language: Language, path: str, oid: str, blobs: Blobs) -> tuple[SyntaxProblem, ...]:
        """Read a blob once."""
        if set(oid) == {"0"}:
            return ()
        if oid not in self._known:
            data = blobs.read(oid)
            started = time.process_time()
            self._known[oid] = tuple(language.problems(path, data) or ()) if len(data) <= MAX_BYTES else ()
            self.seconds.append(time.process_time() - started)
            if not self._known[oid] and b"\0" not in data:
                self.sound.append((path, data))
        return self._known[oid]


def changes(repository: Path, most: int) -> Iterator[tuple[str, str, str, str]]:
    """Commit, path, old and new object id of each changed file."""
    log = subprocess.run(
        ["git", "-C", str(repository), "log", "-n", str(most), "--no-merges", "--raw", "-z", "--no-renames",
         "--no-abbrev", "--format=%x01%H%x02"],
        stdout=subprocess.PIPE, check=True,
    ).stdout.decode(errors="surrogateescape")  # fmt: skip
    for part in log.split("\x01")[1:]:
        commit, _, raw = part.partition("\x02")
        fields = iter(raw.strip("\n\0").split("\0"))
        for field in fields:
            words = field.strip().split()
            if len(words) != 5:
                continue
            path = next(fields)
            if words[1].startswith("100"):
                yield commit, path, words[2], words[3]


def measure(repositories: list[Path], most: int, only: str) -> dict[str, Measured]:
    """Read what the last ``most`` commits of each repository changed."""
    found: dict[str, Measured] = defaultdict(Measured)
    for repository in repositories:
        blobs = Blobs(repository)
        for commit, path, old, new in changes(repository, most):
            language = language_of(path)
            if language is None or language.syntax is Trust.NONE or (only and language.name not in only.split(",")):
                continue
            seen = found[language.name]
            seen.commits.add(commit)
            seen.files += 1
            after = seen.problems(language, path, new, blobs)
            before = seen.problems(language, path, old, blobs)
            seen.unsound_before += bool(before)
            sound = not (before and before[0].certain) if language.brackets_only else not before
            if after and after[0].certain and sound:
                seen.flagged[commit].append(f"{path}:{after[0].line}: {after[0].message}")
                if set(old) == {"0"}:
                    seen.flagged_new.add(commit)
        blobs.close()
    return found


def seen_breaks(language: str, sound: list[tuple[str, bytes]]) -> tuple[int, int]:
    """Return the number of files that are found broken after losing a bracket, and of all that lost one."""
    generator = random.Random(7)
    seen = Counter[bool]()
    for path, data in generator.sample(sound, min(TRIALS, len(sound))):
        places = [place for place, byte in enumerate(data) if byte in BRACKETS]
        row = language_of(path)
        if places and row is not None and row.name == language:
            place = generator.choice(places)
            problems = row.problems(path, data[:place] + data[place + 1 :])
            seen[problems is not None and len(problems) > 0 and problems[0].certain] += 1
    return seen[True], seen.total()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--commits", type=int, default=1000, help="the newest so many of each repository")
    parser.add_argument("--only", default="", help="names of languages, with commas between")
    args = parser.parse_args()
    for name, seen in sorted(measure(args.repositories, args.commits, args.only).items()):
        caught, tried = seen_breaks(name, seen.sound)
        took = [1000 * each for each in seen.seconds] or [0.0]
        slow = quantiles(took, n=10)[-1] if len(took) > 1 else took[0]
        print(
            f"{name}: {len(seen.flagged)} of {len(seen.commits)} commits flagged"
            f" ({len(seen.flagged_new)} for new files), {seen.files} files, {seen.unsound_before} not sound before;"
            f" {caught} of {tried} removed brackets seen; {median(took):.1f} ms (p90 {slow:.1f})",
            flush=True,
        )
        for commit, places in list(seen.flagged.items())[:40]:
            print(f"    {commit[:12]} {places[0][:150]}")


if __name__ == "__main__":
    main()
