"""Commits of the past, for backtest and show."""
