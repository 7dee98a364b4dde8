"""Programs end with us, at their limits, and see only what they may of the environment."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ralph_hooks.process import Bounded, allowed_environment, can_cut_network, detach, run, run_bounded
from tests.support.patience import PATIENCE


def python(code: str, *, timeout: float = PATIENCE, memory: int | None = None, keep: int = 64 * 1024) -> Bounded:
    return run_bounded(
        [sys.executable, "-c", code],
        cwd=Path.cwd(),
        env=allowed_environment(),
        timeout=timeout,
        memory=memory,
        keep=keep,
    )


def alive(pid: int) -> bool:
    """Whether a process runs: one that only waits for its parent to take notice of its end does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        if sys.platform == "linux":
            return False
    else:
        return stat.rpartition(")")[2].split()[0] != "Z"
    listed = run(["ps", "-o", "stat=", "-p", str(pid)]).stdout.strip()
    return bool(listed) and not listed.startswith(b"Z")


def gone(pid: int) -> bool:
    """Whether a process ends within moments."""
    end = time.monotonic() + PATIENCE
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def wait_for(path: Path) -> str:
    end = time.monotonic() + PATIENCE
    while not (path.exists() and path.read_text()) and time.monotonic() < end:
        time.sleep(0.01)
    return path.read_text()


def test_a_program_that_ends_gives_its_code_and_both_streams() -> None:
    done = python("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.returncode, done.tail) == (3, b"out\nerr\n")


def test_a_program_ended_by_a_signal_is_reported_as_a_shell_does() -> None:
    assert python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)").returncode == 128 + signal.SIGSEGV


def test_only_the_end_of_long_output_is_kept() -> None:
    done = python("import sys\nfor i in range(200_000): print(i)\nprint('end')", keep=1000)
    assert len(done.tail) == 1000
    assert done.tail.endswith(b"199999\nend\n")


def test_output_that_is_not_kept_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = python("import os\nfor _ in range(300): os.write(1, b'x' * 1_000_000)")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(done.tail) == 64 * 1024
    assert grown < 50_000_000 // (1 if sys.platform == "darwin" else 1024)  # bytes there, KiB elsewhere


def test_a_program_never_waits_for_input() -> None:
    assert python("import sys; print(repr(sys.stdin.read()))").tail == b"''\n"


STUBBORN_FAMILY = """
import os, pathlib, signal, subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
pathlib.Path({pids!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
"""


def test_a_file_can_be_its_input_and_its_errors_can_be_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "task").write_bytes(b"do it\n")
    done = run_bounded(
        ["sh", "-c", "cat; echo noise >&2"],
        cwd=tmp_path,
        env=allowed_environment(),
        timeout=PATIENCE,
        stdin=tmp_path / "task",
        apart=True,
    )
    assert (done.returncode, done.tail, done.errors) == (0, b"do it\n", b"noise\n")


REACH = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as own:
    socket.create_connection(own.getsockname()).close()
print("talks to itself")
for number in sys.argv[1:]:
    host, port = number.split(":")
    try:
        socket.create_connection((host, int(port))).close()
        print("reaches", host)
    except OSError as error:
        print(error.strerror)
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))  # sends nothing
except OSError as error:
    print(error.strerror)
"""
cuts = pytest.mark.skipif(not can_cut_network(), reason="this system does not let us cut the network")


def own_addresses() -> list[str]:
    """Of this machine: the loopback, and what it is reached by from outside where it has that. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return ["127.0.0.1"]
        return ["127.0.0.1", asking.getsockname()[0]]


@cuts
@pytest.mark.parametrize("memory", [None, 10**9])
def test_a_program_without_a_network_talks_to_itself_alone(memory: int | None) -> None:
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server((address, 0))) for address in own_addresses()]
        named = [f"{host}:{port}" for host, port in (server.getsockname() for server in servers)]
        plugged, unplugged = (
            run_bounded(
                [sys.executable, "-c", REACH, *named],
                cwd=Path.cwd(),
                env=allowed_environment(),
                timeout=PATIENCE,
                memory=memory,
                network=network,
            ).tail.decode()
            for network in (True, False)
        )
    assert [line for line in plugged.splitlines() if line.startswith("reaches")] == [
        f"reaches {name.partition(':')[0]}" for name in named
    ]
    assert unplugged.splitlines() == [
        "talks to itself",
        "Connection refused",
        *["Network is unreachable"] * len(servers),
    ]


@cuts
def test_without_a_network_a_program_is_whose_it_was_and_its_end_is_told_as_ever(tmp_path: Path) -> None:
    def unplugged(*args: str) -> Bounded:
        return run_bounded(args, cwd=tmp_path, env=allowed_environment(), timeout=PATIENCE, network=False)

    assert unplugged("id", "-u").tail == f"{os.getuid()}\n".encode()
    assert unplugged("touch", "made").returncode == 0
    assert (tmp_path / "made").stat().st_uid == os.getuid()
    assert [unplugged("no-such-program").returncode, unplugged("/etc/passwd").returncode] == [127, 126]


