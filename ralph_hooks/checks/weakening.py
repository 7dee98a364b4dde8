"""Detection of weakened tests and checks, kind by kind. `weakened` decides when it runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property

import msgspec
from msgspec import Struct

from ralph_hooks.checks.shared import added, blocking, is_ci, removed, sets_limits
from ralph_hooks.core.change import decode
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.text import one_line, plural
from ralph_hooks.languages.outline import definitions
from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.test_files import is_test_file

CATEGORY = "weakened-tests"
_NAMED = 3  # places in one finding
_LONGEST = 60  # characters of a name
_DECORATED = 8  # lines between a decorator that skips a test and its name


class _Place(Struct, frozen=True):
    path: str
    line: int
    """In the new file; for removed code, in the base."""
    label: str
    text: str
    """The whole line."""
    gone: bool = False


class _Case(Struct, frozen=True):
    name: str
    line: int
    text: str
    """From its beginning to the next one."""

    @property
    def assertions(self) -> int:
        return len(_assertion().findall(self.text))


class _Tests(Struct, frozen=True):
    """The tests of one file on both sides."""

    source: Source
    old: tuple[_Case, ...]
    new: tuple[_Case, ...]


class _Unneeded:
    """Tests whose code was removed with them. The code is parsed when the first test is asked about."""

    def __init__(self, sources: Sequence[Source], tests: Sequence[_Tests]) -> None:
        self._sources = sources
        self._tests = tests

    def __contains__(self, case: _Case) -> bool:
        return not self._undefined.isdisjoint(re.findall(r"\w+", case.text))

    @cached_property
    def _undefined(self) -> frozenset[str]:
        return _undefined(self._sources) - {case.name for each in self._tests for case in each.old}


def findings(sources: Sequence[Source], *, blocks: bool) -> tuple[Finding, ...]:
    """Return at most one finding a kind."""
    tests = [each for source in sources if (each := _tests(source)) is not None]
    unneeded = _Unneeded(sources, tests)
    kinds: Sequence[tuple[str, Sequence[_Place]]] = (
        ("{tests} removed", _removed_tests(tests, unneeded)),
        ("{tests} skipped", _skipped_tests(tests)),
        ("{tests} with fewer assertions than before", _lost_assertions(tests, unneeded)),
        *((f"{{n}} more `{name}`", _suppressed(sources, name)) for name in _suppressions()),
        ("{limits} lowered", [place for source in sources for place in _lower_limits(source)]),
        ("CI is less strict", _looser_ci(sources)),
    )
    return tuple(_finding(kind, places, blocks=blocks) for kind, places in kinds if places)


def _finding(kind: str, places: Sequence[_Place], *, blocks: bool) -> Finding:
    first, count = places[0], len(places)
    what = kind.format(tests=plural(count, "test"), limits=plural(count, "limit"), n=count)
    named = dict.fromkeys(one_line(place.label[:_LONGEST]) for place in places if place.label)
    listed = ", ".join(list(named)[:_NAMED]) + (", ..." if len(named) > _NAMED else "")
    message = f"{what}: {listed}" if listed else what
    found = blocking(CATEGORY, first.path, first.line, category=CATEGORY, message=message, shown=first.text)
    if blocks:
        return msgspec.structs.replace(found, removed=first.gone)
    return msgspec.structs.replace(found, removed=first.gone, severity=Severity.NOTE, blocking=False)


# Tests


def _tests(source: Source) -> _Tests | None:
    old = _cases(source.entry.old_path, source.content.old)
    new = _cases(source.path, source.content.new)
    return _Tests(source, old, new) if old or new else None


def _cases(path: str, data: bytes | None) -> tuple[_Case, ...]:
    language = language_of(path)
    if not data or language is None or not language.test_case:
        return ()
    if not language.inline_tests and not is_test_file(path):
        return ()
    text = decode(data)
    found = list(_case_pattern(language.test_case).finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    cases = []
    for match, end in zip(found, ends, strict=True):
        group = next(name for name, value in match.groupdict().items() if value and name != "quote")
        line = text.count("\n", 0, match.start(group)) + 1
        cases.append(_Case(match[group], line, text[match.start() : end]))
    return tuple(cases)


@cache
def _case_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def _undefined(sources: Sequence[Source]) -> frozenset[str]:
    """Return the names that code other than tests defined before the change and no longer defines."""
    names: Counter[str] = Counter()
    for source in sources:
        if is_test_file(source.entry.old_path):
            continue
        for sign, path, data in ((1, source.entry.old_path, source.content.old), (-1, source.path, source.content.new)):
            for each in definitions(path, decode(data)) if data else ():
                names[each.short_name] += sign
        if source.content.new is None:
            names[source.entry.old_path.rpartition("/")[2].partition(".")[0]] += 1
    return frozenset(name for name, count in names.items() if count > 0)


def _removed_tests(tests: Sequence[_Tests], unneeded: _Unneeded) -> list[_Place]:
    before = Counter(case.name for each in tests for case in each.old)
    after = Counter(case.name for each in tests for case in each.new)
    gone = before - after
    if gone.total() <= (after - before).total() or _count(tests, _many()) > 0:
        return []  # renamed, or many that became one with parameters
    return [
        _Place(each.source.path, case.line, case.name, case.text.split("\n")[0], gone=True)
        for each in tests
        for case in each.old
        if case.name in gone and case not in unneeded
    ]


def _count(tests: Sequence[_Tests], pattern: re.Pattern[str]) -> int:
    """Return how many more matches there are in the files after the change."""
    return sum(
        sign * len(pattern.findall(decode(data)))
        for each in tests
        for sign, data in ((1, each.source.content.new), (-1, each.source.content.old))
        if data
    )


@cache
def _many() -> re.Pattern[str]:
    return re.compile(r"\bparametrize\b|\.each[(`]|@ParameterizedTest|\brstest\b|\bsubTest\(|\bt\.Run\(|@DataProvider")


def _skipped_tests(tests: Sequence[_Tests]) -> list[_Place]:
    pattern = _skip()
    if _count(tests, pattern) <= 0:
        return []
    known = {case.name for each in tests for case in each.old}
    places = []
    for each in tests:
        gone = {text.strip() for text in removed(each.source).values()}
        for line, text in added(each.source).items():
            if pattern.search(text) and text.strip() not in gone:
                name = _case_at(each.new, line, above=text.lstrip()[:1] in {"@", "#", "["})
                if name in known:
                    places.append(_Place(each.source.path, line, name, text))
    return places


def _case_at(cases: Sequence[_Case], line: int, *, above: bool) -> str:
    """Return the test that ``line`` belongs to; ``above`` for a decorator."""
    if above:
        return next((case.name for case in cases if line <= case.line <= line + _DECORATED), "")
    return next((case.name for case in reversed(cases) if case.line <= line), "")


@cache
def _skip() -> re.Pattern[str]:
    return re.compile(
        r"@(?:pytest\.mark|unittest|mark)\.(?:skip|xfail)\b(?!If|Unless|if)|\bpytest\.(?:skip|xfail)\(|self\.skipTest\("
        r"|\b(?:it|test|describe|suite|context)\.(?:skip|todo|failing)\b|\bx(?:it|test|describe)\("
        r"|\bt\.Skip(?:f|Now)?\(|#\[ignore|@(?:Disabled|Ignore)\b|\[Ignore\b|\bSkip\s*=\s*\"|\bmarkTest(?:Skipped|Incomplete)\("
        r"|\bXCTSkip\b|\bGTEST_SKIP\b|^\s*(?:skip|pending)\b[ (]['\"]"
    )


def _lost_assertions(tests: Sequence[_Tests], unneeded: _Unneeded) -> list[_Place]:
    shared = [(each.source.path, old, new) for each in tests for old, new in _shared(each)]
    fresh = sum(case.assertions for each in tests for case in each.new) - sum(new.assertions for _, _, new in shared)
    if fresh + sum(new.assertions - old.assertions for _, old, new in shared) >= 0:
        return []
    return [
        _Place(path, new.line, new.name, new.text.split("\n")[0])
        for path, old, new in shared
        if new.assertions < old.assertions and old not in unneeded
    ]


def _shared(tests: _Tests) -> Iterator[tuple[_Case, _Case]]:
    """Yield the tests that a file has exactly once on both sides, by name."""
    old, new = (Counter(case.name for case in side) for side in (tests.old, tests.new))
    after = {case.name: case for case in tests.new}
    for case in tests.old:
        if old[case.name] == new[case.name] == 1:
            yield case, after[case.name]


@cache
def _assertion() -> re.Pattern[str]:
    return re.compile(
        r"\bassert\w*|\bexpect\w*\(|\.should\b|\brequire\.[A-Z]\w*\(|\bt\.(?:Error|Fatal)f?\(|\bt\.Fail(?:Now)?\("
        r"|\bXCTAssert\w*|\b(?:EXPECT|ASSERT|REQUIRE|CHECK)_?\w*\(|\bpytest\.raises\b|\bself\.fail\(|\bverify\("
    )


# Suppressed diagnostics


@cache
def _suppressions() -> Mapping[str, re.Pattern[str]]:
    """Return the patterns of suppressions by the name that people know them by."""
    return {
        name: re.compile(pattern)
        for name, pattern in {
            "noqa": r"#\s*(?:ruff:\s*|flake8:\s*)?noqa\b",
            "type: ignore": r"#\s*(?:type|pyright|ty|pyrefly):\s*ignore\b|#\s*mypy:\s*ignore-errors",
            "pylint: disable": r"#\s*pylint:\s*disable",
            "pragma: no cover": r"#\s*pragma:\s*no (?:cover|branch)|\b(?:istanbul|c8|v8) ignore\b",
            "nosec": r"#\s*nosec\b",
            "eslint-disable": r"\beslint-disable|\bbiome-ignore\b|\boxlint-disable",
            "@ts-ignore": r"//\s*@ts-(?:ignore|nocheck)\b|/\*\s*@ts-(?:ignore|nocheck)\b",
            "#[allow]": r"#!?\[allow\(",
            "nolint": r"//\s*nolint\b|\bNOLINT(?:NEXTLINE|BEGIN)?\b|//\s*lint:ignore\b",
            "#pragma warning disable": r"#pragma warning disable\b",
            "rubocop:disable": r"#\s*rubocop:\s*disable",
            "phpstan-ignore": r"@phpstan-ignore|phpcs:ignore|@psalm-suppress",
            "shellcheck disable": r"#\s*shellcheck disable=",
        }.items()
    }


def _suppressed(sources: Sequence[Source], name: str) -> list[_Place]:
    pattern = _suppressions()[name]
    more: list[_Place] = []
    fewer = 0
    for source in sources:
        language = language_of(source.path)
        if language is None or not language.is_program or is_test_file(source.path):
            continue
        more += [
            _Place(source.path, line, f"{source.path}:{line}", text)
            for line, text in added(source).items()
            if pattern.search(text)
        ]
        fewer += sum(1 for text in removed(source).values() if pattern.search(text))
    return more[fewer:]


# Limits of linters and coverage


@cache
def _lowest() -> re.Pattern[str]:
    """Return the pattern of lower limits, below which a check fails."""
    return re.compile(
        r"(?i)(?P<key>fail[_-]?under|min(?:imum)?[_-]?coverage|coverage[_-]?threshold|covered[_-]?ratio|minimum"
        r"|\b(?:branches|functions|lines|statements))\b[\"']?\s{0,5}(?:[:=(>]|\s)\s{0,5}[\"']?(?P<number>\d{1,9}(?:\.\d{1,9})?)"
    )


@cache
def _highest() -> re.Pattern[str]:
    """Return the pattern of upper limits, above which a check fails."""
    return re.compile(
        r"(?i)(?P<key>max[_-]?(?:complexity|warnings|args|branches|returns|statements|locals|nested[_-]?\w*|depth))\b"
        r"[\"'\s:=,\[]{1,9}(?:error|warn)?[\"', ]{0,5}(?P<number>\d{1,9})"
    )


@cache
def _switch() -> re.Pattern[str]:
    """Return the pattern of strictness that is on or off, and of rules with a level."""
    return re.compile(
        r"(?P<key>\b(?:strict\w*|disallow_\w+|warn_\w+|check_untyped_defs|noImplicit\w+|noUnused\w+|noUnchecked\w+"
        r"|[\w@-]{1,60}/[\w/-]{1,60}|no-[\w-]{1,60}))[\"']?\s{0,5}[:=]\s{0,5}\[?\s{0,5}[\"']?(?P<level>true|false|off|warn|error|[012])\b",
        re.IGNORECASE,
    )


_LEVELS = {"false": 0, "off": 0, "0": 0, "warn": 1, "1": 1, "true": 2, "error": 2, "2": 2}


def _lower_limits(source: Source) -> Iterator[_Place]:
    if not sets_limits(source.path):
        return
    gone, fresh = removed(source), added(source)
    for pattern, group, lower in (
        (_lowest(), "number", True),
        (_highest(), "number", False),
        (_switch(), "level", True),
    ):
        before = {key: value for text in gone.values() for key, value in _values(pattern, group, text)}
        for line, text in fresh.items():
            for key, value in _values(pattern, group, text):
                old = before.get(key)
                if old is not None and (value < old if lower else value > old):
                    yield _Place(source.path, line, f"{key} in {source.path}", text)


def _values(pattern: re.Pattern[str], group: str, text: str) -> Iterator[tuple[str, float]]:
    for match in pattern.finditer(text):
        value = match[group].lower()
        yield match["key"], _LEVELS[value] if group == "level" else float(value)


# Continuous integration


@cache
def _lenient() -> re.Pattern[str]:
    return re.compile(
        r"continue-on-error:\s*true|allow_failure:\s*true|--exit-zero\b|\bset \+e\b"
        r"|\bif:\s*(?:\$\{\{\s*)?false\b|fail_ci_if_error:\s*false|-DskipTests\b|--passWithNoTests\b|continueOnError:\s*true"
    )


@cache
def _runs_tests() -> re.Pattern[str]:
    return re.compile(
        r"\b(?:pytest|tox|nox|unittest|(?:npm|yarn|pnpm|bun)(?: run)? (?:test|lint)|jest|vitest|go (?:test|vet)"
        r"|golangci-lint|cargo (?:test|nextest|clippy)|mvn[^#]{0,200} (?:test|verify)"
        r"|gradlew?[^#]{0,200} (?:test|check)|dotnet test|rspec|phpunit|ctest|make (?:test|check|lint)"
        r"|ruff|flake8|mypy|pyright|eslint|tsc)\b"
    )


def _is_lenient(text: str) -> bool:
    forgiven = re.search(r"\|\|\s*(?:true|exit 0|:)(?:\s|$)", text)
    return _lenient().search(text) is not None or (forgiven is not None and _runs_tests().search(text) is not None)


def _looser_ci(sources: Sequence[Source]) -> list[_Place]:
    files = [source for source in sources if is_ci(source.path)]
    lenient = [
        _Place(source.path, line, text.strip(), text)
        for source in files
        for line, text in added(source).items()
        if _is_lenient(text)
    ]
    stricter = sum(1 for source in files for text in removed(source).values() if _is_lenient(text))
    gone = [
        _Place(source.path, line, text.strip(), text, gone=True)
        for source in files
        for line, text in removed(source).items()
        if _runs_tests().search(text) and not text.lstrip().startswith("#")
    ]
    kept = sum(1 for source in files for text in added(source).values() if _runs_tests().search(text))
    return lenient[stricter:] + gone[kept:]
