"""docs/report.md as a program reads it: what of a JSON report it does not say, or says otherwise."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "report.md"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
Tables = dict[str, dict[str, str]]


@lru_cache(maxsize=1)
def documented() -> Tables:
    """Section -> field -> type, as the page says."""
    tables: Tables = {}
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif row := re.match(r"\| `(\w+)` \| (.+?) \| .+ \|$", line):
            tables.setdefault(section, {})[row[1]] = row[2]
    return tables


def wrong_report(report: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Return differences between page and ``report``: fields, their order, their types, the values of enumerations."""
    return _wrong_fields(report, "The report", "report", documented())


def _wrong(value: Any, declared: str, where: str, tables: Tables) -> list[str]:  # noqa: ANN401 - any JSON value
    if declared.endswith(" or null"):
        return [] if value is None else _wrong(value, declared.removesuffix(" or null"), where, tables)
    if declared.startswith("array of "):
        if not isinstance(value, list):
            return [f"{where}: no array"]
        item = declared.removeprefix("array of ")
        return [problem for one in value for problem in _wrong(one, item, f"{where}[]", tables)]
    if declared.startswith("one of "):
        return [] if value in re.findall("`(.+?)`", declared) else [f"{where}: {value!r}"]
    if link := re.fullmatch(r"\[\w+\]\(#(\w+)\)", declared):
        return _wrong_fields(value, link[1], where, tables)
    right = isinstance(value, TYPES[declared]) and (declared == "boolean" or not isinstance(value, bool))
    return [] if right else [f"{where}: {value!r} is no {declared}"]


def _wrong_fields(value: Any, section: str, where: str, tables: Tables) -> list[str]:  # noqa: ANN401 - any JSON value
    if list(value) != list(tables[section]):
        return [f"{where}: {list(value)} instead of {list(tables[section])}"]
    return [
        problem
        for key, declared in tables[section].items()
        for problem in _wrong(value[key], declared, f"{where}.{key}", tables)
    ]
