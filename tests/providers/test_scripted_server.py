"""The server that other tests, the demo and the benchmarks rely on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.route import Structured
from tests.support.asking import WIRES, ask, deadline, model
from tests.support.patience import PATIENCE
from tests.support.server import Finds, ModelServer, Reply, analyst, tokens

TOP = Path(__file__).parents[2]
PROMPT = """\
BEGIN 1f
### shop/cart.py
@@ def total(items):
 3 total = 0
+4 return eval(items)
-4 return eval(item)
### shop/new name.py (new file)
+1 eval("1")
END 1f"""

both_wires = pytest.mark.parametrize("wire", WIRES)


@both_wires
@pytest.mark.parametrize("kind", Structured)
def test_an_analyst_reports_what_it_is_told_to_find(wire: str, kind: Structured) -> None:
    with ModelServer(analyst(Finds("eval(", "Runs its input."), Finds("total", "Never."))) as server:
        completion = ask(model(wire, server.url, structured=kind), prompt=PROMPT)
    found = json.loads(completion.text)["findings"]
    assert [(row["path"], row["line"], row["quote"], row["message"]) for row in found] == [
        ("shop/cart.py", 4, "return eval(items)", "Runs its input."),
        ("shop/cart.py", 4, "return eval(item)", "Runs its input."),
        ("shop/new name.py", 1, 'eval("1")', "Runs its input."),
    ]
    assert completion.usage is not None
    assert completion.usage.input_tokens == tokens("You review changes.") + tokens(PROMPT)


@both_wires
@pytest.mark.parametrize("kind", Structured)
def test_an_analyst_gives_a_verdict_for_every_claim(wire: str, kind: Structured) -> None:
    prompt = "BEGIN 1f\n+4 return eval(items)\nC1: it runs its input\nC2: it is slow\nEND 1f"
    with ModelServer(analyst(holds=lambda claim: "input" in claim)) as server:
        completion = ask(
            model(wire, server.url, structured=kind),
            system="You check claims about a change.",
            prompt=prompt,
            schema_name="verify",
        )
    rows = json.loads(completion.text)["verdicts"]
    assert [(row["id"], row["holds"]) for row in rows] == [("C1", True), ("C2", False)]


def test_several_replies_come_in_order_and_the_last_one_stays() -> None:
    with ModelServer([Reply.text("1"), Reply.text("2")]) as server:
        assert [ask(model("openai", server.url)).text for _ in range(3)] == ["1", "2", "2"]


def test_a_reply_that_is_late_ends_with_the_server() -> None:
    with ModelServer(Reply.empty().after(3600)) as server, pytest.raises(model_errors.DeadlineReached):
        ask(model("openai", server.url), deadline(0.2))


def test_the_program_answers_logs_and_ends(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    args = ["--find", "eval(=Runs its input.", "--latency", "0.1", "--requests-log", str(log)]
    command = [sys.executable, "-m", "tests.support.server", *args]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        started = time.monotonic()
        completion = ask(model("openai", url), prompt=PROMPT)
        assert time.monotonic() - started >= 0.1
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert len(json.loads(completion.text)["findings"]) == 3
    row = json.loads(log.read_text())
    assert row["path"] == "/v1/chat/completions"
    assert row["body"]["model"] == "small-1"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no parent to watch")
def test_the_program_ends_with_the_one_that_started_it() -> None:
    start = (
        "import subprocess, sys;"
        "server = subprocess.Popen([sys.executable, '-m', 'tests.support.server'], stdout=subprocess.PIPE, text=True);"
        "print(server.stdout.readline().strip(), server.pid)"
    )
    done = subprocess.run([sys.executable, "-c", start], cwd=TOP, capture_output=True, text=True, check=True)
    url, _ = done.stdout.split()
    assert ended(url, within=PATIENCE)


def ended(url: str, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            ask(model("openai", url))
        except model_errors.Unreachable:
            return True
    return False
