"""Text edits that add ralph-hooks to the files of other hook managers; existing content and comments stay.

If a file's form does not allow a safe edit, the error shows the lines to add by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from ralph_hooks.errors import GitError
from ralph_hooks.git.hooks.script import PRE_COMMIT, PRE_PUSH

_FRAMEWORK = """\
- repo: local
  hooks:
    - id: ralph-gate
      name: ralph-hooks gate
      entry: ralph-hooks gate
      language: system
      pass_filenames: false
      always_run: true
      require_serial: true
      verbose: true
      stages: [pre-commit]
"""
_PREK = """\
[[repos]]
repo = "local"

[[repos.hooks]]
id = "ralph-gate"
name = "ralph-hooks gate"
entry = "ralph-hooks gate"
language = "system"
pass_filenames = false
always_run = true
require_serial = true
verbose = true
stages = ["pre-commit"]
"""
_LEFTHOOK = {
    PRE_COMMIT: "pre-commit:\n  jobs:\n    - name: ralph-hooks\n      run: ralph-hooks gate\n",
    PRE_PUSH: "pre-push:\n  jobs:\n    - name: ralph-hooks\n      run: ralph-hooks pre-push {1} {2}\n"
    "      use_stdin: true\n",
}
_HUSKY = {PRE_COMMIT: "ralph-hooks gate\n", PRE_PUSH: 'ralph-hooks pre-push "$@"\n'}


class HookEntry(Struct, frozen=True):
    """The file of a manager with ralph-hooks added."""

    path: Path
    before: str | None
    """The previous content; None if there is no such file yet."""
    after: str
    lines: str
    """The added lines, for display."""


def entry_for(manager: str, file: Path, hook: str, before: HookEntry | None = None) -> HookEntry:
    """Return the entry with which ``manager``, configured by ``file``, runs ralph-hooks as ``hook``.

    ``before`` is another pending change of the same file. Raises GitError with the lines to add by hand if they cannot
    be added.
    """
    path = file / hook if manager == "husky" else file
    if before is not None and before.path == path:
        more = _added(manager, path, before.after, hook)
        return HookEntry(path, before.before, more[0], before.lines + more[1])
    there = _read(path)
    text = there or ""
    newline = "\r\n" if "\r\n" in text else "\n"
    if text.replace("\r\n", "\n").replace("\n", newline) != text:
        raise GitError(
            f"{path.name} mixes LF and CRLF line endings",
            "convert them to one kind, or add the lines in docs/install.md yourself",
        )
    after, lines = _added(manager, path, text.replace("\r\n", "\n"), hook)
    return HookEntry(path, there, after.replace("\n", newline), lines)


def _added(manager: str, path: Path, text: str, hook: str) -> tuple[str, str]:
    match manager:
        case "husky" if hook == PRE_PUSH and text.strip():
            # The first reader of git's lines leaves none for later ones.
            raise _by_hand(path, _HUSKY[hook], "as its first line")
        case "husky":
            return _ended(text) + _HUSKY[hook], _HUSKY[hook]
        case "lefthook":
            block = _LEFTHOOK[hook]
            if path.suffix not in {".yml", ".yaml"} or re.search(rf"(?m)^[\"']?{hook}[\"']?\s*:", text):
                raise _by_hand(path, block, "to its entry for that hook")
            return f"{_ended(text)}\n{block}" if text.strip() else text + block, block
        case _ if hook == PRE_PUSH:
            raise GitError(f"{manager} passes on only one of several pushed refs", "use the native hook")
        case _ if path.suffix == ".toml":
            return f"{_ended(text)}\n{_PREK}" if text.strip() else text + _PREK, _PREK
        case _:
            return _in_repos(path, text)


def _in_repos(path: Path, text: str) -> tuple[str, str]:
    """Return the text with a new last element in the list `repos`, indented like the others."""
    lines = text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if re.match(r"repos\s*:\s*(#.*)?$", line)), None)
    empty = next((i for i, line in enumerate(lines) if re.match(r"repos\s*:\s*\[\s*\]\s*(#.*)?$", line)), None)
    if empty is not None:
        block = _indented(_FRAMEWORK, "  ")
        lines[empty] = re.sub(r"\s*\[\s*\]", "", lines[empty], count=1).rstrip() + "\n"
        return "".join([*lines[: empty + 1], block, *lines[empty + 1 :]]), block
    if start is None:
        raise _by_hand(path, _FRAMEWORK, "to the list `repos`")
    end, indent = _end_of_list(lines, start + 1)
    block = _indented(_FRAMEWORK, indent)
    before, after = "".join(lines[:end]), "".join(lines[end:])
    return _ended(before) + block + after, block


def _end_of_list(lines: list[str], start: int) -> tuple[int, str]:
    """Return the position after the last line of the list that starts at ``start``, and its elements' indentation."""
    indent: str | None = None
    end = start
    for index, line in enumerate(lines[start:], start=start):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        margin = line[: len(line) - len(line.lstrip(" "))]
        if indent is None and text.startswith("-"):
            indent = margin
        if indent is None or len(margin) < len(indent) or (margin == indent and not re.match(r"-(\s|$)", text)):
            break
        end = index + 1
    return end, "  " if indent is None else indent


def _indented(block: str, indent: str) -> str:
    return "".join(indent + line for line in block.splitlines(keepends=True))


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _by_hand(path: Path, block: str, where: str) -> GitError:
    return GitError(f"{path.name} must be edited by hand: add this {where}:\n{block}", "then `ralph-hooks doctor`")


def _read(path: Path) -> str | None:
    if path.exists() and not path.is_file():
        raise GitError(f"{path} is not a file", "make it a readable UTF-8 file")  # a link to a device has no end
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise GitError(f"{path} cannot be read: {error}", "make it a readable UTF-8 file") from error
