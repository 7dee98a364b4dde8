"""Review a change: checks, analyze, verify, verdict."""
