"""Other machines that run tasks."""
