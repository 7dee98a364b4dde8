"""Identity of findings."""

from __future__ import annotations

import msgspec

from tests.support.reports import finding


def test_model_and_words_do_not_change_the_id() -> None:
    one = finding(source="a/small", message="It is wrong.")
    assert one.id == finding(source="b/large", message="Off by one.").id
    assert one.fingerprint.startswith(one.id)


def test_checks_are_told_apart_by_their_rule() -> None:
    ruff = finding(source="ruff", category="F821")
    assert (ruff.by_model, ruff.kind) == (False, "ruff F821")
    assert ruff.id != finding(source="ruff", category="F401").id
    assert finding(source="a/b", category="sql-injection").kind == "security"
    assert finding(source="a/b", category="logic").kind == "defect"
    assert msgspec.structs.replace(ruff, rule="no-print").kind == "rule no-print"


def test_white_space_does_not_change_the_place() -> None:
    assert finding(quote="a  =  1").place == finding(quote="a = 1").place
    assert finding(path="a.py").place != finding(path="b.py").place
