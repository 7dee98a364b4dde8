"""An existing Dask cluster that runs tasks; satisfies `core.ports.cluster.Cluster`.

A task is bound to one worker process, and to one of its threads: there is no queue in the cluster, and no task is
restarted without our knowledge (see `visit`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from ralph_hooks.cluster.visit import Do, Replaced, greet, visit
from ralph_hooks.core.ports.cluster import WorkerLost
from ralph_hooks.errors import RalphError

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT = 5.0  # seconds to wait for the scheduler
_ARRIVE = 10.0  # seconds to wait for the first worker
_RETURN = 60.0  # seconds to wait for a worker once all are gone: a restart takes some
_LOOK = 0.5  # seconds between two looks at who is there
_SILENCE = 20  # looks in vain until the cluster counts as gone
_INSTALL = "pip install 'ralph-hooks[distributed]'"

Answer = Callable[[bytes], bytes]
Accept = Callable[[bytes], str]
"""Says of a worker's answer to our question why it cannot be used; empty if it can."""


class _Worker:
    """One process of the cluster, and how many of its threads are free."""

    def __init__(self, address: str, identity: str, threads: int) -> None:
        self.address = address
        self.identity = identity
        self.free = threads


class _Visit:
    """A task in progress."""

    def __init__(self, worker: _Worker, number: int) -> None:
        self.worker = worker
        self.number = number
        self.note = b""
        """The latest progress that the worker reported."""
        self.over = threading.Event()
        """Set when there is an outcome, or no worker left to wait for."""
        self.lost = False


