"""Git hooks: write them, keep what is there, know the hook managers."""
