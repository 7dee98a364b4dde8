"""Other machines that do errands."""
