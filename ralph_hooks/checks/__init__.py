"""Deterministic checks, one file each: free, local, and never excused by a model."""
