"""A push: what a known one adds to git's own, and what hundreds of commits or thousands of files take."""

from __future__ import annotations

import random
import string
import sys
from collections.abc import Iterator

from bench.clock import Spent, in_turn, spend
from bench.figures import Figure, UnexpectedError
from bench.project import PROGRAM, Project, own_modules, project, without_some_lines
from tests.support.repo import Repo

PAIRS = 15
COMMITS = 300
FILES = 5_000
_FLOOR = 'exec "{python}" -c "import click"'
_OURS = 'exec "{program}" pre-push "$@"'


class Pushes:
    """Pushes of main to a bare remote that is put back after each."""

    def __init__(self, made: Project) -> None:
        self.made = made
        self.repo = made.repo
        self.bare = Repo(self.repo.path.parent / "origin.git", self.repo.home)
        self.bare.path.mkdir()
        self.bare.git("init", "--quiet", "--bare", "--initial-branch=main")
        self.repo.git("remote", "add", "origin", str(self.bare.path))
        self.repo.git("push", "--quiet", "origin", "main")
        self.base = self.repo.git("rev-parse", "main")

    def push(self, script: str = "") -> Spent:
        """`git push` with ``script`` (sh) as its hook, or without one. It has to go through."""
        hook = self.repo.path / ".git/hooks/pre-push"
        hook.parent.mkdir(exist_ok=True)
        if script:
            hook.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            hook.chmod(0o755)
        else:
            hook.unlink(missing_ok=True)
        spent = spend(["git", "push", "--quiet", "origin", "main"], cwd=self.repo.path, env=self.made.env)
        if spent.code:
            raise UnexpectedError(f"the push ended with {spent.code}: {spent.output}")
        self.bare.git("update-ref", "refs/heads/main", self.base)
        self.repo.git("update-ref", "refs/remotes/origin/main", self.base)
        return spent

    def judged(self) -> Spent:
        return self.push(_OURS.format(program=PROGRAM))

    def judged_anew(self) -> Spent:
        self.made.forget()
        return self.judged()


def measure() -> Iterator[Figure]:
    with project() as made:
        yield from _known(made)
    with project() as made:
        one = _one(made)
    with project() as made:
        yield from _commits(made, one)
    with project() as made:
        yield from _files(made, one)


def _known(made: Project) -> Iterator[Figure]:
    modules = own_modules(10)
    made.repo.commit({name: without_some_lines(text) for name, text in modules.items()})
    pushes = Pushes(made)
    made.repo.commit(modules)
    pushes.judged()
    before = len(made.server.requests)
    pushes.judged()
    yield Figure(what="known push: requests", value=len(made.server.requests) - before, unit="requests", at_most=0)
    ratio, how = in_turn(lambda: pushes.judged().wall, lambda: pushes.push().wall, pairs=PAIRS)
    yield Figure(what="known push: wall against `git push` without a hook", value=ratio, how=how)
    floor = _FLOOR.format(python=sys.executable)
    ratio, how = in_turn(lambda: pushes.judged().wall, lambda: pushes.push(floor).wall, pairs=PAIRS)
    yield Figure(what="known push: wall against a hook of `import click`", value=ratio, at_most=3, how=how)


def _one(made: Project) -> Spent:
    """Return the cost of the first review of a push of one small file."""
    pushes = Pushes(made)
    made.repo.commit({"a.py": "a = 1\n"})
    return pushes.judged_anew()


def _commits(made: Project, one: Spent) -> Iterator[Figure]:
    pushes = Pushes(made)
    rng = random.Random(1)
    modules = [f"package{number % 20}/m{number}.py" for number in range(200)]
    for number in range(COMMITS):
        changed = {name: _code(rng, 30) for name in rng.sample(modules, 4)}
        made.repo.commit({**changed, "CHANGES.md": _code(rng, number // 4 + 1)})
    log = ["git", "log", "-p", "origin/main..main"]
    ratio, how = in_turn(
        lambda: pushes.judged_anew().cpu, lambda: spend(log, cwd=made.repo.path, env=made.env).cpu, pairs=3
    )
    yield Figure(what=f"{COMMITS} commits: CPU against `git log -p` of them", value=ratio, how=how)
    first = pushes.judged_anew()
    yield from _memory(f"{COMMITS} commits", first, one)
    again = pushes.judged()
    yield Figure(
        what=f"{COMMITS} commits: CPU of the second push against the first",
        value=again.cpu / first.cpu,
        at_most=0.5,
        how=f"{again.cpu:.2f} s / {first.cpu:.2f} s",
    )


def _files(made: Project, one: Spent) -> Iterator[Figure]:
    pushes = Pushes(made)
    rng = random.Random(1)
    made.repo.commit({f"package{number // 100}/m{number}.py": _code(rng, 30) for number in range(FILES)})
    yield from _memory(f"{FILES:,} files", pushes.judged_anew(), one)


def _memory(what: str, spent: Spent, one: Spent) -> Iterator[Figure]:
    yield Figure(
        what=f"{what}: peak memory against a push of one file",
        value=spent.peak / one.peak,
        at_most=4,
        how=f"{spent.peak:.0f} MiB / {one.peak:.0f} MiB, {spent.wall:.1f} s with models that answer at once",
    )


def _code(rng: random.Random, functions: int) -> str:
    """Functions that no two of which are the same."""
    return "".join(
        f"def {''.join(rng.choices(string.ascii_lowercase, k=8))}_{number}(given):\n    return given + {number}\n\n\n"
        for number in range(functions)
    )
