"""Draw the README's pictures from a real run of the demo, light and dark: ``make pictures``.

The session at a terminal becomes an SVG, the cost page of the same run a PNG. The page needs Chromium.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
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
_TITLE = "\x1b[1;36m"  # the demo's mark of a section
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_SIZE = "900,1120"  # pixels of the cost page
_SCHEMES = {"dark": 0, "light": 1}  # Chromium's values of preferredColorScheme


def record(folder: Path) -> str:
    """Run the demo in ``folder`` at a terminal of its own and return its output."""
    parts: list[bytes] = []

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65_536)
        parts.append(data)
        return data

    os.environ.update(COLUMNS=str(WIDTH), TERM="xterm-256color", TMPDIR=str(folder), KEEP="1")
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


def photograph(page: Path, name: str) -> None:
    """Write ``page`` as a PNG for each theme."""
    if _CHROMIUM is None:
        raise SystemExit("no Chromium to draw the cost page: install it (on Debian: apt-get install chromium)")
    for theme, scheme in _SCHEMES.items():
        image = IMAGES / f"{name}-{theme}.png"
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={_SIZE}")
        subprocess.run(
            [_CHROMIUM, *flags, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={image}", str(page)],
            check=True, capture_output=True,
        )  # fmt: skip


def main() -> None:
    """Record the demo once, and draw a section of it and its cost page."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        recording = record(folder)
        draw(section(recording, "a finding that is right"), "session", "git commit")
        (work,) = folder.glob("ralph-hooks-demo-*")
        page = folder / "cost.html"
        program = [sys.executable, "-m", "ralph_hooks", "cost", "--html", str(page)]
        env = {**os.environ, "RALPH_HOOKS_HOME": str(work / "home")}
        subprocess.run(program, cwd=work / "parkhouse", env=env, check=True, stdout=subprocess.DEVNULL)
        photograph(page, "cost")


if __name__ == "__main__":
    main()
