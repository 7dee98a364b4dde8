"""The baseline of detect-secrets lists what a project knows to be no real secret."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from ralph_hooks.secrets.baseline import Baseline, read_baseline
from tests.support.credentials import SERVICES, private_key

KEY = SERVICES["GitHub"](random.Random(1))
PASSWORD = "hunter" + "2xq77"


def baseline(path: str, *values: str, is_secret: bool | None = None) -> Baseline:
    entries = [
        {
            "type": "x",
            "filename": path,
            "hashed_secret": hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest(),
        }
        | ({} if is_secret is None else {"is_secret": is_secret})
        for value in values
    ]
    return read_baseline(json.dumps({"version": "1.5.0", "results": {path: entries}}).encode())


def test_listed_credential_is_listed_in_its_file_alone() -> None:
    line = f'token = "{KEY}"'
    assert baseline("a.py", KEY).lists("a.py", [line])
    assert not baseline("b.py", KEY).lists("a.py", [line])
    assert not baseline("a.py", PASSWORD).lists("a.py", [line])


def test_every_credential_on_a_line_has_to_be_listed() -> None:
    line = f'token = "{KEY}"; password = "{PASSWORD}"'
    assert not baseline("a.py", KEY).lists("a.py", [line])
    assert baseline("a.py", KEY, PASSWORD).lists("a.py", [line])


def test_another_literal_of_the_line_does_not_excuse_it() -> None:
    assert not baseline("a.py", "user").lists("a.py", [f'connect("user", token="{KEY}")'])


def test_entry_that_an_audit_found_real_excuses_nothing() -> None:
    assert not baseline("a.py", KEY, is_secret=True).lists("a.py", [f'x = "{KEY}"'])
    assert baseline("a.py", KEY, is_secret=False).lists("a.py", [f'x = "{KEY}"'])


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"results": []}', b'{"results": {"a": [1]}}', b"[" * 100_000])
def test_unusable_baseline_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes|form|Expecting"):
        read_baseline(data)


def test_what_detect_secrets_itself_lists_is_listed(tmp_path: Path) -> None:
    lines = {
        "a.py": f'password = "{PASSWORD}"\n',
        "b.py": f'KEY = "{KEY}"\n',
        "c.yaml": f"url: https://ada:{PASSWORD}@db.acme.io/x\n",
        "d.pem": f"{private_key(random.Random(2))}\n",
        "e.json": json.dumps({"password": PASSWORD}) + "\n",
    }
    for name, text in lines.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    scan = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "."]
    made = subprocess.run(scan, cwd=tmp_path, capture_output=True, check=True)
    found = read_baseline(made.stdout)
    for name, text in lines.items():
        assert found.lists(name, text.rstrip("\n").split("\n")), name
