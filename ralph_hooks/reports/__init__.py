"""A report, written out: one file per format."""
