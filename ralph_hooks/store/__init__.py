"""State kept between runs: verdicts, the ledger, past reports. SQLite, readable by its owner only."""
