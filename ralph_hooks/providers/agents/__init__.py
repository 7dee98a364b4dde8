"""Coding agents as programs: they repair in a scratch copy, and answer questions in an empty folder."""
