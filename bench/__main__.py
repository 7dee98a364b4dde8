"""`python -m bench [NAME ...]`: run benchmarks, show each figure beside its target, exit with 1 if one is missed."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
from collections.abc import Iterator

from bench.figures import Figure, NotMeasured, UnexpectedError

BENCHMARKS = (
    "known", "first", "tokens", "many_files", "scratch_copy", "push", "humanevalfix", "store", "workers", "baselines",
    "proof", "context",
)  # fmt: skip
_WIDTH = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks with targets, as ratios.")
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help="which ones (default: all)")
    parser.add_argument("--list", action="store_true", help="say what there is and run nothing")
    args = parser.parse_args()
    missed = 0
    _warn_of_company()
    for name in args.names or BENCHMARKS:
        module = importlib.import_module(f"bench.{name}")
        print(f"{name}: {module.__doc__}")
        if not args.list:
            missed += sum(_shown(module.measure()))
            print()
    if missed:
        print(f"{missed} of the targets missed")
    return 1 if missed else 0


def _warn_of_company() -> None:
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load > processors:
        print(
            f"this machine is busy (load {load:.0f} on {processors} processors): what goes by the clock will suffer\n"
        )


def _shown(figures: Iterator[Figure]) -> Iterator[bool]:
    """Print each figure as soon as it is there; whether it missed its target."""
    try:
        for figure in figures:
            print(_line(figure), flush=True)
            if figure.how:
                print(
                    textwrap.fill(figure.how, _WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10), flush=True
                )
            yield figure.missed
    except NotMeasured as error:
        print(f"  not measured: {error}")
    except UnexpectedError as error:
        print(f"  failed: {error}")
        yield True


def _line(figure: Figure) -> str:
    verdict = "      " if figure.at_most is None else "missed" if figure.missed else "met   "
    value = _amount(figure.value, figure.unit)
    target = "" if figure.at_most is None else f"at most {_amount(figure.at_most, figure.unit)}"
    return f"  {verdict}  {figure.what:<60} {value:>12}   {target}".rstrip()


def _amount(value: float, unit: str) -> str:
    return f"{value:.2f} x" if unit == "x" else f"{value:,.0f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
