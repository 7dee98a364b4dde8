"""Limits on the data that leaves the machine and on the programs that a repository may start."""
