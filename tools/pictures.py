"""Draw the README's pictures of a terminal from a real run of the demo, light and dark: ``make pictures``."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme
from rich.text import Text

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 100
_THEMES = {"dark": SVG_EXPORT_THEME, "light": TerminalTheme((255, 255, 255), (36, 41, 46), [
    (36, 41, 46), (179, 29, 40), (34, 134, 58), (176, 136, 0), (3, 102, 214), (111, 66, 193), (27, 124, 131),
    (88, 96, 105),
])}  # fmt: skip
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # rich's loads a font from a server needlessly
_TITLE = "\x1b[1;36m"  # how the demo marks a section


def record() -> str:
    """Run the demo at a terminal of its own and return all that it prints."""
    parts: list[bytes] = []

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65_536)
        parts.append(data)
        return data

    os.environ.update(COLUMNS=str(WIDTH), TERM="xterm-256color")
    os.environ.pop("NO_COLOR", None)
    code = os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-m", "demo"], read))
    if code:
        raise SystemExit(f"the demo failed with exit code {code}")
    return b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def section(recording: str, words: str) -> str:
    """Return the section of the demo whose title contains ``words``."""
    found = [text for text in recording.split(_TITLE) if words in text.partition("\n")[0]]
    if not found:
        raise SystemExit(f"the demo has no section {words!r}")
    return found[0].partition("\n")[2].strip("\n")


def draw(text: str, name: str, title: str) -> None:
    """Write ``text``, with its ANSI colours, as an SVG for each theme."""
    IMAGES.mkdir(exist_ok=True)
    for theme, colours in _THEMES.items():
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(text))
        svg = _FONT_FACE.sub("", console.export_svg(title=title, theme=colours, unique_id=name))
        (IMAGES / f"{name}-{theme}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    """Record the demo once and draw its sections."""
    recording = record()
    draw(section(recording, "this finding is true"), "session", "git commit")


if __name__ == "__main__":
    main()
