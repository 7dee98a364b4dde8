"""Git hooks: write them, preserve existing ones, integrate with hook managers."""
