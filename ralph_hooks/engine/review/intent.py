"""Evidence of the author's intent in the change itself: its tests and documents."""

from __future__ import annotations

from ralph_hooks.core.guidance import MAX_INTENT
from ralph_hooks.core.text import beginning, path_line
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.languages.promises import is_document
from ralph_hooks.languages.test_files import is_test_file

_FILES = 20  # looked at


def stated(change: ReviewInput, intent: str) -> str:
    """Return ``intent`` with the changed lines of tests and documents that may be sent, capped."""
    texts = [intent] if intent else []
    entries = [e for e in change.open_to_models if is_test_file(e.path) or is_document(e.path)][:_FILES]
    for source in change.sources(entries):
        rows = [f"{row.kind}{row.text}" for hunk in source.hunks for row in hunk.lines if row.kind != " "]
        texts.append("\n".join([f"### {path_line(source.path)}", *rows]))
    return beginning("\n".join(texts), MAX_INTENT)
