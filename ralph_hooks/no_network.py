"""Run a program without network access: ``python no_network.py PROGRAM ARGUMENT...``.

Without a program, report if that works on this system.

Linux can do it: a network namespace holds nothing but a loopback of its own, so that tests that talk to themselves
still do. It is a program by itself, put before the one that is meant, because between fork and exec of a process with
threads nothing of this is safe. What is reached by a file (a container engine's socket) stays in reach.

Every verify command waits for it, so it imports neither socket nor pathlib, which take longer than all else.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # unshare(2)
_DROP, _PTRACE, _ADMIN = 24, 19, 21  # prctl(2), PR_CAPBSET_DROP; capabilities(7)
_INET, _DATAGRAM = 2, 2  # socket(2)
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # netdevice(7)
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # exit codes of a shell
_REFUSED = 125


def cut() -> None:
    """Leave this process a loopback and no other network. Raises OSError if the system forbids it."""
    if sys.platform != "linux":
        raise OSError("this system has no network namespaces")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) == 0:  # the superuser's way, who could enter another one again
        for capability in (_ADMIN, _PTRACE):
            libc.prctl(_DROP, capability, 0, 0, 0)
    else:
        user, group = os.geteuid(), os.getegid()
        if libc.unshare(_NEW_USER | _NEW_NETWORK):
            raise _last_error()
        _write("setgroups", "deny")
        _write("uid_map", f"{user} {user} 1")
        _write("gid_map", f"{group} {group} 1")
    _raise_loopback(libc)


def _write(name: str, value: str) -> None:
    descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
    os.write(descriptor, value.encode("ascii"))
    os.close(descriptor)


def _raise_loopback(libc: ctypes.CDLL) -> None:
    import fcntl

    asking = libc.socket(_INET, _DATAGRAM, 0)
    if asking < 0:
        raise _last_error()
    found = fcntl.ioctl(asking, _GET_FLAGS, struct.pack("16sH14x", b"lo", 0))
    (flags,) = struct.unpack_from("H", found, 16)
    fcntl.ioctl(asking, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))
    os.close(asking)


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def main(args: list[str]) -> int:
    """Replace this process by the program; return the exit code where that fails."""
    try:
        cut()
    except OSError as error:
        print(f"cannot turn the network off: {error}", file=sys.stderr)  # noqa: T201 - a program of its own
        return _REFUSED
    if not args:
        return 0
    try:
        os.execvp(args[0], args)  # noqa: S606 - what it is for
    except OSError as error:
        print(f"{args[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - as above
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
