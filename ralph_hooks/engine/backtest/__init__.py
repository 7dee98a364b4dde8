"""Replay labelled changes through the gate."""
