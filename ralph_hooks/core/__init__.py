"""The data types: change, finding, verdict, cost. Pure: no I/O, clock or environment."""
