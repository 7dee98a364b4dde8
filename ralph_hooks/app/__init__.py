"""Use cases and wiring: the code that commands share, and the only place where adapters are built."""
