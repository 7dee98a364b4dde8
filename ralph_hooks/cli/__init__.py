"""The command line: one file per command; `wiring` is the only place where adapters are built."""
