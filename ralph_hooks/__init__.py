"""Git hooks that review each change with free checks and a cheap model; the expensive model only repairs."""

__version__ = "0.2.0"
