"""Protocols for everything the engine needs from the outside world. Adapters implement them."""