ORDINARY = """
import codecs, ctypes, fcntl, os, socket
from ralph_hooks import no_network
codecs.lookup("ascii")
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as after an exec, which it may not do with root's Python
no_network.cut()
print(os.getuid(), [line.split(":")[0].strip() for line in open("/proc/self/net/dev") if ":" in line])
"""


@cuts
@pytest.mark.skipif(os.getuid() != 0, reason="the tests above are an ordinary user's where the superuser runs none")
def test_an_ordinary_user_has_no_network_either() -> None:
    done = run([sys.executable, "-c", ORDINARY], env=allowed_environment(), timeout=PATIENCE)
    assert (done.stdout, done.stderr) == (b"65534 ['lo']\n", b"")


BACK = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in (1, int(os.environ["OUTSIDE"])):
    try:
        entered = libc.setns(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY), 0)
    except OSError:
        entered = -1
    print(entered)
"""


@cuts
def test_there_is_no_way_back_to_the_network(tmp_path: Path) -> None:
    env = {**allowed_environment(), "OUTSIDE": str(os.getpid())}
    done = run_bounded([sys.executable, "-c", BACK], cwd=tmp_path, env=env, timeout=PATIENCE, network=False)
    assert done.tail == b"-1\n-1\n"


def test_a_timeout_ends_the_program_and_children_that_ignore_the_request(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    done = python(STUBBORN_FAMILY.format(pids=str(pids)) + "time.sleep(600)", timeout=1.0)
    assert done.returncode is None
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_what_a_program_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = f"import subprocess; p = subprocess.Popen(['sleep', '600']); open({str(pids)!r}, 'w').write(str(p.pid))"
    done = python(code + "; print('done')")
    assert (done.returncode, done.tail) == (0, b"done\n")
    assert gone(int(pids.read_text()))


def test_a_daemon_that_keeps_the_pipe_open_holds_nobody_up(tmp_path: Path) -> None:
    """It has left the group, and its environment says nothing of where it came from."""
    pids = tmp_path / "pids"
    code = f"""
import subprocess
p = subprocess.Popen(['sleep', '600'], start_new_session=True, env={{}})
open({str(pids)!r}, 'w').write(str(p.pid)); print('done')
"""
    done = python(code)
    os.kill(int(pids.read_text()), signal.SIGKILL)
    assert (done.returncode, done.tail) == (0, b"done\n")


DAEMON = """
import os, subprocess, sys, time
inner = "import subprocess; p = subprocess.Popen(['sleep', '600'], start_new_session=True); print(p.pid)"
done = subprocess.run([sys.executable, '-c', inner], start_new_session=True, stdout=open({pids!r}, 'w'))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was started with")
def test_a_daemon_is_ended_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = DAEMON.format(pids=str(pids))
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        assert python(code).returncode == 0
        assert gone(int(pids.read_text()))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="macOS takes a memory limit and does not enforce it")
def test_the_memory_limit_stops_a_program_that_takes_too_much() -> None:
    done = python("x = bytearray(400_000_000)", memory=200_000_000)
    assert done.returncode == 1
    assert b"MemoryError" in done.tail


@pytest.mark.parametrize("memory", [200_000_000, 10**18])
def test_a_memory_limit_passes_arguments_and_code_on(memory: int) -> None:
    done = run_bounded(
        ["printf", "%s|", "a b", "$HOME", "-n"], cwd=Path.cwd(), env=allowed_environment(), timeout=9, memory=memory
    )
    assert (done.returncode, done.tail) == (0, b"a b|$HOME|-n|")


def test_a_program_that_does_not_exist_is_told_as_a_shell_does() -> None:
    done = run_bounded(["no-such-program"], cwd=Path.cwd(), env=allowed_environment(), timeout=9, memory=10**9)
    assert done.returncode == 127
    with pytest.raises(FileNotFoundError):
        run_bounded(["no-such-program"], cwd=Path.cwd(), env=allowed_environment(), timeout=9)


