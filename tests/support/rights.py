"""Programs that have no more rights than the permissions of files say, also where tests run as root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# The right to pass over permissions is taken out of what the next program may have: Linux, PR_CAPBSET_DROP.
_DROP = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""


def run_with_few_rights(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Python ``code`` so; whatever came of it."""
    drop = [_DROP, code] if sys.platform == "linux" else [code]
    return subprocess.run(
        [sys.executable, "-c", *drop, *args],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


FORBIDDEN = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'


def without_namespaces(*args: str | Path, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program where Linux does not let it cut a network; it may do all else."""
    words = ["unshare", "--user", "--map-root-user", "sh", "-c", FORBIDDEN, "sh", *args]
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
