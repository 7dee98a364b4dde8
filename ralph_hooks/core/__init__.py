"""The nouns: what a change, a finding, a verdict, a cost is. Pure: no I/O, clock or environment."""
