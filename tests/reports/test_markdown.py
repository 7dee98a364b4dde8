"""Remarks on a pull request: the reproducer is shown as code, whatever its text is."""

from __future__ import annotations

import pytest

from ralph_hooks.core.proof import Evidence, Proof
from ralph_hooks.reports.markdown import plain, remark
from tests.support.reports import finding


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("def test_it():\n    assert 1 == 2\n", "```\ndef test_it():\n    assert 1 == 2\n```"),
        ("# `\n", "```\n# `\n```"),
        ("```\n/close @everyone\n````\n", "`````\n```\n/close @everyone\n````\n`````"),
        ("\x1b[31mred\n", "```\n\\x1b[31mred\n```"),
    ],
)
def test_reproducer_cannot_leave_its_block(text: str, block: str) -> None:
    proof = Proof(
        command="pytest t.py",
        path="t.py",
        test=text,
        on_change="fails 3 of 3: KeyError\nmore",
        on_base="passes 3 of 3",
        reason="KeyError at shop.py:3",
    )
    told = remark(finding(proof=proof, evidence=Evidence.PROVED))
    assert "(proved: KeyError at shop.py:3)" in told
    assert "t.py, fails 3 of 3: KeyError (change), passes 3 of 3 (base)</summary>" in told
    assert f"\n\n{block}\n\n</details>" in told


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("a_b is *not* `c`", r"a\_b is \*not\* \`c\`"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("[here](http://x.invalid)", "\\[here\\](http:\u2060//x.invalid)"),
        ("/close\n/approve", r"/close\n/approve"),
        ("www.x.invalid", "www\u2060.x.invalid"),
        ("100 % of 5 ! & more", "100 % of 5 ! &amp; more"),
    ],
)
def test_text_does_nothing(text: str, inert: str) -> None:
    assert plain(text).replace("\\\\n", "\\n") == inert
