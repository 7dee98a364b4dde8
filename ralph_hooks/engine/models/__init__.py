"""Access to models, always through cache, budget, fallback and ledger."""
