"""The tokens sent for a commit, instructions and schema included. Four characters count as a token."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.commits import Commit, commits
from bench.figures import Figure
from bench.project import Project, project
from tests.support.server import Request

COMMITS = 10
_ONE_LINE = "def area(width: int, height: int) -> int:\n    return width {} height\n"
_CALLING = "from rounding import nearest\n\n\n" + _ONE_LINE.replace("width {} height", "nearest(width {} height)")
_CALLED = (
    "def nearest(value: float, step: int = 1, *, up: bool = False) -> int:\n    return round(value / step) * step\n"
)
_LOCKED = (
    '[[package]]\nname = "package-{number}"\nversion = "{version}.0"\nsdist = {{ url = "https://index/{version}" }}\n\n'
)
_PROJECT = '[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["package-1>={version}"]\n'


def measure() -> Iterator[Figure]:
    with project() as made:
        made.repo.commit({"area.py": _ONE_LINE.format("+")})
        made.repo.stage({"area.py": _ONE_LINE.format("*")})
        yield Figure(what="a one-line change", value=_sent(made), unit="tokens", at_most=500)
    with project() as made:
        made.repo.commit({"area.py": _CALLING.format("+"), "rounding.py": _CALLED})
        made.repo.stage({"area.py": _CALLING.format("*")})
        yield Figure(
            what="the same with a call, whose signature is shown", value=_sent(made), unit="tokens", at_most=500
        )
    with project() as made:
        made.repo.commit(_lock_files(1))
        made.repo.stage(_lock_files(2))
        size = len(made.repo.git("diff", "--cached")) / 4
        yield Figure(
            what="a lock-file commit", value=_sent(made), unit="tokens", at_most=2000, how=f"its diff has {size:,.0f}"
        )
    found = sorted(commits(), key=lambda commit: -len(commit.diff))
    figures = [_against_diff(commit) for commit in found]
    yield _ratio(f"the {COMMITS} largest of {len(found)} commits of click", figures[:COMMITS], at_most=1.6)
    yield _ratio(f"all {len(found)}", figures, at_most=None)


def _lock_files(version: int) -> dict[str, str]:
    """A dependency is raised: one line that somebody wrote, thousands that tools did."""
    entries = (_LOCKED.format(number=number, version=version) for number in range(500))
    npm = {"packages": {f"node_modules/p{number}": {"version": f"{version}.0"} for number in range(500)}}
    return {
        "pyproject.toml.in": _PROJECT.format(version=version),
        "uv.lock": "".join(entries),
        "web/package-lock.json": json.dumps(npm, indent=2) + "\n",
    }


def _against_diff(commit: Commit) -> tuple[float, float]:
    """Return the tokens that are sent for ``commit``, and those of its diff."""
    with project() as made:
        commit.stage(made.repo)
        return _sent(made), len(commit.diff) / 4


def _ratio(what: str, figures: list[tuple[float, float]], at_most: float | None) -> Figure:
    sent, diffs = (sum(column) for column in zip(*figures, strict=True))
    return Figure(
        what=f"{what}, against their diffs",
        value=sent / diffs,
        at_most=at_most,
        how=f"{sent:,.0f} / {diffs:,.0f} tokens",
    )


def _sent(made: Project) -> float:
    """Return the tokens of all requests for the staged change."""
    made.gate()
    return sum(map(_tokens, made.server.requests))


def _tokens(request: Request) -> float:
    schema = request.body["response_format"]["json_schema"]["schema"]
    return len(request.system + request.prompt + json.dumps(schema, separators=(",", ":"))) / 4
