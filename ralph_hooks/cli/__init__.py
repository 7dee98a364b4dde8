"""The command line: one file per command; adapters are built in `app.wiring` alone."""
