"""Repairs of a rejected change: in the foreground, in the background, and the follow-up to a rejection."""
