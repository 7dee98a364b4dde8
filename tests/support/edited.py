"""Repairs applied to files."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import strategies as st

from ralph_hooks.core.repair import Edit, Repair
from ralph_hooks.engine.repair.edits import EditsRefused, Files, apply


def applied(files: Mapping[str, str | bytes], *edits: tuple[str, str, str], **more: object) -> Files:
    """What a repair makes of ``files``."""
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    repair = Repair("mends it", tuple(Edit(*edit) for edit in edits), **more)  # type: ignore[arg-type] # create, delete
    return apply(repair, data, data.get)


def refused(files: Mapping[str, str | bytes], *edits: tuple[str, str, str], **more: object) -> str:
    """Why a repair is not applied."""
    with pytest.raises(EditsRefused) as caught:
        applied(files, *edits, **more)
    return "\n".join(caught.value.reasons)


line = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=6)


files = st.lists(st.tuples(line, st.sampled_from(["\n", "\r\n"])), min_size=1, max_size=8)
