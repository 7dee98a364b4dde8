"""Git hooks that judge a change by cheap means first and pay for the expensive model only on failure."""

__version__ = "0.2.0"
