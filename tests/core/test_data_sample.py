"""Large data files are sent by their shape and a sample, and everything else as it is."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.core.change import Hunk, Line
from ralph_hooks.core.data_sample import SAMPLE_TOKENS, sample, shape
from ralph_hooks.core.usage import estimate_tokens

ROWS = json.dumps([{"id": number, "name": "n" * 20} for number in range(20_000)], indent=1).split("\n")


def added(rows: list[str]) -> list[Hunk]:
    return [Hunk(tuple(Line("+", None, number, text) for number, text in enumerate(rows, start=1)))]


def test_large_data_is_sampled_from_the_first_line_to_the_last() -> None:
    kept, told = sample("fixtures/users.JSON", added(ROWS))
    lines = [line for hunk in kept for line in hunk.lines]
    assert sum(estimate_tokens(line.text) for line in lines) <= SAMPLE_TOKENS
    assert lines[0].new == 1
    assert (lines[-1].new or 0) >= len(ROWS) * 0.9
    assert told == f"data: a sample of {len(lines)} of {len(ROWS):,} changed lines was reviewed"


@pytest.mark.parametrize(("path", "rows"), [("users.py", ROWS), ("users.json", ROWS[:400])])
def test_code_and_small_data_are_sent_whole(path: str, rows: list[str]) -> None:
    hunks = added(rows)
    assert sample(path, hunks) == (hunks, "")


@pytest.mark.parametrize("path", ["icon.svg", "words.txt", "de.ftl", "track.kml", "a.toml", "page.html", "guide.md"])
def test_other_large_data_and_documents_are_sampled(path: str) -> None:
    assert sample(path, added(ROWS))[1].startswith("data: a sample of")


def test_page_of_ordinary_size_is_sent_whole() -> None:
    hunks = added(ROWS[:2_000])
    assert sample("page.html", hunks) == (hunks, "")


def test_images_of_a_notebook_are_shortened_and_its_code_is_not() -> None:
    code = ['"x = 1",', '"y = 2"', '"image/png": "' + "iVBORw0KGgo" * 9_000 + '"']
    [hunk], told = sample("plot.ipynb", added(code))
    assert [line.text for line in hunk.lines[:2]] == code[:2]
    assert estimate_tokens(hunk.lines[2].text) < SAMPLE_TOKENS
    assert told == "1 long line of output shortened"


def test_a_file_of_one_long_line_is_cut_between_words() -> None:
    [hunk], told = sample("dump.json", added([", ".join(f'"key{number}"' for number in range(90_000))]))
    assert hunk.lines[0].text.endswith('",  [...]')
    assert "1 of 1" in told


def test_the_shape_of_json_names_keys_and_types() -> None:
    assert (
        shape({"users": [{"id": 1, "n": "x"}, {"id": 2}], "v": None})
        == '{"users": [2 x {"id": int, "n": str}], "v": null}'
    )
    assert shape({str(number): number for number in range(14)}, 1).endswith("... 2 more keys}")
    assert shape([[[[1]]]]) == "[1 x [1 x [1 x [1 items]]]]"
