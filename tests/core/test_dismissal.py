"""The file of dismissed findings: what it holds, what it excuses, and how it merges."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from ralph_hooks.core.dismissal import Dismissal, DismissalKind, Dismissals, entry_for, read, salted, write
from ralph_hooks.core.finding import Finding
from tests.support.reports import check_finding, finding


def entry(of: Finding, **changes: object) -> Dismissal:
    made = entry_for(
        of,
        kind=DismissalKind.FALSE_ALARM,
        reason="the caller checks it",
        by="Ada <ada@example.com>",
        on="2026-11-29",
        salt="5a17",
        mask=lambda text: text,
    )
    return msgspec.structs.replace(made, **changes)


def there(_: str) -> bool:
    return True


def gone(_: str) -> bool:
    return False


def test_the_file_is_read_as_it_was_written() -> None:
    entries = (
        entry(finding(anchor="1"), reason='a "quote", a \\ and\na line\x1b[2J', path="tab\there.py"),
        entry(check_finding(anchor="2"), kind=DismissalKind.ACCEPTED, lines=3, removed=True),
        entry(finding(anchor="3", value="v", category="secret"), by="Zoë <zoe@example.com>"),
    )
    assert sorted(read(write(entries)), key=lambda e: e.id) == sorted(entries, key=lambda e: e.id)
    assert b"\x1b" not in write(entries)


def test_blocks_are_sorted_by_id_and_each_id_is_there_once() -> None:
    entries = [entry(finding(anchor=str(number))) for number in range(40)]
    written = write([*entries, msgspec.structs.replace(entries[0], reason="another")])
    ids = [each.id for each in read(written)]
    assert ids == sorted({each.id for each in entries})
    assert write(reversed(read(written))) == written


def test_two_branches_that_dismiss_different_findings_merge(tmp_path: Path) -> None:
    made = [entry(finding(anchor=str(number), path=f"{number}.py")) for number in range(30)]
    by_digit = {each.id[0]: each for each in made}
    ours, theirs, *shared = by_digit.values()
    files = {"base": shared, "ours": [*shared, ours], "theirs": [*shared, theirs]}
    for name, entries in files.items():
        (tmp_path / name).write_bytes(write(entries))
    merged = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"], cwd=tmp_path, capture_output=True, check=True
    )
    assert set(read(merged.stdout)) == {*shared, ours, theirs}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<<<<<<< HEAD\n", "Invalid"),
        (b"\xff", "utf-8"),
        (b"[other]\n", "unknown key 'other'"),
        (b'[[dismissed]]\nid = "12"\npath = ""\nfinding = ""\nkind = "accepted"\nreason = "x"\n', "'12' is not an id"),
        (b"[[dismissed]]\nid = 12\n", "Expected `str`, got `int`"),
        (b"a = " + b"[" * 100_000, "nested too deeply|unknown key|Invalid"),
        (b"#" * 3_000_000, "3,000,000 bytes"),
        (write([entry(finding(), reason=" ")]), "no reason"),
    ],
    ids=["conflict", "not UTF-8", "unknown key", "short id", "wrong type", "deep", "large", "no reason"],
)
def test_a_damaged_file_is_an_error_with_its_cause(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(data)


def test_a_dismissal_excuses_its_finding_and_no_other() -> None:
    found, other = finding(anchor="1"), finding(anchor="2")
    standing, dismissed = Dismissals(base=(entry(found),)).split([found, other], there)
    assert standing == (other,)
    assert [(item.finding, item.reason, item.in_change) for item in dismissed] == [
        (found, "the caller checks it", False)
    ]


def test_a_dismissal_holds_for_the_same_code_elsewhere_only_where_its_file_is_gone() -> None:
    found = finding(anchor="1")
    copied = msgspec.structs.replace(found, path="copy.py")
    known = Dismissals(base=(entry(found),))
    assert known.split([copied], there)[0] == (copied,)
    assert known.split([copied], gone)[0] == ()


def test_what_the_change_brings_is_marked_and_what_the_base_has_is_not() -> None:
    found = finding(anchor="1")
    brought = Dismissals(change=(entry(found),))
    both = Dismissals(base=(entry(found),), change=(entry(found),))
    assert [known.split([found], there)[1][0].in_change for known in (brought, both)] == [True, False]


def test_another_secret_on_the_same_line_is_not_excused() -> None:
    found = finding(anchor="1", value="slow hash", category="secret", source="secrets")
    other = msgspec.structs.replace(found, value="of another")
    assert found.fingerprint == other.fingerprint
    known = Dismissals(base=(entry(found),))
    assert known.split([found, other], there)[0] == (other,)
    assert entry(found).digest == salted("slow hash", "5a17") != salted("slow hash", "other salt")
    assert b"slow hash" not in write([entry(found)])
