"""Use cases and wiring: what the commands share, and the only place where adapters are built."""
