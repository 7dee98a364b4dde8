"""A small package whose imports can break."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ralph_hooks.checks.imports import Imports
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.patience import PATIENCE
from tests.support.repo import Repo

Files = Mapping[str, str | bytes | None]


SHOP = {
    "shop/__init__.py": "",
    "shop/cart.py": "import os\n\nVAT = 19\n\n\ndef total(items):\n    return sum(items)\n",
    "shop/till.py": "from shop.cart import VAT, total\n",
}


EMPTY = "import os\n"


def findings(repo: Repo, base: Files, change: Files) -> tuple[Finding, ...]:
    repo.commit(base)
    repo.stage(change)
    snapshot = staged(open_repository(repo.path))
    check = Imports()
    entries = [entry for entry in snapshot.change.entries if check.applies(entry)]
    contents = snapshot.contents(entries)
    text = [entry for entry in entries if entry.old_oid != entry.new_oid]
    hunks = snapshot.hunks(text)
    sources = [Source(entry, contents[entry.path], hunks.get(entry.path, ())) for entry in entries]
    return check.run(sources, snapshot.unchanged(), Deadline(PATIENCE, time.monotonic)) or ()
