"""What is remembered between runs: verdicts, the ledger, past reports. SQLite, owner-only."""
