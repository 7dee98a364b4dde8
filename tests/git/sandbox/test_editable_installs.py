"""Editable installs lead to the scratch copy."""

from __future__ import annotations

import os
import time
from pathlib import Path
from venv import EnvBuilder

import pytest

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.repo import Repo
from tests.support.verifying import listed, python, verify_one


def test_the_copy_comes_before_what_is_installed_in_editable_mode(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.stage(
        {"src/thing.py": "where = 'staged'\n", "flat.py": "where = 'staged'\n", "lib/odd.py": "where = 'staged'\n"}
    )
    repo.write(dict.fromkeys(("src/thing.py", "flat.py", "lib/odd.py"), "where = 'working'\n"))
    installed = [str(repo.path / folder) for folder in ("lib", "src", ".")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*installed, "/elsewhere"]))
    ran = verify_one(repo, python("import thing, flat, odd, sys; print(thing.where, flat.where, odd.where, *sys.path)"))
    assert ran.tail.startswith("staged staged staged")
    assert "/elsewhere" in ran.tail
    assert str(repo.path) not in ran.tail


LOADER = """
import importlib.util, sys
MAPPING = {{'thing': {package!r}}}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, MAPPING[name] + "/__init__.py") if name in MAPPING else None
sys.meta_path.{add}Finder)
"""


@pytest.mark.parametrize("kind", ["path", "loader that comes last", "loader that comes first"])
def test_a_project_that_is_installed_in_editable_mode_is_the_copys_wherever_it_lies(
    repo: Repo, tmp_path: Path, kind: str
) -> None:
    """As setuptools, hatchling, poetry and uv install it; scikit-build-core's and meson-python's loaders come first."""
    repo.stage({"packages/thing/lib/thing/__init__.py": "where = 'staged'\n"})
    repo.write({"packages/thing/lib/thing/__init__.py": "where = 'working'\n"})
    EnvBuilder().create(tmp_path / "venv")
    (packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    root = repo.path.resolve() / "packages/thing/lib"
    if kind == "path":
        (packages / "thing.pth").write_text(f"{root}\n")
    else:
        add = "append(" if kind.endswith("last") else "insert(0, "
        (packages / "__editable___thing_finder.py").write_text(LOADER.format(package=str(root / "thing"), add=add))
        (packages / "thing.pth").write_text("import __editable___thing_finder\n")
    opened = open_repository(repo.path)
    change = staged(opened).change
    verifier = CommandVerifier(opened, change, timeout=60)
    command = f"{tmp_path / 'venv/bin/python'} -c 'import thing; print(thing.where)'"
    (ran,) = verifier.run(change.tree, change.base, listed(command), Deadline(60, time.monotonic))
    if kind == "loader that comes first":
        assert ran.tail == "working"
        (said,) = verifier.caveats()
        assert said.startswith("editable___thing_finder is an editable install that comes before PYTHONPATH")
    else:
        assert (ran.tail, verifier.caveats()) == ("staged", ())
