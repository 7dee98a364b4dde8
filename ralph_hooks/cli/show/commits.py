"""The list of ``ralph-hooks show --commits``: when and how each commit was reviewed, and the cost."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ralph_hooks.app.context import Context
from ralph_hooks.core.text import money, one_line, plural
from ralph_hooks.git.history.log import Logged, commits
from ralph_hooks.store.receipts import JudgedCommit, StoredReceipts
from ralph_hooks.store.state import State

_LISTED = 20


def lines(context: Context, state: State, revisions: str) -> Iterator[str]:
    """Yield the newest commits of ``revisions`` (of HEAD if empty), each with its reviews.

    Raises GitError if git does not know them.
    """
    newest = commits(context.repository, revisions or "HEAD", max_count=_LISTED)
    judged = StoredReceipts(state.database, context.known_as()).of([logged.commit for logged in newest])
    for logged in newest:
        yield from _commit(logged, judged[logged.commit.oid])
    if len(newest) == _LISTED:
        yield f"these are the newest {_LISTED}; give a range for others, such as HEAD~{2 * _LISTED}..HEAD~{_LISTED}"


def _commit(logged: Logged, judged: tuple[JudgedCommit, ...]) -> Iterator[str]:
    yield f"{logged.commit.oid[:10]}  {one_line(logged.subject)}"
    if not judged:
        yield "  not reviewed yet"
    elif all(each.together for each in judged):
        yield "  not reviewed when it was committed"
    for each in judged:
        yield f"  {_judgement(each)}"


def _judgement(judged: JudgedCommit) -> str:
    receipt = judged.receipt
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(receipt.at))
    what = (
        "verify commands only" if not receipt.settings else ", ".join(map(one_line, receipt.models)) or "checks alone"
    )
    cost = "cost unknown" if receipt.cost_usd is None else money(receipt.cost_usd)
    together = f" for {plural(judged.together, 'commit')} together" if judged.together > 1 else ""
    return f"{when}  {receipt.command:8}  {receipt.verdict.value:12}  {what}, {cost}{together}"
