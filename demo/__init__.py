"""``make demo``: real commits of the sample project, judged by the hooks of this checkout."""
