from __future__ import annotations

import re
from decimal import Decimal

from ralph_hooks.core.report import Cause, CheckedFile, Unreviewed, Verdict, Verification
from ralph_hooks.reports.text import render
from tests.support.reports import MODEL, call, failing_tests, finding, full_report, remark, report, rungs, screen

SGR = re.compile(r"\x1b\[[0-9;]*m")


def test_a_pass_is_one_line() -> None:
    passed = report(
        reviewed=3,
        paths=5,
        calls=(call(), call(phase="verify", cost_usd=Decimal("0.0001"))),
        cost_usd=Decimal("0.0004"),
        unreviewed=(
            Unreviewed("uv.lock", "lock file", Cause.EXCLUDED),
            Unreviewed("logo.png", "binary", Cause.CONTENT),
            Unreviewed("poetry.lock", "lock file", Cause.EXCLUDED),
        ),
    )
    assert screen(passed) == (
        "ralph-hooks: PASS: 3 files reviewed, 2 only checked (lock file), 1 not read (binary), $0.0004, 2 requests, "
        "1.8 s\n"
    )


def test_a_pass_calls_nothing_checked_that_was_not() -> None:
    none = "no model is configured"
    passed = report(
        unreviewed=(
            *(Unreviewed(path, none, Cause.NO_MODEL) for path in ("a.py", "b.sql", "LICENSE", "gone.py")),
            Unreviewed("uv.lock", "lock file", Cause.EXCLUDED),
        ),
        checked=(
            CheckedFile("a.py", ("secrets", "syntax", "ruff")),
            CheckedFile("b.sql", ("secrets", "invisible", "conflicts")),
            CheckedFile("LICENSE", ("secrets",)),
            CheckedFile("uv.lock", ("secrets", "conflicts")),
            CheckedFile("gone.py", ()),
        ),
        seconds=0.14,
    )
    assert screen(passed) == (
        f"ralph-hooks: PASS: 1 file only checked ({none}), 3 scanned for secrets only ({none} x2, lock file, "
        f"no checker for .sql, LICENSE), 1 not checked ({none}), no requests, 0.14 s\n"
    )
    everything = screen(passed, everything=True)
    assert "  a.py: secrets, syntax, ruff\n" in everything
    assert "  b.sql: scanned for secrets only: no checker for .sql\n" in everything
    assert "  gone.py: not checked\n" in everything


def test_a_pass_that_cost_nothing_says_that_it_was_known() -> None:
    passed = report(reviewed=1, calls=(call(from_store=True, cost_usd=Decimal(0)),), seconds=0.09)
    assert screen(passed) == "ralph-hooks: PASS: 1 file reviewed, cached, no requests, 0.09 s\n"


def test_a_pass_without_a_model_says_so_on_a_line_of_its_own() -> None:
    passed = report(
        unreviewed=(Unreviewed("a.py", "no model is configured", Cause.NO_MODEL),),
        notices=("NOT reviewed by a model: none is configured",),
        seconds=0.14,
    )
    assert screen(passed) == (
        "ralph-hooks: PASS: 1 file only checked (no model is configured), no requests, 0.14 s\n"
        "ralph-hooks: NOT reviewed by a model: none is configured\n"
    )


def test_a_pass_counts_commands_and_points_to_advice() -> None:
    passed = report(
        findings=(remark(),),
        verification=(failing_tests(new_failures=(), known_failures=("test_old",)),),
        seconds=125.0,
    )
    assert screen(passed) == (
        "ralph-hooks: PASS: 1 command passed, 1 known failure, advice: 1 (ralph-hooks show), no requests, 2 min 5 s\n"
    )


def test_an_empty_change_says_that_there_was_nothing_to_judge() -> None:
    assert screen(report(seconds=0.02)) == "ralph-hooks: PASS: nothing to review, no requests, 0.02 s\n"


