"""Fail if a file of the package is covered by less than 85 %: ``python -m tools.coverage_floor COVERAGE.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

FLOOR = 85.0  # per cent of lines and branches
EXCEPTIONS: Mapping[str, str] = {
    "ralph_hooks/languages/python_probe.py": "runs in the project's Python, with a trace function of its own",
}
"""Files that may be below it, each with the reason."""


def main() -> None:
    """Print every file below the floor, and the total; exit with 1 if one has no reason."""
    report = json.loads(Path(sys.argv[1]).read_bytes())
    low = {path: each["summary"]["percent_covered"] for path, each in report["files"].items()}
    low = {path: share for path, share in low.items() if share < FLOOR}
    for path, share in sorted(low.items(), key=lambda item: item[1]):
        print(f"{share:5.1f} %  {path}  {EXCEPTIONS.get(path, '')}".rstrip())
    print(f"{report['totals']['percent_covered']:5.1f} %  in all")
    raise SystemExit(any(path not in EXCEPTIONS for path in low))


if __name__ == "__main__":
    main()
