"""``python -m ralph_hooks`` is ``ralph-hooks``."""

from ralph_hooks.cli.main import main

main()
