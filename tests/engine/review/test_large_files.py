"""A file that is too large to be reviewed is still scanned for secrets."""

from __future__ import annotations

import random

from tests.support.credentials import SERVICES
from tests.support.gated import Gated
from tests.support.server import ModelServer, analyst

KEY = SERVICES["Stripe"](random.Random(8))
LINES = "".join(f"row {number}\n" for number in range(120_000))  # 1.3 MB


def test_key_in_a_large_text_file_blocks(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.stage({"data/dump.txt": f"{LINES}key {KEY}\n", "a.py": "x = 1\n"})
        report = gated.judge()
        again = gated.judge()
        sent = b"".join(request.raw for request in server.requests)
    (finding,) = report["findings"]
    assert (report["verdict"], finding["path"], finding["line"]) == ("fail", "data/dump.txt", 120_001)
    assert finding["quote"] == "key <secret>"
    assert [each["fingerprint"] for each in again["findings"]] == [finding["fingerprint"]]
    assert [item["cause"] for item in report["unreviewed"] if item["path"] == "data/dump.txt"] == ["content"]
    assert KEY.encode() not in gated.everything_kept() + sent


def test_key_that_a_large_file_had_before_does_not_block(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.commit({"data/dump.txt": f"key {KEY}\n{LINES}"})
        gated.repo.stage({"data/dump.txt": f"first\nkey {KEY}\n{LINES}"})
        report = gated.judge()
    assert (report["verdict"], report["findings"]) == ("pass", [])


def test_large_binary_file_is_not_scanned(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.stage({"data/image.bin": b"\0" + f"{LINES}key {KEY}\n".encode()})
        report = gated.judge()
    assert (report["verdict"], report["findings"]) == ("pass", [])


def test_one_line_of_several_megabytes_is_scanned_but_not_shown(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        gated.repo.stage({"bundle.txt": f"{LINES.replace(chr(10), ';')}{KEY};{LINES.replace(chr(10), ';')}"})
        report = gated.judge()
    (finding,) = report["findings"]
    assert (finding["line"], finding["quote"]) == (1, "<secret>")


def test_key_in_a_large_file_of_the_history_is_not_pushed(gated: Gated) -> None:
    with ModelServer(analyst()) as server:
        gated.configure(server.url)
        base = gated.repo.git("rev-parse", "HEAD").strip()
        gated.repo.commit({"data/dump.txt": f"{LINES}key {KEY}\n"})
        gated.repo.commit({"data/dump.txt": LINES})
        report = gated.judge("--from-ref", base, "--to-ref", "HEAD")
    assert report["verdict"] == "fail"
    assert [(finding["path"], finding["line"]) for finding in report["findings"]] == [("data/dump.txt", 120_001)]
