"""What holds for every format, whatever a model, a file name or a test's output says."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.report import Cause, FixSummary, Report, Unreviewed, Verdict, Verification
from ralph_hooks.core.usage import Call
from ralph_hooks.reports.formats import FORMATS, render
from tests.support.reports import full_report

UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
SGR = re.compile(r"\x1b\[(?:0|1|2|36|1;31|1;32|1;33)m")

nasty = st.sampled_from(
    [
        "\x1b[2J",
        "\x1b]0;x\x07",
        "\u202e",
        "\u200b",
        "\n",
        "\r",
        "\t",
        "::error::x",
        "##[error]",
        "\udcff",
        "\x9b",
        "値",
        "e\u0301",
        "%",
        "\0",
        "\U000e0041",
        " ",
    ]
)
bytes_text = st.binary(max_size=12).map(lambda data: data.decode("utf-8", "surrogateescape"))
text = (
    st.lists(st.one_of(nasty, bytes_text, st.text(max_size=8)), max_size=6)
    .map("".join)
    .map(lambda value: value.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))
)
counts = st.integers(-1, 10**6)
money = st.one_of(st.none(), st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=8))
seconds = st.floats(0, 10**5)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    quote = draw(text)
    around = draw(st.one_of(st.just(""), st.tuples(text, text).map(lambda pair: pair[0] + quote + pair[1])))
    return Finding(
        path=draw(text),
        line=draw(counts),
        end_line=draw(counts),
        category=draw(text),
        severity=draw(st.sampled_from(Severity)),
        confidence=draw(st.floats(0, 1)),
        message=draw(text),
        quote=quote,
        context=around,
        source=draw(text),
        confirmed=draw(st.sampled_from([None, True, False])),
        blocking=draw(st.booleans()),
        removed=draw(st.booleans()),
    )


reports = st.builds(
    Report,
    command=text,
    verdict=st.sampled_from(Verdict),
    reason=text,
    tree=text,
    title=text,
    findings=st.lists(findings(), max_size=3).map(tuple),
    unreviewed=st.lists(st.builds(Unreviewed, text, text, st.sampled_from(Cause)), max_size=3).map(tuple),
    verification=st.lists(
        st.builds(
            Verification,
            command=text,
            exit_code=st.one_of(st.none(), counts),
            seconds=seconds,
            new_failures=st.lists(text, max_size=2).map(tuple),
            known_failures=st.lists(text, max_size=2).map(tuple),
            tail=text,
            problem=text,
        ),
        max_size=2,
    ).map(tuple),
    calls=st.lists(
        st.builds(
            Call,
            phase=text,
            model=text,
            input_tokens=counts,
            cached_input_tokens=counts,
            output_tokens=counts,
            cost_usd=money,
            seconds=seconds,
            outcome=text,
            from_store=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    cost_usd=money,
    baseline_usd=money,
    fix=st.one_of(
        st.none(),
        st.builds(
            FixSummary, id=text, ref=text, files=counts, insertions=counts, deletions=counts, verified=st.booleans()
        ),
    ),
    notices=st.lists(text, max_size=2).map(tuple),
    seconds=seconds,
    exit_code=st.integers(0, 3),
)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=20, deadline=None)
@given(judged=reports, everything=st.booleans(), width=st.integers(1, 200))
def test_nothing_that_drives_a_terminal_comes_out(name: str, judged: Report, everything: bool, width: int) -> None:  # noqa: FBT001 - hypothesis passes it by name
    output = render(judged, name, color=False, width=width, everything=everything)
    assert UNSAFE.search(output) is None
    assert output.endswith("\n")


@settings(max_examples=20, deadline=None)
@given(judged=reports, everything=st.booleans())
def test_with_colour_only_our_own_escapes_come_out(judged: Report, everything: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
    output = render(judged, "text", color=True, width=80, everything=everything)
    assert UNSAFE.search(SGR.sub("", output)) is None


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "text"])
def test_only_text_has_colour(name: str) -> None:
    judged = full_report()
    assert render(judged, name, color=True, width=10) == render(judged, name, color=False, width=200)


@pytest.mark.parametrize("name", FORMATS)
def test_a_huge_report_is_rendered_at_once(name: str) -> None:
    base = full_report(cost_usd=Decimal(1)).findings[0]
    line = "x" * 1_000_000
    huge = Finding(
        path="a.py", line=1, end_line=1, category="bug", severity=base.severity, confidence=1.0, message=line,
        quote="y", context=f"{line}y{line}", source="a/b", blocking=True,
    )  # fmt: skip
    assert render(full_report(findings=(huge,) * 3), name, color=True, width=80)


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(KeyError):
        render(full_report(), "html", color=False, width=80)


HEAVY = {"rich", "json", "urllib.parse", "unicodedata", "ralph_hooks.reports.sarif"}


def test_the_text_path_loads_nothing_heavy() -> None:
    """An ordinary commit renders one line, and pays for no more than that."""
    program = (
        "import sys\n"
        "from ralph_hooks.core.report import Report, Verdict\n"
        "from ralph_hooks.reports.formats import render\n"
        "passed = Report(command='gate', verdict=Verdict.PASS, reason='', tree='', title='')\n"
        "assert render(passed, 'text', color=True, width=80)\n"
        f"print(*sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
