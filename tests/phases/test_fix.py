"""A repair that failed is corrected."""

from __future__ import annotations

from ralph_hooks.core.repair import Edit, NewFile, Repair
from ralph_hooks.phases import fix
from ralph_hooks.phases.problem import Shown
from tests.support.reports import PROBLEM


def test_a_correction_is_told_what_was_tried_and_what_came_of_it_and_not_the_old_output() -> None:
    repair = Repair("Adds it.", (Edit("a.py", "old\n", "new\n"),), (NewFile("b.py", "x" * 5000),), ("c.py",))
    prompt = fix.question(
        PROBLEM, repair=repair, applied=True, done="", wrong=["it fails"], shown=[Shown("a.py", "new\n")], marker="m"
    ).prompt
    assert "THE REPAIR: Adds it.\nThe files have these edits:\nedit 1 of a.py, search:\nold\n\nreplace:\nnew" in prompt
    assert "[... cut ...]\ndelete c.py\nWHAT WENT WRONG\nit fails\nFILE m a.py\nnew\nEND m" in prompt
    assert "1 failed, 20 passed" not in prompt
