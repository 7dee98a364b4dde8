"""What may leave the machine and what a repository may make it do."""
