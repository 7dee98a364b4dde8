"""One finding for each kind of weakened test or rule; moved or renamed tests do not count as removed."""

from __future__ import annotations

import pytest

from ralph_hooks.core.ports.change import Source
from tests.support.sources import source
from tests.support.weakened import ONE, TESTS, findings

TWO = "def test_two():\n    assert total([]) == 0\n"


def message(*sources: Source) -> str:
    (finding,) = findings(*sources)
    return finding.message


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("tests/test_a.py", TESTS, None, "2 tests removed: test_one, test_two"),
        ("a.test.js", "it('adds', () => { expect(1).toBe(1) })\n", "// nothing\n", "1 test removed: adds"),
        ("a_test.go", "package a\nfunc TestAdd(t *testing.T) {\n}\n", "package a\n", "1 test removed: TestAdd"),
        ("src/a.rs", "#[test]\nfn adds() { assert!(true); }\n", "fn main() {}\n", "1 test removed: adds"),
        ("ATest.java", "class A {\n  @Test\n  void adds() {}\n}\n", "class A {\n}\n", "1 test removed: adds"),
        ("spec/a_spec.rb", "it 'adds' do\nend\n", "\n", "1 test removed: adds"),
        (
            "tests/test_a.py",
            TESTS,
            TESTS.replace("def test_two", "@pytest.mark.skip\ndef test_two"),
            "1 test skipped: test_two",
        ),
        (
            "tests/test_a.py",
            TESTS,
            TESTS.replace("    assert total([])", "    pytest.skip()\n    assert total([])"),
            "1 test skipped: test_two",
        ),
        ("a.test.js", "it('adds', () => {})\n", "it.skip('adds', () => {})\n", "1 test skipped: adds"),
        (
            "a_test.go",
            "package a\nfunc TestAdd(t *testing.T) {\n}\n",
            "package a\nfunc TestAdd(t *testing.T) {\n\tt.Skip()\n}\n",
            "1 test skipped: TestAdd",
        ),
        ("src/a.rs", "#[test]\nfn adds() {}\n", "#[test]\n#[ignore]\nfn adds() {}\n", "1 test skipped: adds"),
        (
            "tests/test_a.py",
            TESTS,
            TESTS.replace("    assert total([2]) == 2\n", ""),
            "1 test with fewer assertions than before: test_one",
        ),
        ("a.py", "x = 1\n", "x = y  # noqa: F821\n", "1 more `noqa`: a.py:1"),
        ("a.py", "x = 1\n", "x = y  # type: ignore[name-defined]\n", "1 more `type: ignore`: a.py:1"),
        ("a.js", "x\n", "// eslint-disable-next-line\nx\n", "1 more `eslint-disable`: a.js:1"),
        ("a.ts", "x\n", "// @ts-ignore\nx\n", "1 more `@ts-ignore`: a.ts:1"),
        ("a.rs", "fn f() {}\n", "#[allow(dead_code)]\nfn f() {}\n", "1 more `#[allow]`: a.rs:1"),
        ("a.go", "package a\n", "package a //nolint:all\n", "1 more `nolint`: a.go:1"),
        ("pyproject.toml", "fail_under = 90\n", "fail_under = 80\n", "1 limit lowered: fail_under in pyproject.toml"),
        (
            "tox.ini",
            "pytest --cov-fail-under=90\n",
            "pytest --cov-fail-under=80\n",
            "1 limit lowered: fail-under in tox.ini",
        ),
        ("jest.config.js", "branches: 90,\n", "branches: 50,\n", "1 limit lowered: branches in jest.config.js"),
        (".flake8", "max-complexity = 10\n", "max-complexity = 20\n", "1 limit lowered: max-complexity in .flake8"),
        ("pyproject.toml", "strict = true\n", "strict = false\n", "1 limit lowered: strict in pyproject.toml"),
        (".eslintrc.json", '"no-eval": "error"\n', '"no-eval": "off"\n', "1 limit lowered: no-eval in .eslintrc.json"),
        (
            ".github/workflows/ci.yml",
            "- run: x\n",
            "- run: x\n  continue-on-error: true\n",
            "CI is less strict: continue-on-error: true",
        ),
        (
            ".github/workflows/ci.yml",
            "- run: pytest\n",
            "- run: pytest || true\n",
            "CI is less strict: - run: pytest || true",
        ),
        (".gitlab-ci.yml", "a:\n  script: make test\n", "a:\n", "CI is less strict: script: make test"),
    ],
)
def test_each_kind_is_told_in_one_line(path: str, old: str, new: str | None, expected: str) -> None:
    assert message(source(path, new, old)) == expected


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("src/a.rs", "#[test "),
        ("src/a.rs", "#[test] "),
        ("ATest.java", "@Test "),
        ("ATests.cs", "[Fact "),
        ("a.test.js", "it.each("),
        ("tests/test_a.py", "def test"),
        ("package.json", "a-"),
        ("package.json", "max-complexity "),
        (".github/workflows/ci.yml", "mvn "),
        ("a.py", "# "),
        ("spec/a_spec.rb", "it '"),
    ],
)
def test_a_long_line_does_not_hang_it(path: str, unit: str) -> None:
    for text in (unit * 100_000, f"{unit}{' ' * 500_000}"):
        findings(source(path, text, "x\n"), source(path, "x\n", text))


