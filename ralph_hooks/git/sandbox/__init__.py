"""Scratch copies of a tree, in which commands run and repairs are made."""
