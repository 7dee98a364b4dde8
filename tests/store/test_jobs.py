"""One job for a tree, which can be watched, ended and cleared away, whatever becomes of its process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ralph_hooks.core.job import Job, JobState
from ralph_hooks.store.jobs import JobLock, Jobs
from ralph_hooks.store.sqlite import RepositoryId
from tests.support.patience import PATIENCE
from tests.support.store import Clock, Processes, let_go_together

TREE = "a" * 40

TAKER = """
import pathlib, sys, time
from ralph_hooks.core.job import Job
from ralph_hooks.store.sqlite import RepositoryId
from ralph_hooks.store.jobs import Jobs
jobs = Jobs(pathlib.Path(sys.argv[1]), RepositoryId.at(pathlib.Path(sys.argv[2])))
print("ready", flush=True)
sys.stdin.readline()
tenure = jobs.take(sys.argv[3])
if tenure is not None:
    tenure.write(Job(tree=sys.argv[3], title="staged change", command="gate", started=time.time(), seconds=60.0))
print("mine" if tenure else "taken", flush=True)
sys.stdin.readline()
"""
WORKER = """
import os, pathlib, signal, sys, time
from ralph_hooks.core.job import Job
from ralph_hooks.store.sqlite import RepositoryId
from ralph_hooks.store.jobs import Jobs
if {deaf}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
jobs = Jobs(pathlib.Path(sys.argv[1]), RepositoryId.at(pathlib.Path(sys.argv[2])))
tenure = jobs.take(sys.argv[3])
tenure.write(Job(
    tree=sys.argv[3], title="staged change", command="gate", started=time.time(), seconds=60.0, pid=os.getpid()
))
print("ready", flush=True)
sys.stdin.readline()
"""

FINISHER = """
import os, pathlib, signal, sys, time
import msgspec
from ralph_hooks.core.job import Job, JobState
from ralph_hooks.store.sqlite import RepositoryId
from ralph_hooks.store.jobs import Jobs
tenure = Jobs(pathlib.Path(sys.argv[1]), RepositoryId.at(pathlib.Path(sys.argv[2]))).take(sys.argv[3])
job = Job(
    tree=sys.argv[3], title="staged change", command="gate", started=time.time(), seconds=60.0, pid=os.getpid()
)
def finish(number, frame):
    tenure.write(msgspec.structs.replace(job, state=JobState.FINISHED, fix="f1"))
    os._exit(0)
signal.signal(signal.SIGTERM, finish)
tenure.write(job)
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def jobs(state: Path, repository: RepositoryId) -> Jobs:
    return Jobs(state, repository)


def record(**changes: object) -> Job:
    fields = {"tree": TREE, "title": "staged change", "command": "gate", "started": time.time(), "seconds": 60.0}
    return Job(**{**fields, **changes})  # type: ignore[arg-type]  # a table of fields


def take(jobs: Jobs, tree: str = TREE) -> JobLock:
    job_lock = jobs.take(tree)
    assert job_lock is not None
    return job_lock


def working(start: Processes, state: Path, tmp_path: Path, *, deaf: bool = False) -> subprocess.Popen[str]:
    """A process that has a job and waits."""
    process = start(WORKER.format(deaf=deaf), state, tmp_path / "shop", TREE)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def everything(state: Path) -> list[str]:
    return sorted(str(path.relative_to(state)) for path in state.rglob("*"))


def test_a_record_says_how_far_a_job_is_and_is_its_owners_alone(jobs: Jobs, state: Path) -> None:
    assert jobs.get(TREE) is None
    with take(jobs) as job_lock:
        job = record(pid=os.getpid(), step="implement", done=1, total=3)
        job_lock.write(job)
        assert jobs.get(TREE) == job
        assert jobs.all() == (job,)
        assert jobs.runs(job)
        modes = {path.name: path.stat().st_mode & 0o777 for path in state.rglob("*")}
    assert {mode for name, mode in modes.items() if name in {"job.json", "lock"}} == {0o600}
    assert {mode for name, mode in modes.items() if name not in {"job.json", "lock"}} == {0o700}


