"""What a backtest found: a table for people, JSON for programs, a page with the picture of cost and quality."""
