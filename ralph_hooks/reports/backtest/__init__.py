"""Results of a backtest: a table for the terminal, JSON for programs, and a page with a chart of cost and quality."""