def test_of_processes_that_want_a_job_for_one_tree_one_gets_it(start: Processes, state: Path, tmp_path: Path) -> None:
    processes = [start(TAKER, state, tmp_path / "shop", TREE) for _ in range(4)]
    let_go_together(processes)
    answers = [process.stdout.readline() for process in processes if process.stdout is not None]
    assert sorted(answers) == ["mine\n", "taken\n", "taken\n", "taken\n"]


def test_each_tree_and_each_repository_has_jobs_of_its_own(jobs: Jobs, state: Path, tmp_path: Path) -> None:
    with take(jobs), take(jobs, "b" * 40), take(Jobs(state, RepositoryId.at(tmp_path / "other"))):
        assert jobs.take(TREE) is None


def test_looking_whether_a_job_runs_keeps_nobody_from_starting_one(jobs: Jobs, start: Processes, state: Path) -> None:
    take(jobs).release()
    looker = start(
        "import pathlib, sys\nfrom ralph_hooks import locks\nprint('ready', flush=True)\n"
        "while True: locks.held(pathlib.Path(sys.argv[1]))",
        next(state.rglob("lock")),
    )
    assert looker.stdout is not None
    assert looker.stdout.readline() == "ready\n"
    for _ in range(200):
        take(jobs).release()


def test_a_job_whose_process_was_killed_does_not_run_and_is_cleared_away(
    jobs: Jobs, start: Processes, state: Path, tmp_path: Path
) -> None:
    process = working(start, state, tmp_path)
    job = jobs.get(TREE)
    assert job is not None
    assert jobs.runs(job)
    assert jobs.sweep() == ()
    process.kill()
    process.wait()
    assert not jobs.runs(job)
    assert jobs.sweep() == (job,)
    assert jobs.sweep() == ()
    assert jobs.all() == ()
    assert [name for name in everything(state) if TREE in name] == []


def test_a_process_id_that_went_to_somebody_else_is_not_taken_for_the_job(
    jobs: Jobs, start: Processes, state: Path, tmp_path: Path
) -> None:
    process = working(start, state, tmp_path)
    job = jobs.get(TREE)
    assert job is not None
    process.kill()
    process.wait()
    bystander = start("print('ready', flush=True); input()")
    assert bystander.stdout is not None
    assert bystander.stdout.readline() == "ready\n"
    with take(jobs) as job_lock:
        job_lock.write(record(pid=bystander.pid))
    reused = jobs.get(TREE)
    assert reused is not None
    assert not jobs.runs(reused)
    assert not jobs.cancel(reused)
    assert bystander.poll() is None


def test_a_job_without_a_process_yet_counts_as_running_for_a_moment(state: Path, repository: RepositoryId) -> None:
    clock = Clock(1_790_000_000.0)
    jobs = Jobs(state, repository, clock)
    with take(jobs) as job_lock:
        job_lock.write(record(started=clock.now))
    job = jobs.get(TREE)
    assert job is not None
    assert jobs.runs(job)
    assert jobs.sweep() == ()
    clock.now += 11
    assert not jobs.runs(job)
    assert jobs.sweep() == (job,)


@pytest.mark.parametrize("deaf", [False, True])
def test_a_cancelled_job_ends_also_when_it_does_not_listen(
    jobs: Jobs, start: Processes, state: Path, tmp_path: Path, *, deaf: bool
) -> None:
    process = working(start, state, tmp_path, deaf=deaf)
    job = jobs.get(TREE)
    assert job is not None
    assert jobs.cancel(job, grace=0.3 if deaf else PATIENCE)
    assert process.wait(PATIENCE) == -(signal.SIGKILL if deaf else signal.SIGTERM)
    ended = jobs.get(TREE)
    assert ended is not None
    assert (ended.state, ended.outcome) == (JobState.CANCELLED, "it was cancelled")
    assert not jobs.runs(ended)
    assert not jobs.cancel(ended)
    assert jobs.sweep() == ()  # what was cancelled has not died


