"""Repairs of a rejected change: in the foreground, in the background, and what follows a rejection."""
