"""The rules for coding agents that `ralph-hooks init --agent-rules` adds to AGENTS.md."""

from __future__ import annotations

from pathlib import Path

from ralph_hooks.git.hooks.manager_config import HookEntry

FILE = "AGENTS.md"
"""The file that most coding agents read: https://agents.md."""
HEADING = "## ralph-hooks"
RULES = f"""\
{HEADING}

Every commit and push in this repository is reviewed by ralph-hooks.

- Before you commit, run `ralph-hooks gate --worktree --format agent`. Its last line says what to do next.
- Fix what it reports and run it again. Reviewing unchanged files again costs nothing.
- `ralph-hooks show --format agent` prints the last report; `ralph-hooks apply ID` applies a repair that it names.
- Never bypass the hooks with `--no-verify`. If a finding is wrong, tell the user: only the user may dismiss it.
"""


def rules(top: Path) -> HookEntry | None:
    """Return the file with the rules appended; None if it has them already."""
    path = top / FILE
    before = path.read_bytes().decode("utf-8") if path.exists() else None
    if before is not None and HEADING in before:
        return None
    start = "" if not before else before.rstrip("\n") + "\n\n"
    return HookEntry(path, before, start + RULES, RULES)
