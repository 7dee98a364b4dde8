"""Review guidelines: which part of a file is read, and what is said where there is none."""

from __future__ import annotations

import pytest

from ralph_hooks.core.guidance import MAX_GUIDELINES, load, proposed, section

TEXT = """\
# Project

Intro.

## Review rules ##

Report missing timeouts.

### Details

Also retries.

```text
## No heading
```

## Build

make
"""


@pytest.mark.parametrize("heading", ["Review rules", "review  RULES"])
def test_a_section_ends_at_the_next_heading_of_its_level(heading: str) -> None:
    found = section(TEXT, heading)
    assert found is not None
    assert found.startswith("Report missing timeouts.")
    assert "## No heading" in found
    assert "make" not in found


def test_without_a_heading_all_of_the_file_is_read() -> None:
    assert section(TEXT, "") == TEXT


def test_guidelines_that_are_not_there_are_told() -> None:
    guidance = load(["REVIEW.md", "AGENTS.md#Nothing", "AGENTS.md#Build"], {"AGENTS.md": TEXT.encode()})
    assert guidance.rules(["REVIEW.md", "AGENTS.md#Build"]) == "AGENTS.md#Build:\nmake"
    assert guidance.notices == (
        "review guidelines: the base has no REVIEW.md",
        "review guidelines: the base has no section 'Nothing' in AGENTS.md",
    )


def test_long_guidelines_are_cut_with_a_message() -> None:
    guidance = load(["a"], {"a": b"word " * 10_000})
    assert len(guidance.rules(["a"])) <= MAX_GUIDELINES
    assert f"models read only the first {MAX_GUIDELINES:,} characters of 50,000" in guidance.notices[0]


def test_the_digest_changes_with_the_text() -> None:
    digests = {load(["a"], files).digest for files in ({}, {"a": b"one"}, {"a": b"two"})}
    assert len(digests) == 3
    assert "" in digests


def test_what_is_there_is_proposed() -> None:
    files = {"REVIEW.md": "Be strict.", "AGENTS.md": TEXT, "CLAUDE.md": "# Build\n"}
    assert proposed(files) == ["REVIEW.md", "AGENTS.md#Review rules"]
