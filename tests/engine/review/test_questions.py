"""The questions about a change: small, each changed line in exactly one, related files in the same."""

from __future__ import annotations

import re
from collections import Counter

from tests.support.project import Project
from tests.support.server import analyst


def function(name: str, lines: int) -> str:
    body = "".join(f"    value_{name}_{number} = {number}\n" for number in range(lines - 2))
    return f"def {name}(value):\n{body}    return value\n"


def test_each_changed_line_is_asked_about_once_and_definitions_stay_whole(project: Project) -> None:
    server = project.models(analyst())
    names = {f"f{number}": length for number, length in enumerate([20, 85, 3, 58, 58, 7, 30])}
    module = "\n\n".join(function(name, length) for name, length in names.items())
    project.repo.commit({"old.py": function("gone", 12)})
    project.repo.stage({"src/big.py": module, "a.py": function("small", 10), "old.py": "x = 1\n"})
    project.judge()
    prompts = [request.prompt for request in server.requests]
    rows = [row for prompt in prompts for row in re.findall(r"(?m)^[+-]\d+ .*\S.*$", prompt)]
    changed = [f"+{number} {row}" for number, row in enumerate(module.splitlines(), 1) if row.strip()]
    assert [count for row, count in Counter(rows).items() if row in changed] == [1] * len(changed)
    assert len([row for row in rows if row.startswith("-")]) == 12
    for name in names:
        assert len([prompt for prompt in prompts if f"value_{name}_" in prompt or f"def {name}(" in prompt]) == 1
    assert len(prompts) > 3


def test_a_module_and_its_tests_share_a_question(project: Project) -> None:
    server = project.models(analyst())
    files = {"src/a.py": 40, "src/till.py": 25, "src/z.py": 25, "tests/test_a.py": 15, "tests/test_till.py": 25}
    project.repo.stage({path: function("f", lines) for path, lines in files.items()})
    project.judge()
    asked = [re.findall(r"(?m)^### (\S+)", request.prompt) for request in server.requests]
    assert sorted(asked) == [["src/a.py", "tests/test_a.py"], ["src/till.py", "tests/test_till.py"], ["src/z.py"]]
