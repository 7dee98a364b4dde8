"""Shared parts of the HTML pages: one file each, light and dark, no external resources, no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ralph_hooks.core.text import one_line

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #57606a; --paper: #fff; --line: #d0d7de; --card: #f6f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #9198a1; --paper: #0d1117; --line: #30363d; --card: #151b23 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }
p { overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 0 0 .5rem }
p { margin: .25rem 0 }
.faint { color: var(--faint) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0 }
.tile, figure { background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.tile { padding: .75rem; overflow-wrap: anywhere } .tile b { display: block; font-size: 1.25rem; line-height: 1.3 }
figure { margin: 1rem 0; padding: 1rem }
svg { display: block; width: 100%; height: auto; overflow: visible }
svg text { fill: var(--ink); font-size: 13px } svg .faint { fill: var(--faint) } svg line { stroke: var(--line) }
@media (max-width: 36rem) { svg text { font-size: 24px } }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0 0; padding: 0 }
ul.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .4rem }
details { margin-top: .75rem } summary { cursor: pointer; color: var(--faint) }
:focus-visible { outline: 3px solid #56b4e9; outline-offset: 2px }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 8rem }
thead th { white-space: normal; vertical-align: bottom }
@media (max-width: 36rem) {
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden }
  tbody, tr, th, td { display: block } tr { border-bottom: 1px solid var(--line); padding: .5rem 0 }
  th, td { border: 0; padding: 0 } td { display: flex; justify-content: space-between; gap: 1rem; white-space: normal }
  td::before { content: attr(data-head); color: var(--faint); text-align: left }
}
"""


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """Return a whole page of ``parts``, which are HTML; ``style`` extends the common style."""
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>ralph-hooks: {text(title)}</title><style>{_STYLE}{style}</style></head><body><main>",
            f"<h1>{text(title)}</h1>",
            *filter(None, parts),
            "</main></body></html>\n",
        )
    )


def text(value: str) -> str:
    """Return text as HTML on one line, without control characters or markup."""
    return escape(one_line(value))


def figure(title: str, content: str) -> str:
    """Return ``content`` under its ``title``, which a screen reader announces."""
    return f'<figure aria-label="{text(title)}"><h2>{text(title)}</h2>{content}</figure>'


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column holds row headers. On a phone each row is a list of its cells.

    ``title`` is for screen readers only: it names the table among the others of the page.
    """

    def cells(row: Sequence[str]) -> str:
        first, *rest = row
        return f'<th scope="row">{text(first)}</th>' + "".join(
            f'<td data-head="{text(name)}">{text(cell)}</td>' for name, cell in zip(head[1:], rest, strict=True)
        )

    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    body = "".join(f"<tr>{cells(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(title)}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
