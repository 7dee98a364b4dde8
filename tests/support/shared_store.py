"""Models and a store that a team shares."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.project import Project
from tests.support.server import Finds, ModelServer, Reply, Request, analyst

BUGGY = "def run(text):\n    return eval(text)\n"


FINDS = analyst(Finds("eval(", "Runs anything."))


WITHOUT_DRIVER = """\
import sys
sys.modules["psycopg"] = None
from ralph_hooks.cli.main import run
sys.exit(run(["gate"]))
"""


def shared(project: Project, url: str, script: Callable[[Request], Reply] = FINDS) -> ModelServer:
    """Models, and the store in the user's own configuration."""
    server = project.models(script)
    text = (project.home / "config.toml").read_text(encoding="utf-8")
    project.write_user(f'store = "{url}"\n{text}')
    return server
