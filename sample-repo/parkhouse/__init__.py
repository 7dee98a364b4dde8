"""Tickets and fees of a car park: what a stay costs, and who may leave."""
