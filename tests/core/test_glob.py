"""Path patterns mean what they mean in .gitignore; git itself is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ralph_hooks.core.glob import first_match, matches
from tests.support.repo import Repo


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*.lock", ["a.lock", "deep/er/b.lock", ".lock"], ["a.lock2", "lock"]),
        ("vendor", ["vendor/a", "sub/vendor/b/c", "vendor"], ["vendors/a", "avendor"]),
        ("vendor/**", ["vendor/a", "vendor/b/c"], ["vendor", "sub/vendor/a"]),
        ("/setup.py", ["setup.py"], ["sub/setup.py"]),
        ("docs/*.md", ["docs/a.md"], ["docs/deep/a.md", "more/docs/a.md"]),
        ("**/*_pb2.py", ["a_pb2.py", "deep/er/b_pb2.py"], ["a_pb2.pyi"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("[ab]?.py", ["a1.py", "x/b2.py"], ["c1.py", "a12.py", "a/.py"]),
        ("[!a].py", ["b.py"], ["a.py"]),
        ("a[!b]c", ["axc"], ["a/c", "abc"]),
        ("a[+-9]c", ["a1c", "a-c"], ["a/c"]),
        ("[]-].py", ["].py", "-.py"], ["x.py"]),
        ("migrations/", ["migrations/1.sql", "x/migrations/2.sql"], ["migration/1.sql"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a*b*c", ["abcbc", "aXbYc/d"], ["acb"]),
        ("**/x*y/**/z", ["xyz/xy/a/z"], ["xyz/a/z"]),
        ("src/**.py", ["src/a.py", "src/a/b.py"], ["a.py"]),
        ("naïve 文件.txt", ["naïve 文件.txt"], ["naive 文件.txt"]),
    ],
)
def test_examples(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [path for path in inside if not matches(path, pattern)] == []
    assert [path for path in outside if matches(path, pattern)] == []


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("*a" * 40 + "b", "a" * 250), ("**/a/" * 20 + "b", "a/" * 120 + "c"), ("a**" * 20 + "b", "a" * 250)],
)
def test_a_pattern_of_many_stars_is_answered_in_our_lifetime(pattern: str, path: str) -> None:
    """A repository's configuration could else keep every hook in it busy for years."""
    assert not matches(path, pattern)


def test_the_first_pattern_that_matches_is_named() -> None:
    assert first_match("a/b.lock", ["*.py", "a/**", "*.lock"]) == "a/**"
    assert first_match("c.txt", ["*.py"]) is None


NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PIECES = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "ab"])
SEGMENTS = st.just("**") | st.lists(PIECES, min_size=1, max_size=3).map("".join).filter(
    lambda segment: "**" not in segment  # what git makes of stars beside letters depends on what stands before them
)
PATTERNS = st.builds(
    lambda top, segments: top + "/".join(segments),
    st.sampled_from(["", "/"]),
    st.lists(SEGMENTS, min_size=1, max_size=4),
).filter(lambda pattern: pattern.strip("/.*"))


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("globs")
    return Repo.create(folder / "project", home=folder)


def ignored(repo: Repo, pattern: str, paths: list[str]) -> set[str]:
    """Those of ``paths`` that git ignores by ``pattern`` alone."""
    Path(repo.path, ".git/info/exclude").write_text(pattern + "\n", encoding="utf-8")
    done = repo.try_git("check-ignore", "--no-index", "--stdin", "-z", stdin="\0".join(paths).encode() + b"\0")
    assert done.returncode in {0, 1}, done.stderr
    return {path for path in done.stdout.decode().split("\0") if path}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=PATTERNS, paths=st.lists(PATHS, min_size=5, max_size=12, unique=True))
def test_git_agrees_on_any_pattern(repo: Repo, pattern: str, paths: list[str]) -> None:
    assert {path for path in paths if matches(path, pattern)} == ignored(repo, pattern, paths)
