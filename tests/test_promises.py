"""What the gate promises, a test for each promise that would fail if it were broken.

The ninth, that nothing is lost whatever is killed, is about `apply` and has its tests there.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.asking import KEY, KEY_NAME
from tests.support.changes import EVAL
from tests.support.credentials import SERVICES
from tests.support.hooked import Frameworks, Hooked
from tests.support.project import MODEL, TWO_LINES, Project, new_project
from tests.support.server import NOTHING_FOUND, Finds, Reply, Request, analyst

BUGGY = "def run(text):\n    return eval(text)\n"
CLEAN = "def run(text):\n    return int(text)\n"
TOKEN = SERVICES["GitHub"](random.Random(7))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with new_project(tmp_path, monkeypatch) as made:
        yield made.configure()


@pytest.fixture
def hooked(project: Project, tmp_path: Path) -> Hooked:
    """Git's own hook, as `ralph-hooks install` writes it."""
    return Hooked(project, "native", Frameworks(tmp_path, ""), tmp_path / "hooked")


def verified(command: str) -> str:
    table = f"[tool.ralph-hooks.verify]\ncommands = ['''{command}''']\n"
    return f'{TWO_LINES}on-failure = "block"\n{table}on = ["pre-commit"]\n'


@pytest.mark.parametrize(("text", "code"), [(CLEAN, 0), (BUGGY, 1)], ids=["clean", "blocked"])
def test_promise_1_a_hook_only_reads(hooked: Hooked, text: str, code: int) -> None:
    """With a command that writes wherever it can, unstaged edits, a stash and an untracked file beside it."""
    command = f"{sys.executable} -c \"open('a.py', 'w').close(); open('made', 'w').close()\""
    hooked.project.configure(verified(command))
    hooked.project.models(analyst(EVAL))
    hooked.project.run("trust", "--yes")
    hooked.repo.commit({"b.py": "b = 1\n"})
    hooked.repo.write({"b.py": "b = 2\n"}).git("stash")
    hooked.install()
    hooked.repo.stage({"a.py": text})
    hooked.repo.write({"b.py": "b = 3\n", "untracked.py": "u = 1\n"})
    index = hooked.repo.git("ls-files", "--stage")
    report = hooked.commit(code=code)  # which compares every byte before and after the hook
    assert report["verification"][0]["verdict"] == "pass"
    assert hooked.repo.git("ls-files", "--stage") == index
    assert not (hooked.repo.path / ".git/ralph-hooks").exists()


@pytest.mark.parametrize("args", [(), ("-a",), ("--", "a.py")], ids=" ".join)
def test_promise_2_what_is_judged_is_what_is_committed(hooked: Hooked, args: tuple[str, ...]) -> None:
    repo = hooked.repo
    repo.commit({"a.py": "one = 1\n", "b.py": "one = 1\n"})
    hooked.install()
    repo.stage({"a.py": "staged = 1\n"}).write({"a.py": "later = 1\r\n", "b.py": "later = 1\n"})
    assert hooked.commit(*args)["tree"] == repo.tree()
    assert hooked.judged_lines() == hooked.committed_lines()


def test_promise_3_the_implement_model_is_never_called_for_a_change_that_passes(hooked: Hooked) -> None:
    project = hooked.project
    project.configure(f'[tool.ralph-hooks]\ncheap = "{MODEL}"\nexpensive = "dear/big"\non-failure = "fix"\n')
    project.models(analyst(Finds("TODO", "Later.", severity="note")))
    dear = project.also("dear", analyst())
    hooked.install()
    for number, text in enumerate([CLEAN, CLEAN + "# TODO\n", "x" * 9 + " = 1\n"]):
        hooked.repo.stage({f"m{number}.py": text})
        assert hooked.commit()["verdict"] == "pass"
    assert dear.requests == []


