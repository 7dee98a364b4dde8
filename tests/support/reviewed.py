"""Samples of a review."""

from __future__ import annotations

CLEAN = "def run(text):\n    return int(text)\n"
