"""Pieces that several commands share."""
