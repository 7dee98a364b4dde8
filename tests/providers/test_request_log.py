"""Bodies of requests are kept for their owner, if asked for."""

from __future__ import annotations

import os

from tests.support.gated import Gated
from tests.support.server import ModelServer, analyst


def test_bodies_are_kept_only_when_asked_for_and_for_the_owner_alone(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.stage({"a.py": "def code():\n    return 'distinctive words'\n"})
        assert gated.run("gate").returncode == 0
        assert b"distinctive words" not in gated.everything_kept()
        gated.repo.stage({"a.py": "def code():\n    return 'distinctive words!'\n"})
        usual = os.umask(0)
        try:
            done = gated.run("gate", "--keep-bodies")
        finally:
            os.umask(usual)
    (folder,) = (gated.home / "state" / "bodies").iterdir()
    (body,) = folder.iterdir()
    assert str(folder) in done.stderr
    assert b"distinctive words" in body.read_bytes()
    assert (folder.stat().st_mode | folder.parent.stat().st_mode) & 0o077 == 0
    assert body.stat().st_mode & 0o077 == 0
