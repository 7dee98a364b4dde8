"""The only way to a model: cache, budget, fallback, ledger."""
