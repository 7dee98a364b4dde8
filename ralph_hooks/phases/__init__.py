"""Prompts of the five phases, and the parsing of their answers. Pure."""
