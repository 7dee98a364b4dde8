"""Benchmarks: each prints ratios that were taken in one run. `python -m bench` lists and runs them."""
