"""Benchmarks: each compares two things in one run, so that a figure holds on a slow machine too.

`python -m bench` runs them all, `python -m bench --list` lists them.
"""
