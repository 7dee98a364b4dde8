"""The timeout of tests for something that should happen at once."""

from __future__ import annotations

PATIENCE = 180.0
"""Seconds. Only a hang takes as long, however busy the machine is."""
