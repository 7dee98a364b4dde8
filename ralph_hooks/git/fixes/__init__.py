"""Stored fixes: keep them in git, apply them, take them back."""
