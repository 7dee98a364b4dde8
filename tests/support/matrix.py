"""Parts of large matrices: `make test` runs a few combinations that cover every value, `make test-long` all of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

LONG = pytest.mark.long(reason="one of a matrix, whose values are all covered by the cases of `make test`")
MORE = pytest.mark.long(reason="one more case of what the first ones show")


def first(count: int, cases: Iterable[object]) -> list[Any]:
    """Return ``cases`` for `parametrize`, with all but the first ``count`` marked as long."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if at < count else MORE)
        for at, case in enumerate(cases)
    ]


def every(step: int, cases: Iterable[object]) -> list[Any]:
    """Return ``cases``, some of them with marks already, with all but every ``step``-th marked as long."""
    params = [
        case
        if isinstance(case, ParameterSet)
        else pytest.param(*(case if isinstance(case, tuple) else (case,)))  # as `parametrize` takes it
        for case in cases
    ]
    unmarked = [at for at, param in enumerate(params) if not param.marks]
    kept = set(unmarked[::step])
    return [
        param if at in kept or param.marks else pytest.param(*param.values, id=param.id, marks=MORE)
        for at, param in enumerate(params)
    ]


def product(
    *dimensions: Iterable[object], together: int = 1, seed: int = 0, name: Callable[[object], str] = str
) -> list[Any]:
    """Return every combination of ``dimensions`` for `parametrize`, most of them marked as long; see `covering`."""
    return covering(list(itertools.product(*dimensions)), together=together, seed=seed, name=name)


def covering(
    combinations: Sequence[Sequence[object]],
    *,
    together: int = 1,
    seed: int = 0,
    name: Callable[[object], str] = str,
) -> list[Any]:
    """Return ``combinations`` for `parametrize`, with the ones marked as long that the others make unnecessary.

    Args:
        combinations: The values of each test, one of each dimension.
        together: 1 to cover each value of each dimension, 2 to cover each pair of values of two dimensions.
        seed: Another one chooses others.
        name: The name of a value in the name of the test.
    """
    places = list(itertools.combinations(range(len(combinations[0])), together))
    parts = [{(place, *(id(case[at]) for at in place)) for place in places} for case in combinations]
    order = random.Random(seed).sample(range(len(combinations)), len(combinations))
    covered: set[tuple[object, ...]] = set()
    chosen: set[int] = set()
    for gain in range(len(places), 0, -1):
        for index in order:
            if len(parts[index] - covered) >= gain:
                covered |= parts[index]
                chosen.add(index)
    return [
        pytest.param(*case, id="-".join(map(name, case)), marks=() if index in chosen else LONG)
        for index, case in enumerate(combinations)
    ]
