"""Changes and settings that many tests want."""

from __future__ import annotations

import random

from tests.support.credentials import SERVICES
from tests.support.project import MODEL, TWO_LINES, Project
from tests.support.server import Finds

BUGGY = "def calculate(text):\n    return eval(text)\n"
"""Code with a bug that `EVAL` finds."""
CLEAN = "def calculate(text):\n    return int(text)\n"
EVAL = Finds("eval(", "Runs what the user typed.")
SECRET = SERVICES["Stripe"](random.Random(4))
CHEAP = f'[tool.ralph-hooks]\ncheap = "{MODEL}"\n'
"""A configuration with a model to review and none to repair."""
REVIEW = f'{TWO_LINES}[tool.ralph-hooks.review]\nguidelines = ["REVIEW.md"]\n'


def gate_settings(line: str) -> str:
    return f"{TWO_LINES}[tool.ralph-hooks.gate]\n{line}\n"


def verified_by(command: str, on: str = '["pre-commit"]') -> str:
    """Return a configuration with a model and a verify command."""
    return f"{CHEAP}[tool.ralph-hooks.verify]\ncommands = ['''{command}''']\non = {on}\n"


def dismissed(project: Project, *args: str) -> None:
    ran = project.run("dismiss", *args)
    assert ran.code == 0, ran.err


def block_id(project: Project) -> str:
    return str(project.judge().blocking[0]["id"])
