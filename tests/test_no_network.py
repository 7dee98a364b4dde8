"""What a model wrote is tried before anybody has read it: it calls nobody, and what that costs a test is said."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from ralph_hooks.process import can_cut_network
from tests.support.asking import KEY_NAME
from tests.support.project import BIN, TWO_LINES, Project, new_project
from tests.support.repairs import Answer, Crew, repair
from tests.support.rights import without_namespaces
from tests.support.server import Reply

pytestmark = pytest.mark.skipif(not can_cut_network(), reason="this system does not let us cut the network")

PLAIN = f"{sys.executable} test_area.py"
JUNIT = f"{PLAIN} {{junit}}"
EACH = """
import sys
cases = ""
for name in [name for name in globals() if name.startswith("test_")]:
    try:
        globals()[name]()
        failure = ""
    except Exception as error:
        print(name, error)
        failure = f"<failure>{type(error).__name__}</failure>"
    cases += f'<testcase classname="t" name="{name}">{failure}</testcase>'
for report in sys.argv[1:]:
    with open(report, "w") as file:
        file.write(f"<testsuite>{cases}</testsuite>")
sys.exit("<failure>" in cases)
"""
"""Runs the tests as a test runner would, without the second that pytest takes to start."""
BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"
RIGHT = "def area(a, b):\n    return a * b\n"
MENDS = ("area.py", "return a + b", "return a * b")


class Listener:
    """Counts who calls: on the loopback, and on the address by which others reach this machine where it has one."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.calls: list[str] = []
        self.addresses: list[tuple[str, int]] = []
        for host in dict.fromkeys(("127.0.0.1", _outer())):
            server = stack.enter_context(socket.create_server((host, 0)))
            self.addresses.append(server.getsockname())
            threading.Thread(target=self._answer, args=(server,), daemon=True).start()

    def _answer(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was closed
            host = server.getsockname()[0]
            while True:
                caller, _ = server.accept()
                with caller:
                    self.calls.append(host)

    @property
    def code(self) -> str:
        """Statements that call each of them."""
        tried = "\n".join(
            f"with contextlib.suppress(OSError):\n    socket.create_connection({address!r}, 2)"
            for address in self.addresses
        )
        return f"import contextlib, socket\n{tried}\n"


def _outer() -> str:
    """Found without sending anything: 192.0.2.1 is nobody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(asking.getsockname()[0])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def listener() -> Iterator[Listener]:
    with contextlib.ExitStack() as stack:
        yield Listener(stack)


def broken(project: Project, *answers: Answer, settings: str = "", test: str = "", command: str = PLAIN) -> None:
    """A change is staged that breaks the test of ``area``, which runs ``test`` first; ``answers`` repair it."""
    project.models(Crew(implement=answers, fix=answers), user=BUDGET)
    project.configure(f"{TWO_LINES}verify.commands = ['{command}']\n{settings}")
    assert project.run("trust", "--yes").code == 0
    tests = f"from area import area\ndef test_area():\n{indent(test, '    ')}\n    assert area(2, 3) == 6\n"
    project.repo.commit({"area.py": RIGHT, "test_area.py": tests + EACH})
    project.repo.stage({"area.py": RIGHT.replace("*", "+")})


def test_a_repair_that_calls_out_reaches_nobody_and_sees_no_key(project: Project, listener: Listener) -> None:
    looking = f"{listener.code}import os\nassert {KEY_NAME!r} not in os.environ\n"
    calling = repair(("area.py", "def area(a, b):\n    return a + b", f"{looking}def area(a, b):\n    return a * b"))
    broken(project, calling)
    judged = project.judge(command="fix")
    assert (judged.report["fix"]["verified"], listener.calls) == (True, [])


def test_it_may_where_the_user_has_agreed_to_it(project: Project, listener: Listener) -> None:
    calling = repair(
        ("area.py", "def area(a, b):\n    return a + b", f"{listener.code}def area(a, b):\n    return a * b")
    )
    broken(project, calling, settings="fix.network = true\n")
    assert project.judge(command="fix").report["fix"]["verified"] is True
    assert sorted(set(listener.calls)) == sorted(host for host, _ in listener.addresses)


def test_the_wish_for_a_network_needs_consent(project: Project) -> None:
    project.models(Crew())
    project.configure(f"{TWO_LINES}fix.network = true\n")
    project.repo.stage({"a.py": "x = 1\n"})
    refused = project.run("fix")
    assert refused.code == 4
    assert "fix.network: allow network access while model-written code is tested" in refused.err


@pytest.mark.parametrize("command", [JUNIT, PLAIN], ids=["junit", "plain"])
def test_a_test_that_needs_the_network_proves_nothing_without_one(
    project: Project, listener: Listener, command: str
) -> None:
    """Without a network it fails on the base too: that must neither excuse the repair nor be held against it."""
    host, port = listener.addresses[0]
    needs = f"import socket\nsocket.create_connection(({host!r}, {port})).close()"
    broken(project, repair(MENDS), test=needs, command=command)
    judged = project.judge(command="fix")
    assert (judged.code, judged.report["fix"]) == (1, None)
    assert "not repaired: the repair could not be reviewed" in judged.notices
    assert "fix.network = true" in judged.notices
    assert [rung["step"] for rung in judged.report["rungs"]] == ["plan", "implement", "check"]  # nothing more is paid


@pytest.mark.parametrize("breaks", [False, True])
def test_tests_that_need_the_network_do_not_keep_others_from_trying_a_repair(
    project: Project,
    listener: Listener,
    breaks: bool,  # noqa: FBT001 - pytest's
) -> None:
    """What failed on the base and was mended by the change is no old failure: a repair must not undo it."""
    host, port = listener.addresses[0]
    undone = ("size.py", "return 3", "return 2")
    project.models(Crew(implement=[repair(MENDS, *[undone] * breaks)], fix=[Reply.refusal()]), user=BUDGET)
    project.configure(f"{TWO_LINES}verify.commands = ['{JUNIT}']\nfix.attempts = 1\n")
    project.run("trust", "--yes")
    calls = f"import socket; socket.create_connection(({host!r}, {port})).close()"
    tests = [
        "from area import area\nfrom size import size\n",
        "def test_area(): assert area(2, 3) == 6\n",
        "def test_size(): assert size() == 3\n",
        f"def test_calls(): {calls}\n",
    ]
    size = "def size():\n    return 2\n"
    project.repo.commit({"area.py": RIGHT, "size.py": size, "test_area.py": "".join(tests) + EACH})
    project.repo.stage({"area.py": RIGHT.replace("*", "+"), "size.py": size.replace("2", "3")})
    judged = project.judge(command="fix")
    if breaks:
        assert judged.report["fix"] is None
        assert "fails: t::test_size" in "".join(rung["outcome"] for rung in judged.report["rungs"])
    else:
        assert judged.report["fix"]["verified"] is True
        assert "1 test passed in the review, and now failed with and without the repair (t::test_calls)" in (
            judged.notices
        )


def test_commands_have_no_network_at_all_where_the_user_wants_it_so(project: Project, listener: Listener) -> None:
    broken(project, repair(MENDS), test=listener.code, settings="verify.network = false\n")
    assert project.run("verify").code == 1
    assert listener.calls == []


def test_where_it_cannot_be_cut_this_is_said(project: Project) -> None:
    broken(project, repair(MENDS))
    program = BIN / "ralph-hooks"
    done = without_namespaces(program, "fix", "--format", "json", cwd=project.repo.path, env=project.environ)
    report = json.loads(done.stdout)
    assert report["fix"]["verified"] is True
    assert [notice.count("with network access") for notice in report["notices"]].count(1) == 1
    looked = without_namespaces(program, "doctor", "--offline", cwd=project.repo.path, env=project.environ)
    assert "warn  network" in looked.stdout
    assert "user.max_net_namespaces" in looked.stdout
    assert "ok    network        repairs are tested with the network off" in project.run("doctor", "--offline").out
