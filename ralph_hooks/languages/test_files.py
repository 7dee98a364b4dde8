"""Which files are tests, which decide what is tested, and which are wrong on purpose: all by their path."""

from __future__ import annotations

import re
from functools import cache

_FOLDERS = r"(?:^|/)(?:tests?|specs?|__tests__|testing|test[_-]?data|fixtures?|__snapshots__|e2e)/"
_NAMES = r"(?:^|/)(?:test_[^/]*|[^/]*_test|[^/]*[.-](?:test|spec)|conftest)\.[^/.]+$"
_DECIDING = (
    r"(?:^|/)(?:\.?pytest\.ini|tox\.ini|setup\.cfg|pyproject\.toml|\.coveragerc|jest\.config\.[^/]+|Makefile"
    r"|vitest\.(?:config|workspace)\.[^/]+|karma\.conf\.[^/]+|\.mocharc[^/]*|phpunit\.xml[^/]*|package\.json"
    r"|pom\.xml|(?:build|settings)\.gradle(?:\.kts)?|Cargo\.toml|(?:\.?config/)?nextest\.toml|CMakeLists\.txt"
    r"|[^/]+\.cmake|[^/]+\.(?:cs|fs|vb)proj|[^/]+\.runsettings|go\.mod|\.rspec|Rakefile|justfile|Taskfile\.ya?ml|dodo\.py|tasks\.py"
    r"|(?:noxfile|sitecustomize|usercustomize)\.[^/.]+)$"
)
_AFFIXES = re.compile(r"^(?:test|tests)_|[_-](?:test|tests|spec)$|(?<=[a-z0-9])(?:Tests?|Spec|IT)$")
_COMMON = frozenset(("", "__init__", "index", "main", "mod", "lib", "conftest", "setup", "readme"))
_DATA_FOLDERS = r"(?:^|/)(?:tests?|testing|specs?|fixtures?|test[_-]?data)/"
_WRONG = (
    r"(?:^|[/_.-])(?:fixtures?|test[_-]?data|data|invalid|malformed|broken|bad|corrupt(?:ed)?|syntax|compile[_-]?fail"
    r"|conflicts?|conflicted)(?=[/_.-])"
)


def is_test_file(path: str) -> bool:
    """Return whether ``path`` is a test, or a file that tests use: by its folder, or by its name in its language."""
    return _test_files().search(path) is not None


def subject(path: str) -> str:
    """Return a name that a file shares with its tests and, in C, its header; its path if the name says nothing."""
    stem = _AFFIXES.sub("", path.rpartition("/")[2].split(".")[0])
    return path if stem.lower() in _COMMON else stem.lower()


def decides_tests(path: str) -> bool:
    """Return whether ``path`` has a say in which tests there are and whether they run."""
    return is_test_file(path) or _deciding().search(path) is not None


def is_wrong_on_purpose(path: str) -> bool:
    """Return whether ``path`` is test data that is kept to see how a parser takes it."""
    return _data_folders().search(path) is not None and _wrong().search(path) is not None


@cache
def _test_files() -> re.Pattern[str]:
    from ralph_hooks.languages.table import LANGUAGES

    named = [f"(?:{language.tests})" for language in LANGUAGES if language.tests]
    return re.compile("|".join([f"(?i:{_FOLDERS}|{_NAMES})", *dict.fromkeys(named)]))


@cache
def _deciding() -> re.Pattern[str]:
    return re.compile(_DECIDING, re.IGNORECASE)


@cache
def _data_folders() -> re.Pattern[str]:
    return re.compile(_DATA_FOLDERS, re.IGNORECASE)


@cache
def _wrong() -> re.Pattern[str]:
    return re.compile(_WRONG, re.IGNORECASE)
