"""The code around a change that models get: signatures of what it calls, callers of what it changes."""

from __future__ import annotations

import re

import pytest

from ralph_hooks.core.usage import estimate_tokens
from tests.support.contexts import MONEY, PAYS, SHOP, called, prompts
from tests.support.project import TWO_LINES, Project, phases
from tests.support.server import analyst


def test_analyze_sees_the_signatures_of_what_changed_lines_call(project: Project) -> None:
    server = project.models(analyst())
    project.repo.commit({"shop/money.py": MONEY})
    project.repo.stage({"shop/till.py": SHOP + "\n\ndef new(owner):\n    return Purse(owner)\n"})
    project.repo.write({"shop/money.py": MONEY.replace("rounding", "working_tree")})
    project.judge()
    assert called(server) == [
        'shop/money.py:1 def in_cents(amount, *, rounding="half-even"):',
        "shop/money.py:9 def take_out(self, cents):",
        "shop/money.py:5 class Purse: def __init__(self, owner):",
    ]


@pytest.mark.parametrize("args", [("--commit", "HEAD"), ("--from-ref", "HEAD~1", "--to-ref", "HEAD"), ("--worktree",)])
def test_commits_and_the_working_tree_have_context_too(project: Project, args: tuple[str, ...]) -> None:
    server = project.models(analyst())
    project.repo.commit({"shop/money.py": MONEY})
    project.repo.write({"shop/till.py": SHOP})
    if args != ("--worktree",):
        project.repo.commit({"shop/till.py": SHOP})
    project.judge(*args)
    assert len(called(server)) == 2


@pytest.mark.parametrize(
    ("files", "changed", "expected"),
    [
        (
            {"money.js": "export function inCents(amount, rounding) {\n  return amount * 100;\n}\n"},
            {"till.ts": "export const pay = (a: number) => inCents(a);\n"},
            "money.js:1 export function inCents(amount, rounding) {",
        ),
        (
            {"money.go": "package shop\n\nfunc (p *Purse) TakeOut(cents int64) error {\n\treturn nil\n}\n"},
            {"till.go": "package shop\n\nfunc Pay(p *Purse) error {\n\treturn p.TakeOut(5)\n}\n"},
            "money.go:3 func (p *Purse) TakeOut(cents int64) error {",
        ),
        (
            {"src/money.rs": "pub fn in_cents(\n    amount: f64,\n) -> u64 {\n    0\n}\n"},
            {"src/till.rs": "fn pay(a: f64) -> u64 {\n    money::in_cents(a)\n}\n"},
            "src/money.rs:1 pub fn in_cents( amount: f64, ) -> u64 {",
        ),
        (
            {"Money.java": "class Money {\n  long inCents(double amount) {\n    return 0;\n  }\n}\n"},
            {"Till.java": "class Till {\n  long pay(Money m) {\n    return m.inCents(2.5);\n  }\n}\n"},
            "Money.java:2 long inCents(double amount) {",
        ),
    ],
    ids=["javascript", "go", "rust", "java"],
)
def test_signatures_come_from_the_parser_of_each_language(
    project: Project, files: dict[str, str], changed: dict[str, str], expected: str
) -> None:
    server = project.models(analyst())
    project.repo.commit(files)
    project.repo.stage(changed)
    project.judge()
    assert called(server) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "def show(purse, update):\n    return update(purse), purse.update(1), purse.get(2)\n",
        "def show(in_cents):\n    return in_cents(1)\n",
    ],
    ids=["names of the language's own types", "a name that is not imported"],
)
def test_a_name_that_may_mean_something_else_is_not_guessed(project: Project, code: str) -> None:
    server = project.models(analyst())
    methods = "class Shelf:\n    def update(self, n):\n        return n\n\n    def get(self, n):\n        return n\n"
    project.repo.commit({"shop/money.py": MONEY, "shop/shelf.py": methods})
    project.repo.stage({"shop/till.py": code})
    project.judge()
    assert called(server) == []


def test_verify_sees_the_callers_of_the_changed_definition(project: Project) -> None:
    server = project.models(analyst(PAYS))
    caller = (
        "from shop.till import pay\n\n\ndef checkout(purse, basket):\n    if basket.is_empty():\n        return 0\n"
    )
    caller += "    return pay(purse, basket.total)\n"
    project.repo.commit({"shop/money.py": MONEY, "shop/checkout.py": caller, "tests/test_till.py": "pay(1, 2)\n"})
    project.repo.stage({"shop/till.py": SHOP})
    project.repo.write({"shop/checkout.py": caller.replace("total", "working_tree")})
    project.judge()
    assert phases(server.requests) == ["analyze", "verify"]
    asked = prompts(server, "verify")
    expected = """\
Callers of `pay` in the tree under review:
@@ shop/checkout.py:7 in checkout
 def checkout(purse, basket):
     if basket.is_empty():
         return 0
     return pay(purse, basket.total)
@@ tests/test_till.py:1
 pay(1, 2)
"""
    assert expected in asked
    assert "working_tree" not in asked
    assert "= shop/money.py:9 def take_out(self, cents):" in asked
    assert "Callers" not in prompts(server)