def test_what_a_job_has_written_of_its_end_stands(jobs: Jobs, start: Processes, state: Path, tmp_path: Path) -> None:
    """It may have finished in the moment in which it was told to end."""
    process = start(FINISHER, state, tmp_path / "shop", TREE)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    job = jobs.get(TREE)
    assert job is not None
    assert jobs.cancel(job)
    ended = jobs.get(TREE)
    assert ended is not None
    assert (ended.state, ended.fix) == (JobState.FINISHED, "f1")


def test_a_job_is_told_of_its_cancellation_and_the_next_one_is_not(
    jobs: Jobs, start: Processes, state: Path, tmp_path: Path
) -> None:
    working(start, state, tmp_path)
    job = jobs.get(TREE)
    assert job is not None
    assert jobs.cancel(job)
    assert next(state.rglob("cancel")).exists()
    with take(jobs) as job_lock:
        assert not job_lock.cancelled


def test_the_lock_passes_to_the_process_that_does_the_job(jobs: Jobs) -> None:
    job_lock = take(jobs)
    job_lock.write(record())
    heir = jobs.adopt(TREE, os.dup(job_lock.descriptor))
    assert heir is not None
    job_lock.release()
    assert jobs.take(TREE) is None
    heir.discard()
    assert jobs.adopt(TREE, None) is None


def test_where_no_lock_can_be_handed_over_it_is_taken_once_it_is_free(jobs: Jobs) -> None:
    job_lock = take(jobs)
    job_lock.write(record())
    job_lock.release()
    heir = jobs.adopt(TREE, None)
    assert heir is not None
    assert jobs.take(TREE) is None
    heir.release()


def test_records_of_ended_jobs_go_after_days_and_when_there_are_many(state: Path, repository: RepositoryId) -> None:
    clock = Clock(1_790_000_000.0)
    jobs = Jobs(state, repository, clock)
    for number in range(25):
        with take(jobs, f"{number:040x}") as job_lock:
            ended = record(tree=f"{number:040x}", started=clock.now + number, state=JobState.FAILED, outcome="no")
            job_lock.write(ended)
    clock.now += 30
    assert jobs.sweep() == ()
    assert [int(job.tree, 16) for job in jobs.all()] == list(range(24, 4, -1))
    clock.now += 4 * 86_400
    assert jobs.sweep() == ()
    assert jobs.all() == ()


def test_a_record_that_cannot_be_read_is_none_and_is_cleared_away(jobs: Jobs, state: Path) -> None:
    with take(jobs) as job_lock:
        job_lock.write(record())
    next(state.rglob("job.json")).write_bytes(b'{"tree": 1')
    assert jobs.get(TREE) is None
    assert jobs.all() == ()
    assert jobs.sweep() == ()
    assert [name for name in everything(state) if TREE in name] == []


def test_two_sweeps_at_once_tell_of_a_dead_job_once(jobs: Jobs, start: Processes, state: Path, tmp_path: Path) -> None:
    process = working(start, state, tmp_path)
    process.kill()
    process.wait()
    script = (
        "import pathlib, sys\nfrom ralph_hooks.store.sqlite import RepositoryId\n"
        "from ralph_hooks.store.jobs import Jobs\n"
        "jobs = Jobs(pathlib.Path(sys.argv[1]), RepositoryId.at(pathlib.Path(sys.argv[2])))\n"
        "print('ready', flush=True)\nsys.stdin.readline()\nprint(len(jobs.sweep()), flush=True)"
    )
    sweepers = [start(script, state, tmp_path / "shop") for _ in range(3)]
    let_go_together(sweepers)
    assert sum(int(sweeper.stdout.readline()) for sweeper in sweepers if sweeper.stdout is not None) == 1
    assert jobs.all() == ()
