"""Credentials that tests print reach no request, no report and no file of the state."""

from __future__ import annotations

import html
import json
import sys
from urllib.parse import quote

from tests.support.gated import Gated
from tests.support.repairs import Crew, repair
from tests.support.server import ModelServer

PASSWORD = "q7Rk#2x" + '"Vp9&Tz4'
"""Escaped differently by every program that prints it."""
PLAIN = "Summer" + "2024!x"
PRINTS = """
import html, json, sys
from urllib.parse import quote
from app import settings, work
value = settings()
print(repr(value), json.dumps({"a": value}), json.dumps(json.dumps(value)), html.escape(value), quote(value))
print("[password=SPRING]", "<Config password=SPRING>", "(password: SPRING)", "{'db_password': 'SPRING'}")
print("E   AssertionError: assert {'token': 'x'} == Config(password='SPRING')")
raise SystemExit(work() != 2)
"""


def test_no_credential_that_a_test_prints_is_sent_or_kept(gated: Gated) -> None:
    """The change leaves the line with the password alone, so that nothing blocks it."""
    commands = json.dumps([f"{sys.executable} prints.py"])
    crew = Crew(
        implement=[repair(("app.py", "return 1", "return 4"))], fix=[repair(("app.py", "return 4", "return 2"))]
    )
    app = f"def settings():\n    password = {PASSWORD!r}\n    return password\n\n\ndef work():\n    return 2\n"
    with ModelServer(crew) as server:
        gated.configure(
            server.url,
            f'expensive = "here/big"\n[tool.ralph-hooks.verify]\ncommands = {commands}\n',
            "[budget]\nper-run = 90\nper-day = 90\n",
        )
        assert gated.run("trust", "--yes").returncode == 0
        gated.repo.commit({"prints.py": PRINTS.replace("SPRING", PLAIN), "app.py": app})
        gated.repo.stage({"app.py": app.replace("return 2", "return 1")})
        done = gated.run("fix", "--no-apply")
        shown = gated.run("show", "--format", "json")
        asked = list(server.requests)
    assert {"plan", "implement", "fix"} <= {request.phase for request in asked}
    assert all("AssertionError" in request.prompt for request in asked if request.phase in {"plan", "implement", "fix"})
    everything = "\n".join(
        [
            *(done.stdout, done.stderr, shown.stdout, gated.everything_kept().decode("latin-1")),
            *(request.raw.decode() for request in asked),
        ]
    )
    forms = {PASSWORD, repr(PASSWORD)[1:-1], json.dumps(PASSWORD)[1:-1], html.escape(PASSWORD), quote(PASSWORD), PLAIN}
    assert [form for form in forms if form in everything] == []
    assert [part for part in ("Vp9&Tz4", "Vp9&amp;Tz4", "Vp9%26Tz4", "2024!x") if part in everything] == []
