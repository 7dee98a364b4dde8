"""The order of things: checks, models, verdict. Reaches the world only through `core.ports`."""