def test_promise_4_nothing_is_skipped_in_silence(project: Project) -> None:
    def answer(request: Request) -> Reply:
        return Reply.refusal() if "unlucky" in request.prompt else analyst()(request)

    project.configure(
        TWO_LINES
        + '[[tool.ralph-hooks.routes]]\npaths = ["lucky/**"]\nmodels.analyze = "other/m"\n'
        + '[[tool.ralph-hooks.routes]]\npaths = ["*.sql"]\nskip = true\n'
    )
    project.models(answer)
    project.also("other", analyst())
    files: dict[str, str | bytes | None] = {
        "lucky/a.py": "a = 1\n",
        "unlucky.py": "u = 1\n",
        "q.sql": "q\n",
        "x.lock": "x\n",
        "p.png": b"\0",
    }
    project.repo.stage(files)
    judged = project.judge()
    assert judged.report["paths"] == len(files)
    assert judged.unreviewed.keys() == files.keys() - {"lucky/a.py"}
    assert all(judged.unreviewed.values())
    assert (judged.verdict, judged.code) == ("inconclusive", 0)
    for said in (project.run("gate").out, project.run("gate", "--format", "agent").out):
        assert "NOT REVIEWED" in said
        assert 'not blocked, because when-unavailable is "open"' in said
    assert project.last()["verdict"] == "inconclusive"
    project.configure(TWO_LINES + '[tool.ralph-hooks.gate]\nwhen-unavailable = "closed"\n')
    project.repo.stage(files | {"lucky/a.py": "a = 2\n"})
    project.repo.stage({"unlucky2.py": "unlucky = 1\n"})
    assert project.judge().code == 3


def test_promise_5_a_model_can_hold_a_change_back_and_never_excuse_it(project: Project) -> None:
    """The models deny everything; the check, the secret scan and the command stand."""

    def denies(request: Request) -> Reply:
        return Reply.json_text(NOTHING_FOUND) if request.phase == "analyze" else analyst(holds=lambda _: False)(request)

    project.configure(verified("false"))
    project.models(denies)
    project.run("trust", "--yes")
    project.repo.stage({"a.py": CLEAN, "b.py": "print(undefined_name)\n", "c.py": f'T = "{TOKEN}"\n'})
    judged = project.judge()
    assert judged.code == 1
    assert [finding["category"] for finding in judged.blocking] == ["F821", "secret"]
    assert [run["verdict"] for run in judged.report["verification"]] == ["fail"]