FAILED = """\
ralph-hooks: FAIL: staged change: 2 blocking findings, 1 failing command

shop/cart.py:41: error bug
  (confidence 0.92, openrouter/deepseek/deepseek-v4-flash)
  The last item is never added to the total.
  41 |     for item in items[:-1]:
     |     ^^^^^^^^^^^^^^^^^^^^^^^
  id 9ec7119c, confirmed by openrouter/deepseek/deepseek-v4-flash

shop/price.py:7: error F821 (ruff)
  Undefined `vat`
  7 | if net:
  8 |         return net * vat
    | ^^^^^^^^^^^^^^^^^^^^^^^^
  id 2f05db16

verify command failed: pytest -q --junit-xml={junit} (exit 1, 12.3 s)
  new failure: tests/test_cart.py::test_total
  1 known failure not counted
  | E       assert 3 == 4
  |
  | 1 failed, 20 passed in 0.12s

verify command could not run: make docs (make: not found)

ralph-hooks: 1 file NOT reviewed by a model: the provider did not answer

what to do
  fix this, commit and push again
  a verified fix of 2 files (+10 -3) is stored: ralph-hooks apply f1a2
  the whole report: ralph-hooks show

advice, does not block
  shop/cart.py:41: warning bug (id 9ec7119c): A confusing name.

1 finding not confirmed, left out: ralph-hooks show
1 dismissed, 1 of them by this change: ralph-hooks dismiss --list
1 file not reviewed by a model: lock file
$0.0004, 2 requests, the rest cached, 1.8 s

if a finding is wrong, dismiss it by its id:
  ralph-hooks dismiss 9ec7119c --reason 'why it is wrong'
"""


def test_a_failure_shows_what_blocks_first_and_advice_last() -> None:
    failed = full_report(unreviewed=(Unreviewed("uv.lock", "lock file", Cause.EXCLUDED),))
    assert screen(failed) == FAILED


def test_colour_changes_nothing_but_the_colour() -> None:
    failed = full_report()
    coloured = render(failed, color=True, width=80)
    assert "\x1b[1;31mralph-hooks: FAIL" in coloured
    assert SGR.sub("", coloured) == screen(failed)


def test_the_way_around_the_hook_is_not_advertised() -> None:
    assert "--no-verify" not in screen(full_report())


INCONCLUSIVE = """\
ralph-hooks: NOT REVIEWED: no model reviewed 1 file: connection refused
ralph-hooks: blocked, because when-unavailable is "closed"

what to do
  fix the cause above, or try again later, or set
  RALPH_HOOKS_WHEN_UNAVAILABLE=open for this run
  the whole report: ralph-hooks show

cost unknown (no price for corp/big), not counted in budgets, 1 request, 1.8 s
"""


def test_an_outage_is_never_a_pass_and_an_unknown_cost_is_not_zero() -> None:
    unjudged = report(
        Verdict.INCONCLUSIVE,
        reason="no model reviewed 1 file: connection refused",
        unreviewed=(Unreviewed("a.py", "connection refused", Cause.UNAVAILABLE),),
        notices=('blocked, because when-unavailable is "closed"',),
        calls=(call(model="corp/big", cost_usd=None, outcome="unreachable"),),
        cost_usd=None,
    )
    assert screen(unjudged) == INCONCLUSIVE


def test_an_outage_that_goes_through_says_so_in_two_lines() -> None:
    """It comes with every commit of somebody without a key: loud, and short."""
    passed = Verification(command="pytest -q", exit_code=0, seconds=1.0)
    let_by = 'not blocked, because when-unavailable is "open"'
    unjudged = report(
        Verdict.INCONCLUSIVE, reason="no model reviewed 1 file", notices=(let_by,), verification=(passed,), exit_code=0
    )
    assert screen(unjudged).splitlines() == [
        "ralph-hooks: NOT REVIEWED: no model reviewed 1 file; 1 command passed",
        f"ralph-hooks: {let_by}",
    ]


def test_a_command_that_could_not_run_is_shown_though_the_change_goes_through() -> None:
    broken = Verification(command="make docs", exit_code=None, seconds=0.1, problem="make: not found")
    assert "make: not found" in screen(report(Verdict.INCONCLUSIVE, verification=(broken,), exit_code=0))


def test_a_failure_that_is_only_a_warning_does_not_ask_for_another_commit() -> None:
    warned = report(Verdict.FAIL, findings=(finding(),), exit_code=0)
    assert "nothing is blocked" in screen(warned)
    assert "commit again" not in screen(warned)


