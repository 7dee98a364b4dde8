"""Paths say which files are tests."""

from __future__ import annotations

import pytest

from ralph_hooks.languages.test_files import decides_tests, is_test_file, is_wrong_on_purpose, subject


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py", "test_a.py", "a_test.py", "src/tests.py", "conftest.py", "pkg/a_test.go", "a.spec.ts",
        "src/__tests__/a.tsx", "src/FooTest.java", "FooTests.cs", "spec/a_spec.rb", "test_a.rb", "FooTest.php",
        "FooIT.kt", "AppTests.swift", "e2e/login.js", "testdata/a.json",
    ],
)  # fmt: skip
def test_tests_are_recognised(path: str) -> None:
    assert is_test_file(path)
    assert decides_tests(path)


@pytest.mark.parametrize(
    "path", ["src/a.py", "latest.py", "contest.py", "protest/x.js", "src/attest.go", "src/Testing.java", "greatest.rb"]
)
def test_other_files_are_no_tests(path: str) -> None:
    assert not is_test_file(path)
    assert not decides_tests(path)


@pytest.mark.parametrize("path", ["pyproject.toml", "tox.ini", "web/package.json", "noxfile.py", "jest.config.mjs"])
def test_configuration_of_a_runner_decides_tests(path: str) -> None:
    assert decides_tests(path)
    assert not is_test_file(path)


def test_broken_test_data_is_wrong_on_purpose() -> None:
    assert is_wrong_on_purpose("tests/fixtures/broken.json")
    assert is_wrong_on_purpose("test/syntax/unclosed.go")
    assert not is_wrong_on_purpose("tests/test_a.py")
    assert not is_wrong_on_purpose("src/broken.json")


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("src/till.py", "tests/test_till.py"),
        ("web/till.ts", "web/__tests__/till.spec.ts"),
        ("till.go", "till_test.go"),
        ("src/main/Till.java", "src/test/TillTest.java"),
        ("lib/till.c", "include/till.h"),
    ],
)
def test_a_file_and_its_tests_have_one_subject(path: str, test: str) -> None:
    assert subject(path) == subject(test)
    assert subject("a/__init__.py") != subject("b/__init__.py")
