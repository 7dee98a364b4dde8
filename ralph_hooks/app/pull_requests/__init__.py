"""Reports of a range on a pull request (GitHub) or a merge request (GitLab)."""
