"""The bill in each of its forms: a table for people, CSV and JSON for programs, one page to look at."""
