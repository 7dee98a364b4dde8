"""Credentials with a format of their own."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks import secrets
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.secrets import by_format
from tests.support.credentials import FORMS, SERVICES, shows
from tests.support.sources import run, source


@pytest.mark.parametrize("service", SERVICES)
def test_a_key_of_a_common_service_blocks_wherever_it_is_written(service: str) -> None:
    rng = random.Random(service)
    for path, form in FORMS:
        key = SERVICES[service](rng)
        result = run(Secrets(), source(path, f"first = 1\n{form.format(key)}\n", "first = 1\n"))[path]
        assert [(f.line, f.category, f.blocking, f.source) for f in result.findings] == [(2, "secret", True, "secrets")]
        assert not shows(result, key[-8:])


_LOOK_AROUND = re.compile(r"\(\?<?[=!][^()]*\)")  # drawn from, they would leave nothing: a filter is faster


@pytest.mark.parametrize(("kind", "needle", "pattern"), by_format._OWN + by_format._SHORT)  # noqa: SLF001 - not for users
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_format_of_ours_is_found_by_what_it_names(
    kind: str, needle: str, pattern: str, data: st.DataObject
) -> None:
    drawn = st.from_regex(re.compile(_LOOK_AROUND.sub("", f"(?:{pattern})"), re.ASCII), fullmatch=True)
    key = data.draw(drawn.filter(lambda text: re.fullmatch(pattern, text, re.ASCII)))
    assert needle in key
    found = secrets.find(f'x = "{key}"')
    assert any(secret.start <= 5 and secret.end >= 5 + len(key.rstrip("=+/-.~")) for secret in found), kind


@pytest.mark.parametrize(
    "notation",
    [
        "requirepass VALUE",
        "zip -r -P VALUE backup.zip data",
        'new PasswordAuthentication("ann", "VALUE".toCharArray())',
        'new NetworkCredential("ann", "VALUE")',
        "server.login('ann@acme.io', 'VALUE')",
        'parser.add_argument("--db-password", help="of the database", default="VALUE")',
        "password: !!str VALUE",
        "<key>Password</key>\n<string>VALUE</string>",
        "password = <<-EOT\nVALUE\nEOT",
        "       01 WS-PASSWORD PIC X(20) value 'VALUE'.",
        "| Admin password | `VALUE` |",
        'USER, PASSWORD = "ann", "VALUE"',
        "Set-Cookie: session_token=VALUE; Path=/",
        '"X-Api-Key": "VALUE"',
    ],
)
@pytest.mark.parametrize("shown", ["{}", "+7 {}"])
def test_password_is_masked_behind_its_program_or_function(notation: str, shown: str) -> None:
    for value in ("hunter42!x", "Gq7hR2mZ9x7a"):
        text = "\n".join(shown.format(line) for line in notation.split("\n"))
        assert value not in secrets.mask(text.replace("VALUE", value))


@pytest.mark.parametrize(
    "line",
    [
        "| password | username |",
        'token = parts[0], "next"',
        "x, token = lexer.next(), None",
        "server.login(user, password)",
    ],
)
def test_ordinary_line_with_such_a_word_is_left_alone(line: str) -> None:
    assert secrets.mask(line) == line