OURSELVES = """
import pathlib, signal, sys
from ralph_hooks.process import run_bounded
def stop(number, frame): raise KeyboardInterrupt
signal.signal(signal.SIGTERM, stop if {caught} else signal.SIG_DFL)
try:
    run_bounded([sys.executable, "-c", {family!r}], cwd=pathlib.Path.cwd(), env={{}}, timeout=600)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("number", "caught", "code"),
    [
        (signal.SIGINT, False, 130),
        (signal.SIGTERM, True, 130),
        (signal.SIGTERM, False, -signal.SIGTERM),
        (signal.SIGKILL, False, -signal.SIGKILL),
    ],
)
def test_no_process_is_left_when_we_are_ended(tmp_path: Path, number: int, caught: bool, code: int) -> None:  # noqa: FBT001 - a table
    pids = tmp_path / "pids"
    family = STUBBORN_FAMILY.format(pids=str(pids)) + "time.sleep(600)"
    ours = subprocess.Popen([sys.executable, "-c", OURSELVES.format(caught=caught, family=family)])
    family_pids = [int(pid) for pid in wait_for(pids).split()]
    ours.send_signal(number)
    assert ours.wait(PATIENCE) == code
    assert len(family_pids) == 2
    assert all(gone(pid) for pid in family_pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was started with")
def test_no_daemon_is_left_when_we_are_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    family = DAEMON.format(pids=str(pids)) + "time.sleep(600)"
    ours = subprocess.Popen([sys.executable, "-c", OURSELVES.format(caught=False, family=family)])
    daemon = int(wait_for(pids))
    ours.kill()
    ours.wait()
    assert gone(daemon)


ABANDONING = """
import sys, threading
from ralph_hooks.process import clear_away, run, temporary_folder
def job():
    with temporary_folder() as folder:
        print(folder, flush=True)
        run(["sh", "-c", "echo $$ > pid; mv pid pids; exec sleep 600"], cwd=folder)
threading.Thread(target=job, daemon=True).start()
sys.stdin.readline()
clear_away()
"""


def test_what_an_abandoned_thread_has_begun_is_cleared_away() -> None:
    """At the deadline a check is left half-way, with its program and its folder."""
    ours = subprocess.Popen(
        [sys.executable, "-c", ABANDONING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert ours.stdout is not None
    folder = Path(ours.stdout.readline().strip())
    program = int(wait_for(folder / "pids"))
    ours.communicate("now\n", timeout=PATIENCE)
    assert gone(program)
    assert not folder.exists()


def test_a_program_does_not_outlive_its_timeout() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sleep", "600"], timeout=0.05)


def test_keys_tokens_and_git_variables_are_kept_from_programs() -> None:
    told = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "SystemRoot": "C:\\W", "PYTHONPATH": "x", "VIRTUAL_ENV": "/v"}
    told["PYTEST_ADDOPTS"] = "-p no:xdist"
    kept_back = {
        "OPENAI_API_KEY": "k", "GITHUB_TOKEN": "t", "GIT_DIR": ".git", "GIT_INDEX_FILE": "i", "PYTHONSTARTUP": "s",
        "AWS_SECRET_ACCESS_KEY": "a", "DATABASE_URL": "postgres://u:p@h", "SSH_AUTH_SOCK": "/s", "PRE_COMMIT": "1",
    }  # fmt: skip
    assert allowed_environment({**told, **kept_back}) == told


def test_under_pre_commit_programs_are_the_users_and_not_those_beside_us(tmp_path: Path) -> None:
    theirs = tmp_path / "venv"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "pyvenv.cfg").touch()
    ours = str(Path(sys.prefix) / "bin")
    inside = {"PRE_COMMIT": "1", "VIRTUAL_ENV": sys.prefix}

    activated = allowed_environment({**inside, "PATH": os.pathsep.join([ours, str(theirs / "bin"), "/usr/bin"])})
    assert activated == {"PATH": os.pathsep.join([str(theirs / "bin"), "/usr/bin"]), "VIRTUAL_ENV": str(theirs)}

    plain = allowed_environment({**inside, "PATH": os.pathsep.join([ours, "/usr/bin"])})
    assert plain == {"PATH": "/usr/bin"}


def test_outside_pre_commit_our_own_environment_is_the_users_too() -> None:
    env = {"PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/bin"]), "VIRTUAL_ENV": sys.prefix}
    assert allowed_environment(env) == env


HOOK = """
import pathlib, sys
from ralph_hooks.process import allowed_environment, detach
_, code, log = sys.argv
detach([sys.executable, "-c", code], cwd=pathlib.Path.cwd(), env=allowed_environment(), log=pathlib.Path(log))
print("refused", flush=True)
"""
DETACHED = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
same_session = os.getsid(0) == {session}
pathlib.Path({told!r}).write_text(f"{{os.getpid()}} {{same_session}} {{sys.stdin.read()!r}}")
print("this goes to the log", flush=True)
time.sleep(600)
"""


def test_a_detached_program_holds_nothing_of_ours_and_outlives_us(tmp_path: Path) -> None:
    told, log = tmp_path / "told", tmp_path / "log"
    code = DETACHED.format(session=os.getsid(0), told=str(told))
    # `run` waits until every pipe of the hook is closed, as pre-commit does: nothing but their end lets this return.
    done = run([sys.executable, "-c", HOOK, code, str(log)], timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"refused\n", b"")
    pid, *rest = wait_for(told).split()
    try:
        assert rest == ["False", "''"]
        assert alive(int(pid))
        assert wait_for(log) == "this goes to the log\n"
        assert log.stat().st_mode & 0o777 == 0o600
    finally:
        os.kill(int(pid), signal.SIGTERM)
    assert gone(int(pid))


def test_a_detached_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        detach(["no-such-program"], cwd=Path.cwd(), env=allowed_environment(), log=tmp_path / "log")