LEFT_OUT = {
    "vendor/money.py": ("", MONEY),
    "shop/money_pb2.py": ("", MONEY),
    "shop/money.py": ("", "# @generated\n" + MONEY),
    "old/money.py": ('[tool.ralph-hooks.gate]\nexclude = ["old/**"]\n', MONEY),
    "closed/money.py": ('[[tool.ralph-hooks.routes]]\npaths = ["closed/**"]\nskip = true\n', MONEY),
    "keys/money.py": ("", "password = (\n    'correct-horse-91-battery'\n)\n" + MONEY),
}


@pytest.mark.parametrize("path", LEFT_OUT)
def test_files_that_no_request_may_hold_are_no_context(project: Project, path: str) -> None:
    settings, text = LEFT_OUT[path]
    server = project.configure(TWO_LINES + settings).models(analyst(PAYS))
    project.repo.commit({path: text + "\n\ndef hidden(purse):\n    return pay(purse, in_cents(3))\n"})
    project.repo.stage({"shop/till.py": SHOP})
    project.judge()
    assert phases(server.requests) == ["analyze", "verify"]
    sent = prompts(server) + prompts(server, "verify")
    assert not [word for word in ("rounding", "hidden", "correct-horse", "class Purse", path) if word in sent]


def test_context_is_part_of_what_a_cached_verdict_depends_on(project: Project) -> None:
    server = project.models(analyst(PAYS, holds=lambda _: False))
    project.repo.commit({"shop/money.py": MONEY, "shop/till.py": "", "shop/other.py": ""})

    def judge(money: str, other: str = "") -> int:
        project.repo.git("reset", "--quiet", "--hard")
        project.repo.commit({"shop/money.py": money, "shop/other.py": other})
        project.repo.stage({"shop/till.py": SHOP})
        before = len(server.requests)
        project.judge()
        return len(server.requests) - before

    assert judge(MONEY) == 2
    assert judge(MONEY) == 0
    assert judge(MONEY, "def unrelated():\n    return 1\n") == 0
    assert judge(MONEY.replace("amount, *", "amount, currency, *")) == 2
    assert judge(MONEY, "from shop.till import pay\n\npay(1, 2)\n") == 1


def test_route_knows_a_cached_verdict_by_its_context(project: Project) -> None:
    project.models(analyst())
    project.repo.commit({"shop/money.py": MONEY})
    project.repo.stage({"shop/till.py": SHOP})
    assert "1 request to" in project.run("route").out
    project.judge()
    assert "No request" in project.run("route").out


def test_context_has_a_limit(project: Project) -> None:
    server = project.models(analyst(PAYS))
    names = [f"convert_number_{number}" for number in range(90)]
    project.repo.commit(
        {
            "shop/money.py": MONEY
            + "".join(f"\n\ndef {name}(amount, currency, rounding):\n    pass\n" for name in names),
            "shop/many.py": "from shop.till import pay\n" + "\n\n\n\n\n\n\n\npay(1, 2) # too much\n" * 200,
        }
    )
    body = "".join(f"    {name}(amount)\n" for name in names)
    imports = f"from shop.money import Purse, in_cents, {', '.join(names)}\n"
    project.repo.stage({"shop/till.py": imports + SHOP.partition("\n")[2].replace("    return", f"{body}    return")})
    project.judge()
    sizes = [
        sum(estimate_tokens(row) for row in re.findall(r"(?m)^= .*$", request.prompt))
        for request in server.requests
        if request.phase == "analyze"
    ]
    assert 300 < max(sizes) <= 600
    callers = prompts(server, "verify").partition("Callers of")[2].partition("\nC1: ")[0]
    assert 20 < estimate_tokens(callers) <= 500
    assert callers.count("many.py:") == 8
    called_near = prompts(server, "verify").partition("Signatures of")[2].partition("Callers of")[0]
    assert 100 < estimate_tokens(called_near) <= 220


def test_a_name_that_very_many_files_hold_is_left_out(project: Project) -> None:
    server = project.models(analyst())
    project.repo.commit({"shop/money.py": MONEY, **{f"shop/use_{n}.py": "in_cents(1)\n" for n in range(100)}})
    project.repo.stage({"shop/till.py": SHOP})
    project.judge()
    assert called(server) == ["shop/money.py:9 def take_out(self, cents):"]