class Dask:
    """The cluster whose scheduler is at ``address``. Use as a context manager.

    ``do`` runs on workers, found there by its name; ``answer`` does too, once on each, and ``accept`` judges what it
    says to ``question``. Raises RalphError if there is no cluster, or a worker that cannot be used.
    """

    def __init__(self, address: str, *, do: Do, answer: Answer, question: bytes, accept: Accept) -> None:
        self._address = address
        self._do = do
        self._answer = answer
        self._question = question
        self._accept = accept
        self._changed = threading.Condition()
        self._workers: dict[str, _Worker] = {}
        self._visits: dict[int, _Visit] = {}
        self._begun = 0
        self._topic = f"ralph-hooks-{os.urandom(8).hex()}"
        self._refused: set[str] = set()
        self._gone = ""
        self._closed = threading.Event()
        self._client = _connected(address)
        try:
            self.places = self._first_look()
        except BaseException:
            self.close()
            raise
        self._client.subscribe_topic(self._topic, self._told)
        threading.Thread(target=self._watch, daemon=True).start()

    def do(self, task: bytes) -> bytes:
        """Return the outcome of ``task``. Raises WorkerLost, and RalphError where no worker can start it."""
        visit_ = self._begin()
        try:
            return self._visited(visit_, task)
        finally:
            with self._changed:
                del self._visits[visit_.number]
                visit_.worker.free += 1
                self._changed.notify()

    def close(self) -> None:
        """Disconnect from the cluster; running tasks end by themselves."""
        self._closed.set()
        self._client.close(timeout=_CONNECT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # One task

    def _begin(self) -> _Visit:
        """Wait for a free thread of some worker and take it."""
        until = time.monotonic() + _RETURN
        with self._changed:
            while True:
                if self._gone:
                    raise RalphError(self._gone, "finished work is cached: run it again to continue")
                found = max(self._workers.values(), key=lambda worker: worker.free, default=None)
                if found is not None and found.free > 0:
                    found.free -= 1
                    self._begun += 1
                    visit_ = self._visits[self._begun] = _Visit(found, self._begun)
                    return visit_
                if found is not None:
                    until = time.monotonic() + _RETURN
                elif time.monotonic() > until:
                    raise RalphError(
                        f"no workers are left in the Dask cluster at {self._address}",
                        "start some (`dask worker ADDRESS`); finished work is cached",
                    )
                self._changed.wait(_LOOK)

    def _visited(self, visit_: _Visit, task: bytes) -> bytes:
        worker = visit_.worker
        future = self._client.submit(
            visit, self._do, worker.identity, self._topic, visit_.number, task,
            workers=[worker.address], allow_other_workers=False, pure=False, retries=0,
        )  # fmt: skip
        try:
            future.add_done_callback(lambda _: visit_.over.set())
            visit_.over.wait()
            return self._result(visit_, future)
        finally:
            if self._client.status == "running":
                future.cancel()

    def _told(self, event: tuple[float, tuple[int, bytes]]) -> None:
        _, (number, note) = event
        with self._changed:
            if number in self._visits:
                self._visits[number].note = note

    def _result(self, visit_: _Visit, future: Future[bytes]) -> bytes:
        from asyncio import CancelledError

        while not visit_.lost:
            try:
                return future.result(timeout=_LOOK)
            except TimeoutError:  # the worker ended between its work and our asking for it
                continue
            except Replaced:
                self._forget(visit_.worker)
            except (Exception, CancelledError) as error:  # killed, cancelled, or failed in a way of its own
                self._wait_for_scheduler()
                raise WorkerLost(f"{type(error).__name__}: {error}", visit_.note) from error
        raise WorkerLost("it has left the cluster", visit_.note)

    def _wait_for_scheduler(self) -> None:
        """Wait until the scheduler is back or given up: its tasks are lost with it, so none is submitted meanwhile."""
        self._closed.wait(_LOOK)  # tasks are cancelled a moment before the client says that it has lost the connection
        while self._client.status != "running" and not self._gone:
            self._closed.wait(_LOOK)

    # Available workers

    def _first_look(self) -> int:
        until = time.monotonic() + _ARRIVE
        while not (threads := self._client.nthreads()):
            if time.monotonic() > until:
                raise RalphError(
                    f"the Dask cluster at {self._address} has no workers", f"start some: dask worker {self._address}"
                )
            self._closed.wait(_LOOK)
        self._greet(threads)
        return sum(threads.values())

    def _watch(self) -> None:
        failures = 0
        while not self._closed.wait(_LOOK):
            try:
                self._look(self._client.nthreads())
                failures = 0
            except Exception:  # noqa: BLE001 - whatever Dask raises while a scheduler does not answer
                failures += 1
                if failures >= _SILENCE or self._client.status == "closed":
                    self._end(f"the Dask cluster at {self._address} stopped answering")
                    return

    def _look(self, threads: Mapping[str, int]) -> None:
        with self._changed:
            here = dict(self._workers)
        for address, worker in here.items():
            if address not in threads:
                self._forget(worker)
        newcomers = {a: count for a, count in threads.items() if a not in here and a not in self._refused}
        if newcomers:
            with suppress(RalphError):  # one that comes later and cannot be used is left alone
                self._greet(newcomers)

    def _greet(self, threads: Mapping[str, int]) -> None:
        """Ask newcomers who they are. Raises RalphError for one that cannot be used."""
        answers = self._client.run(greet, self._answer, self._question, workers=list(threads), on_error="return")
        refusals: list[RalphError] = []
        for address, answer in answers.items():
            if isinstance(answer, OSError):  # gone already
                continue
            problem = _no_answer(answer) if isinstance(answer, BaseException) else self._accept(answer[1])
            if problem:
                self._refused.add(address)
                refusals.append(
                    RalphError(
                        f"the Dask worker at {address} cannot be used: {problem}",
                        f"give the workers the same environment as this machine ({_INSTALL}), then run it again",
                    )
                )
                continue
            with self._changed:
                self._workers[address] = _Worker(address, answer[0], threads[address])
                self._changed.notify_all()
        if refusals:
            raise refusals[0]

    def _forget(self, worker: _Worker) -> None:
        """Remove ``worker``, which is gone, and mark its tasks as lost."""
        with self._changed:
            if self._workers.get(worker.address) is worker:
                del self._workers[worker.address]
            for visit_ in self._visits.values():
                if visit_.worker is worker:
                    visit_.lost = True
                    visit_.over.set()

    def _end(self, reason: str) -> None:
        with self._changed:
            self._gone = reason
            workers = list(self._workers.values())
            self._changed.notify_all()
        for worker in workers:
            self._forget(worker)


def _no_answer(error: BaseException) -> str:
    if "ModuleNotFoundError" in f"{type(error).__name__}: {error}":  # Dask wraps what fails before a call
        return "ralph-hooks is not installed there, or in another version"
    return f"it answered {type(error).__name__}: {error}"


def _connected(address: str) -> Client:
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise RalphError(f"--dask needs the packages dask and distributed ({error})", _INSTALL) from error
    import logging
    import warnings

    logging.disable()  # we report its events ourselves, once
    _knock(address)
    dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT:.0f}s"})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions that differ: what matters of them is looked at by `_greet`
            return Client(address, timeout=_CONNECT, set_as_default=False, name="ralph-hooks")
    except (OSError, ValueError, TypeError) as error:
        raise _unanswered(address, error) from error


def _knock(address: str) -> None:
    """Raise RalphError if no server listens: Dask itself would retry until its timeout."""
    import socket

    host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if not host or not port.isdecimal():
        return  # Dask knows more kinds of addresses than this one
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
    except (OSError, OverflowError) as error:
        raise _unanswered(address, error) from error


def _unanswered(address: str, error: Exception) -> RalphError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return RalphError(
        f"no Dask scheduler answers at {address}: {reason[:200]}",
        "is it the address that `dask scheduler` printed (tcp://HOST:8786), and is it running?",
    )