def test_many_of_a_kind_are_one_finding() -> None:
    text = "".join(f"def test_{number}():\n    assert f()\n\n" for number in range(9))
    assert message(source("tests/test_a.py", "", text)) == "9 tests removed: test_0, test_1, test_2, ..."


@pytest.mark.parametrize(
    "sources",
    [
        (source("tests/test_a.py", ONE, TESTS), source("tests/test_b.py", TWO)),
        (source("tests/test_a.py", TESTS.replace("test_two", "test_none"), TESTS),),
        (
            source(
                "tests/test_a.py",
                f"{ONE}@pytest.mark.parametrize('a', [0])\ndef test_all(a):\n    assert total(a)\n",
                TESTS + TWO.replace("two", "three"),
            ),
        ),
        (source("tests/test_a.py", ONE, TESTS), source("a.py", "\n", "def total(items): ...\n")),
        (source("tests/test_a.py", f"{TESTS}\n@pytest.mark.skip\ndef test_new():\n    assert f()\n", TESTS),),
        (source("tests/test_a.py", TESTS, TESTS.replace("    assert total([2]) == 2\n", "")),),
        (
            source(
                "tests/test_a.py",
                TESTS.replace("    assert total([2]) == 2\n", "")
                + "\n\ndef test_three():\n    assert total([2]) == 2\n",
                TESTS,
            ),
        ),
        (source("a.py", "x = 1\n", "x = 1  # noqa\n"), source("b.py", "x = 1  # noqa\n")),
        (source("tests/test_a.py", TESTS + "x = 1  # noqa\n", TESTS),),
        (source("README.md", "Write `# noqa` there.\n", "\n"),),
        (source("pyproject.toml", "fail_under = 95\n", "fail_under = 90\n"),),
        (source("pyproject.toml", "fail_under = 90\n"),),
        (source("src/config.py", "fail_under = 80\n", "fail_under = 90\n"),),
        (source(".github/workflows/ci.yml", "- run: tox -e py\n", "- run: pytest\n"),),
        (source(".github/workflows/ci.yml", "- run: docker logs x || true\n", "- run: docker logs x\n"),),
    ],
    ids=[
        "moved",
        "renamed",
        "parametrized",
        "code gone too",
        "new and skipped",
        "stronger",
        "split",
        "noqa moved",
        "noqa in tests",
        "documentation",
        "higher limit",
        "new limit",
        "no limit",
        "other runner",
        "logs",
    ],
)
def test_ordinary_changes_are_silent(sources: tuple[Source, ...]) -> None:
    assert findings(*sources) == ()
