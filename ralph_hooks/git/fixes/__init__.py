"""Stored fixes: keep them in git, apply them, revert them."""
