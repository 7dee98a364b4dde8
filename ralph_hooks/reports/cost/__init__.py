"""The cost page and table."""
