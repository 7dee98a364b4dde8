"""Scripted models that repair: what they answer to plan, implement and fix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.server import Finds, Reply, Request, Responder, analyst

Answer = Reply | Callable[[Request], Reply]


def plan(*files: str, steps: Sequence[str] = ("Mend it.",)) -> Reply:
    return Reply.json_text({"files": list(files), "steps": list(steps)})


def repair(*edits: tuple[str, str, str], summary: str = "Mends it.", **more: Any) -> Reply:  # noqa: ANN401 - create, delete
    """Edits as path, search, replace; ``create`` and ``delete`` as in a reply."""
    listed = [dict(zip(("path", "search", "replace"), edit, strict=True)) for edit in edits]
    return Reply.json_text({"summary": summary, "edits": listed, "create": [], "delete": []} | more)


class Crew:
    """Answers each phase; implement and fix from a list, whose last answer stays."""

    def __init__(
        self,
        *finds: Finds,
        planned: Answer | None = None,
        implement: Sequence[Answer] = (),
        fix: Sequence[Answer] = (),
        holds: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._reviewer: Responder = analyst(*finds, holds=holds)
        self._planned = planned or plan()
        self._answers = {"implement": list(implement), "fix": list(fix)}
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        if request.phase in {"analyze", "verify"}:
            return self._reviewer(request)
        if request.phase == "plan":
            return self._given(self._planned, request)
        with self._lock:
            answers = self._answers[request.phase]
            if not answers:
                return Reply.text(f"no answer to {request.phase} was expected")
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return self._given(answer, request)

    @staticmethod
    def _given(answer: Answer, request: Request) -> Reply:
        return answer(request) if callable(answer) else answer
