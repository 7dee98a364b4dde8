"""Whatever stands in a file, the answer is settings or a ConfigError, and nothing else."""

from __future__ import annotations

import contextlib
import copy
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.config import Settings, load
from ralph_hooks.config.mistakes import find
from ralph_hooks.config.tables import FileTable
from ralph_hooks.errors import ConfigError
from tests.support.configuration import BUILT_IN, EVERYTHING, load_texts
from tests.support.toml import dumps

GOOD: dict[str, Any] = tomli.loads(EVERYTHING)["tool"]["ralph-hooks"]
TYPE = msgspec.inspect.type_info(FileTable)


def words(node: object) -> set[str]:
    match node:
        case dict():
            return set(node).union(*map(words, node.values()))
        case list():
            return set().union(*map(words, node))
        case str():
            return {node}
    return set()


NAMES = st.sampled_from(sorted(words(GOOD) | {"parallel", "skip", "quick", "catalogue", ""})) | st.text(max_size=5)
SCALARS = NAMES | st.booleans() | st.integers() | st.floats() | st.sampled_from([date(2024, 1, 1), 10**400, 0, 1])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def nearly_good(draw: st.DrawFn) -> dict[str, Any]:
    """The complete configuration with a few values replaced, added or taken away."""
    table = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        node: Any = table
        while isinstance(node, dict | list) and node:
            key: Any = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            if not isinstance(node[key], dict | list) or draw(st.integers(0, 3)) == 0:
                break
            node = node[key]
        match draw(st.sampled_from(["replace", "add", "remove"])):
            case "add" if isinstance(node, dict):
                node[draw(NAMES)] = draw(VALUES)
            case "remove" if node:
                del node[key]
            case _ if node:
                node[key] = draw(VALUES)
    return table


TABLES = nearly_good() | st.dictionaries(NAMES, VALUES, max_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("configuration")


def outcome(folder: Path, repository: str, user: str) -> Settings | str:
    """The settings, or what the error says."""
    try:
        return load_texts(folder, repository, user)
    except ConfigError as error:
        return error.message


@given(repository=TABLES, user=TABLES)
def test_any_pair_of_files_gives_settings_or_a_configuration_error(
    folder: Path, repository: dict[str, Any], user: dict[str, Any]
) -> None:
    got = outcome(folder, dumps({"tool": {"ralph-hooks": repository}}), dumps(user))
    if isinstance(got, Settings):
        assert got.route("migrations/1.py").reason
    else:
        assert "toml: " in got
        assert "not valid TOML" not in got


@given(table=TABLES)
def test_a_mistake_is_found_exactly_where_the_decoder_refuses(table: dict[str, Any]) -> None:
    try:
        msgspec.convert(table, FileTable)
    except msgspec.ValidationError:
        refused = True
    else:
        refused = False
    assert bool(list(find(table, TYPE))) == refused


@given(content=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_gives_settings_or_a_configuration_error(folder: Path, content: str) -> None:
    got = outcome(folder, content, content)
    assert isinstance(got, Settings) or str(folder) in got


@given(content=st.binary(max_size=200))
def test_any_bytes_give_settings_or_a_configuration_error(folder: Path, content: bytes) -> None:
    path = folder / "bytes.toml"
    path.write_bytes(content)
    with contextlib.suppress(ConfigError):
        assert isinstance(load(None, path, BUILT_IN), Settings)