def test_promise_6_a_cheap_verdict_is_paid_for_once(hooked: Hooked) -> None:
    project = hooked.project
    server = hooked.server = project.models(analyst(EVAL))
    base = hooked.repo.git("rev-parse", "HEAD")
    hooked.install()
    hooked.repo.stage({"a.py": BUGGY, "b.py": CLEAN})
    hooked.commit(code=1)
    spent = project.ledger().cost_usd
    assert (len(server.requests), spent > 0) == (2, True)
    hooked.commit(code=1)
    hooked.repo.commit()
    for how in (("--commit", "HEAD"), ("--from-ref", base)):
        again = project.judge(*how)
        assert (again.report["cost_usd"], [call["from_store"] for call in again.report["calls"]]) == (0, [True, True])
    assert (len(server.requests), project.ledger().cost_usd) == (2, spent)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_promise_7_nothing_secret_leaves_and_a_key_goes_to_its_host_alone(
    project: Project, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_key = "sk-other-0123456789abcdefghijklmnop"
    (project.repo.home / ".netrc").write_text("default login somebody password netrc-password\n")
    monkeypatch.setenv("OTHER_KEY", other_key)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody is there
    project.configure(TWO_LINES + f'[tool.ralph-hooks.models]\nanalyze = ["{MODEL}", "other/m"]\n')
    first = project.models(Reply.status(401), wire=wire)
    second = project.also("other", analyst(), wire=wire, key_name="OTHER_KEY")
    project.repo.commit({"old.py": f'T = "{TOKEN}"\nlevel = 1\n'})
    project.repo.stage({"old.py": f'T = "{TOKEN}"\nlevel = 2\n', "new.py": f'T = "{TOKEN}"\n', "a.py": CLEAN})
    project.run("gate")
    for server, key, foreign in ((first, KEY, other_key), (second, other_key, KEY)):
        [request] = server.requests
        sent = repr(request.headers) + request.raw.decode()
        assert key in sent
        assert not any(secret in sent for secret in (foreign, TOKEN, "netrc-password"))
    kept = b"".join(path.read_bytes() for path in project.home.rglob("*") if path.is_file())
    assert not any(secret.encode() in kept for secret in (KEY, other_key, TOKEN))


def test_promise_8_every_call_is_in_the_ledger_failed_ones_too(project: Project) -> None:
    replies = [Reply.html(), Reply.refusal(), Reply.text("no JSON"), Reply.length(), Reply.json_text(NOTHING_FOUND)]
    project.configure(
        TWO_LINES + f'[tool.ralph-hooks.models]\nanalyze = ["{MODEL}", "scripted/unpriced", "scripted/big"]\n'
    )
    server = project.models(replies)
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    whole = project.ledger()
    assert len(judged.sent) == whole.calls
    # A call that never reached the server is booked too, as unreachable.
    assert len(server.requests) == sum(call["outcome"] != "unreachable" for call in judged.sent), judged.sent
    assert [call["outcome"] for call in judged.sent][-1] == "ok"
    unknown = [call for call in judged.sent if call["cost_usd"] is None]
    assert (whole.unknown, judged.report["cost_usd"]) == (len(unknown), None)
    assert unknown
    assert all(call["model"] == "scripted/unpriced" for call in unknown)
    counted = sum(call["cost_usd"] for call in judged.sent if call["cost_usd"] is not None)
    assert float(whole.cost_usd) == pytest.approx(counted)


def damage_state(project: Project) -> None:
    (project.home / "state").mkdir()
    (project.home / "state" / "state.db").write_bytes(b"no database" * 1000)


def renew_state(project: Project) -> None:
    project.run("gate")
    with contextlib.closing(sqlite3.connect(project.home / "state" / "state.db")) as connection:
        connection.execute("PRAGMA user_version = 99999")


def stage_odd_bytes(project: Project) -> None:
    path = os.fsencode(project.repo.path) + b"/\x1b[31m\xff.py"
    Path(os.fsdecode(path)).write_bytes(b"\x1b[2J eval(\xff)\n")
    project.repo.git("add", "--all")


def lose_an_object(project: Project) -> None:
    oid = project.repo.git("rev-parse", ":a.py")
    (project.repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()


def damage_index(project: Project) -> None:
    (project.repo.path / ".git" / "index").write_bytes(b"DIRC no index")


TROUBLES: dict[str, Callable[[Project], Mapping[str, str] | None]] = {
    "no git": lambda _: {"PATH": "/nowhere"},
    "no key": lambda _: {KEY_NAME: ""},
    "a home that is relative": lambda _: {"RALPH_HOOKS_HOME": "here"},
    "a home that is a file": lambda project: {"RALPH_HOOKS_HOME": str(project.home / "config.toml")},
    "a state that is damaged": damage_state,
    "a state of a newer release": renew_state,
    "bytes that are no text": stage_odd_bytes,
    "an object that is gone": lose_an_object,
    "an index that is damaged": damage_index,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_promise_10_no_traceback_reaches_a_user(project: Project, trouble: str) -> None:
    project.models(analyst(Finds("eval(", "\x1b[31mred\x07 \u202e", category="\x1b]0;x\x07")))
    project.repo.stage({"a.py": BUGGY})
    done = project.program("gate", env=TROUBLES[trouble](project))
    words = done.out + done.err
    assert "Traceback" not in words
    assert 'File "' not in words
    assert not {"\x1b", "\x07", "\u202e"} & set(words)
    assert done.code in {0, 1, 2}
    assert "internal error" not in words
    if done.code == 0:
        assert "NOT REVIEWED" in words
    if done.code == 2:  # what happened, and what to do next
        assert "\n  -> " in done.err