def test_advice_is_capped_and_the_unconfirmed_is_counted_only() -> None:
    advice = tuple(remark(path=f"a{i}.py", message=f"Remark {i}") for i in range(7))
    doubtful = remark(confirmed=False, message="Refuted")
    text = screen(report(Verdict.FAIL, findings=(finding(), *advice, doubtful)))
    assert "Remark 4" in text
    assert "Remark 5" not in text
    assert "2 more: ralph-hooks show" in text
    assert "Refuted" not in text
    assert "1 finding not confirmed" in text


def test_show_leaves_nothing_out() -> None:
    advice = tuple(remark(path=f"a{i}.py", message=f"Remark {i}") for i in range(7))
    failures = tuple(f"test_{i}" for i in range(30))
    tail = "\n".join(f"line {i}" for i in range(40))
    whole = full_report(
        findings=(finding(message="word " * 2000 + "end"), *advice, remark(confirmed=False, message="Refuted")),
        verification=(failing_tests(new_failures=failures, known_failures=("test_known",), tail=tail),),
    )
    text = screen(whole, everything=True)
    wanted = ("end", "Remark 6", "Refuted", "test_29", "test_known", "line 0\n", "files/content: because content")
    assert [word for word in wanted if word not in text] == []
    assert f"analyze {MODEL}: 1,200 (300 cached) in, 80 out, $0.0003, ok, 1.1 s" in text
    assert "the same tokens on the expensive model: $0.0123" in text
    assert "ralph-hooks show" not in text


def test_a_finding_without_a_quote_has_no_code() -> None:
    assert " | " not in screen(report(Verdict.FAIL, findings=(finding(quote="", context="x = 1"),)))


def test_removed_code_is_called_so() -> None:
    text = screen(report(Verdict.FAIL, findings=(finding(removed=True, source="x/y"),)))
    assert "shop/cart.py:41: error bug (removed code, confidence 0.92, x/y)" in text


def test_colours_of_a_test_runner_are_taken_out_and_other_escapes_shown() -> None:
    run = failing_tests(tail="\x1b[31mFAILED\x1b[0m test_a\n\x1b]0;title\x07\n")
    text = screen(report(Verdict.FAIL, verification=(run,)))
    assert "| FAILED test_a\n" in text
    assert "| \\x1b]0;title\\x07\n" in text


def test_a_command_that_was_stopped_says_so() -> None:
    run = Verification(command="pytest", exit_code=None, seconds=600.0)
    text = screen(report(Verdict.FAIL, verification=(run,)))
    assert "verify command failed: pytest (stopped after 10 min 0 s)" in text


REPAIR = """\
repair
  autofix (free): ruff has no safe fix for F821
  plan (to send fewer tokens): 2 files, 3 steps;
    openrouter/deepseek/deepseek-v4-flash, $0.0001
  implement (attempt 1 of 2): 2 edits in 1 file; anthropic/claude-opus-4-5, cost
    unknown
  check (after implement): `pytest` fails
  fix (round 1 of 2): 1 edit in 1 file; openrouter/deepseek/deepseek-v4-flash,
    $0
  check (after fix): everything passes
"""


def test_a_repair_tells_its_steps_and_how_to_bring_it_in() -> None:
    text = screen(full_report(command="fix", exit_code=0))
    assert text.startswith("ralph-hooks: REPAIRED: staged change: 2 blocking findings, 1 failing command\n")
    assert REPAIR in text
    assert "  a verified fix of 2 files (+10 -3) is stored: ralph-hooks apply f1a2\n  review it first: " in text
    assert "git add" not in text


def test_what_could_not_be_repaired_is_said_with_all_that_was_tried() -> None:
    text = screen(full_report(command="fix", fix=None, notices=("not repaired: 2 attempts did not do",)))
    assert text.startswith("ralph-hooks: NOT REPAIRED: staged change: ")
    assert REPAIR in text
    assert "ralph-hooks: not repaired: 2 attempts did not do\n" in text
    assert "fix it by hand, `git add` the files and commit again" in text


def test_a_repair_that_was_asked_for_in_words_needs_no_failure() -> None:
    asked = report(command="fix", rungs=rungs(), fix=full_report().fix)
    assert screen(asked).startswith("ralph-hooks: REPAIRED: staged change: as you asked\n")


def test_a_hook_keeps_the_steps_of_a_repair_for_show() -> None:
    assert REPAIR not in screen(full_report())
    assert REPAIR in screen(full_report(), everything=True)
