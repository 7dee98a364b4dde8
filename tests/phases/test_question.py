"""Questions have a version, and replies are read strictly."""

from __future__ import annotations

import pytest

from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.phases import analyze
from ralph_hooks.phases.question import prompt_version, strip_fence
from tests.support.analyzed import part


def test_other_words_are_another_version() -> None:
    assert prompt_version("a", analyze.AnalyzeReply) != prompt_version("b", analyze.AnalyzeReply)
    assert prompt_version(analyze.SYSTEM, analyze.AnalyzeReply) == analyze.VERSION


def test_one_fence_is_taken_off() -> None:
    assert strip_fence('```json\n{"findings": []}\n```\n') == b'{"findings": []}'
    assert strip_fence('  {"findings": []}') == b'{"findings": []}'
    assert strip_fence("```") == b"```"


@pytest.mark.parametrize(
    "text",
    ["", "I found nothing.", "[]", "{}", '{"findings": 3}', '{"findings": [', "[" * 100_000, '{"findings": null}'],
    ids=lambda text: text[:20],
)
def test_what_is_no_reply_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        analyze.read(text.encode(), [part()])
