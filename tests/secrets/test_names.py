"""Names that speak of a credential."""

from __future__ import annotations

import random

import pytest

from ralph_hooks.checks.secrets import Secrets
from tests.support.credentials import NAMED, shows
from tests.support.sources import run, source

NAMED_FORMS = (
    ("a.py", 'NAME = "{}"'),
    ("a.py", 'NAME: Final[str] = "{}"'),
    ("a.py", 'connect(NAME="{}")'),
    ("a.py", 'os.environ.get("NAME", "{}")'),
    (".env", "NAME={}"),
    ("c.yaml", "NAME: {}"),
    ("c.json", '"NAME": "{}",'),
    ("deploy.sh", "export NAME={}"),
)


@pytest.mark.parametrize("name", NAMED)
def test_a_credential_without_a_form_is_told_by_its_name(name: str) -> None:
    rng = random.Random(name)
    for path, form in NAMED_FORMS:
        value = NAMED[name](rng)
        result = run(Secrets(), source(path, form.replace("NAME", name).replace("{}", value)))[path]
        assert [f.category for f in result.findings] == ["secret"], form
        assert not shows(result, value[-8:])
