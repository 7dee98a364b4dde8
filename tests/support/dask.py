"""A real Dask cluster of processes on loopback, and a wire between it and its clients that is written down."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from tests.support.ports import free_port

CHECKOUT = Path(__file__).parents[2]
THREADS = 4
"""Of each worker, unless said otherwise."""
_QUIET = {
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
    "DASK_DISTRIBUTED__COMM__COMPRESSION": "none",
}
"""No profiler, which costs more than what is tested; and what is on the wire can be read."""


class Cluster:
    """A scheduler, and workers that are started one by one."""

    def __init__(self, variables: Mapping[str, str], threads: int = THREADS) -> None:
        """``variables`` are those of the workers' environment, ``threads`` each of them has."""
        self._threads = threads
        self._env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), **_QUIET}
        self._variables = variables
        self._stack = ExitStack()
        self.workers: list[subprocess.Popen[str]] = []
        self.address = f"tcp://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("scheduler", "--port", port, env=self._env, until="Scheduler at")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_workers(self, count: int) -> None:
        """Start them side by side, and wait until they are there."""
        args = (self.address, "--nthreads", str(self._threads), "--no-nanny")
        made = [self._popen("worker", *args, env={**self._env, **self._variables}) for _ in range(count)]
        for worker in made:
            _read_until(worker, "Registered to")
        self.workers += made

    def _start(self, *args: str, env: Mapping[str, str], until: str) -> subprocess.Popen[str]:
        process = self._popen(*args, env=env)
        _read_until(process, until)
        return process

    def _popen(self, *args: str, env: Mapping[str, str]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + args[0], *args[1:], "--host", "127.0.0.1"]
        process = subprocess.Popen(
            [*command, "--no-dashboard"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._stack.callback(_end, process)
        return process


def _read_until(process: subprocess.Popen[str], words: str) -> None:
    """Wait for ``words`` in its log, and discard the rest, which must not fill the pipe."""
    assert process.stderr is not None
    seen: list[str] = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            threading.Thread(target=process.communicate, daemon=True).start()
            return
    raise AssertionError("".join(seen))


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


class Wire:
    """Stands before ``address`` and keeps every byte that goes either way."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.recorded = bytearray()
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.recorded += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
