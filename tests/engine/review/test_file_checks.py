"""What the secret scan flags leaves this machine in no form, and is kept nowhere."""

from __future__ import annotations

import json
import random
import re

import pytest

from tests.support.asking import WIRES
from tests.support.credentials import NAMED, SERVICES
from tests.support.project import TWO_LINES, Project, phases
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Finds, ModelServer, Reply, Request, analyst

TOKEN = SERVICES["GitHub"](random.Random(1))
PASSWORD = NAMED["AWS_SECRET_ACCESS_KEY"](random.Random(2))


def assert_nowhere(project: Project, server: ModelServer, secret: str) -> None:
    """Not in a request, not in the state, and not in what is shown."""
    needle = secret.encode()
    assert [request.prompt for request in server.requests if needle in request.raw] == []
    assert [path for path in project.home.rglob("*") if path.is_file() and needle in path.read_bytes()] == []
    for format_ in ("text", "json", "sarif", "github", "agent"):
        assert secret not in project.run("show", "--format", format_).out


@pytest.mark.parametrize("wire", WIRES)
def test_a_file_with_a_secret_is_withheld_and_blocks_while_the_others_are_judged(project: Project, wire: str) -> None:
    server = project.models(analyst(), wire=wire)
    project.repo.stage({"settings.py": f'TOKEN = "{TOKEN}"\n', "a.py": "one = 1\n"})
    judged = project.judge()
    assert judged.code == 1
    assert [finding["category"] for finding in judged.blocking] == ["secret"]
    assert judged.causes == {"settings.py": "secret"}
    assert ["settings.py" in request.prompt for request in server.requests] == [False]
    assert_nowhere(project, server, TOKEN)


@pytest.mark.parametrize("name", ["poetry.lock", "vendor/a.py", "api_pb2.py"])
def test_a_file_that_is_left_out_of_the_review_is_scanned_all_the_same(project: Project, name: str) -> None:
    server = project.models(analyst())
    project.repo.stage({name: f'token = "{TOKEN}"\n'})
    judged = project.judge()
    assert [(finding["category"], finding["path"]) for finding in judged.blocking] == [("secret", name)]
    assert_nowhere(project, server, TOKEN)


def test_a_secret_that_was_there_before_is_masked_in_what_is_sent(project: Project) -> None:
    """The author of this change did not add it, so it blocks nothing; it is still not for others."""
    server = project.models(analyst(Finds("eval(", "Runs anything.")))
    project.repo.commit({"settings.py": f'AWS_SECRET_ACCESS_KEY = "{PASSWORD}"\nlevel = 1\n'})
    project.repo.stage({"settings.py": f'AWS_SECRET_ACCESS_KEY = "{PASSWORD}"\nlevel = eval("2")\n'})
    judged = project.judge()
    assert [finding["category"] for finding in judged.blocking] == ["bug"]
    assert "<secret-1>" in server.requests[0].prompt
    assert "<secret-1>" in server.requests[1].prompt  # with the file around it
    assert_nowhere(project, server, PASSWORD)


def test_a_removed_secret_is_masked(project: Project) -> None:
    server = project.models(analyst())
    project.repo.commit({"settings.py": f'TOKEN = "{TOKEN}"\n'})
    project.repo.stage({"settings.py": 'TOKEN = os.environ["TOKEN"]\nimport os\n'})
    project.judge()
    assert len(server.requests) <= 1
    assert_nowhere(project, server, TOKEN)


def test_the_verify_command_scans_before_it_asks_about_invariants(project: Project) -> None:
    project.configure(
        '[tool.ralph-hooks]\ncheap = "scripted/cheap"\n[tool.ralph-hooks.verify]\ninvariants = ["it works"]\n'
    )
    server = project.models(analyst())
    project.repo.stage({"settings.py": f'TOKEN = "{TOKEN}"\n', "a.py": "one = 1\n"})
    judged = project.judge(command="verify")
    assert judged.code == 1
    assert ["settings.py" in request.prompt for request in server.requests] == [False]
    assert_nowhere(project, server, TOKEN)


BESIDES = {
    where: SERVICES["GitHub"](random.Random(where))
    for where in ("path", "listed path", "branch", "commit message", "instruction", "step", "summary", "edit", "output")
}


def test_a_secret_that_is_in_no_line_of_the_change_is_not_sent(project: Project) -> None:
    """Names, what the user asks for, what a command prints, and what a model itself has written before."""
    b = BESIDES
    answers = iter([Reply.text(f"no JSON, but {b['path']}"), plan("a.py", steps=[f"Use {b['step']}."])])

    def planned(_: Request) -> Reply:
        return next(answers)

    crew = Crew(
        Finds("eval(", f"Runs what {b['step']} typed."),
        planned=planned,
        implement=[repair(("a.py", "eval", f"'{b['edit']}'.join"), summary=f"Uses {b['summary']}.")],
        fix=[repair(("a.py", ".join", ".strip"))],
    )
    server = project.models(crew, user="[budget]\nper-run = 90\nper-day = 90\n")
    command = f"python -c \"raise SystemExit('{b['output']}')\""
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = [{json.dumps(command)}]\n")
    assert project.run("trust", "--yes").code == 0
    project.repo.git("checkout", "-q", "-b", f"for-{b['branch']}")
    project.repo.commit(
        {f"docs/{b['listed path']}.md": "one\n", f"{b['path']}.py": "one = 1\n"}, message=f"Use {b['commit message']}"
    )
    project.repo.stage({"a.py": "def run(text):\n    return eval(text)\n", f"{b['path']}.py": "two = 2\n"})
    project.run("fix", f"do it with {b['instruction']}")
    assert {"analyze", "verify", "plan", "implement", "fix"} == set(phases(server.requests))
    sent = "\n".join(request.raw.decode() for request in server.requests)
    assert {where for where, secret in b.items() if secret[-10:] in sent} == set()
    asked = "\n".join(request.prompt for request in server.requests)
    assert re.search(r"do it with <secret-\d+>\n", asked)
    assert re.search(r"<secret-\d+>\.md\n", asked)  # a model still sees that there is a file
