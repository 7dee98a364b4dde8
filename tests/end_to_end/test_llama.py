"""The gate with a real model on the other end: transport and accounting, never the verdict."""

from __future__ import annotations

import shutil

import pytest

from tests.support import llama
from tests.support.ports import free_port
from tests.support.project import Project

MODEL = "local/smollm2"
PROVIDER = """
[providers.local]
base-url = "{url}"
# A model this small comes to no end by itself: it is pulled towards the end of every list.
quick = {{ logit_bias = [["]", 50.0]] }}
[prices."local/smollm2"] # made up, in US dollars per million tokens
input = 1.0
output = 2.0
"""

pytestmark = pytest.mark.skipif(bool(llama.missing()), reason=f"{llama.missing()} is not installed")


def test_a_server_that_loads_answers_and_overflows_is_accounted_for(project: Project) -> None:
    port = free_port()
    project.write_user(PROVIDER.format(url=llama.base_url(port)))
    project.configure(f'[tool.ralph-hooks]\ncheap = "{MODEL}"\n')
    project.repo.stage({"a.py": "def half(number):\n    return number / 2\n"})
    with llama.starting(port) as server:
        # While the model is being loaded nobody answers, or somebody who says so; it may be quicker than the checks.
        loading = project.judge()
        assert loading.sent[0]["outcome"] in {"unreachable", "ok"}
        assert (loading.verdict == "inconclusive") is (loading.sent[-1]["outcome"] != "ok")

        assert server.stdout is not None
        assert server.stdout.readline().strip() == "ready"
        shutil.rmtree(project.home / "state")  # that it was away is remembered for a while, and so would be its answer
        answered = project.judge()
        [call] = answered.sent
        assert (call["phase"], call["model"], call["outcome"]) == ("analyze", MODEL, "ok")
        assert answered.report["reviewed"] == 1
        assert 250 < call["input_tokens"] < llama.CONTEXT
        assert 3 < call["output_tokens"] < 50
        assert call["cost_usd"] == pytest.approx((call["input_tokens"] + 2 * call["output_tokens"]) / 1e6)
        spent = project.ledger()
        assert (spent.usage.input_tokens, spent.usage.output_tokens) == (call["input_tokens"], call["output_tokens"])
        assert spent.estimated == 0

        # One file is more than the model's context holds; the other one does not suffer from it.
        long = "".join(f"value_{number} = {list(range(40))}\n" for number in range(50))  # one question
        project.repo.stage({"a.py": "def half(number):\n    return number // 2\n", "long.py": long})
        overflown = project.judge()
        assert overflown.causes == {"long.py": "unavailable"}
        assert [call["outcome"] for call in overflown.sent].count("too-large") >= 1
        assert "context" in overflown.report["reason"]
        assert project.judge().sent[-1]["outcome"] == "too-large"  # what could not be reviewed is asked again
