"""The shell script that git runs as a native hook: rendering it, and recognising it.

It is POSIX sh, so that dash, the bash 3.2 of macOS and the sh of Git for Windows read it alike.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path

from msgspec import Struct

PRE_COMMIT = "pre-commit"
PRE_PUSH = "pre-push"
HOOKS = (PRE_COMMIT, PRE_PUSH)
KEPT = ".ralph-kept"
"""The suffix of the previous hook."""
BY_NAME = "ralph-kept"
"""The folder beside the hooks in which a previous hook that reads its own name keeps that name."""
BESIDE = "ralph-kept"
"""The folder beside the hooks folder in which a previous hook that reads its own text has its name and neighbours."""
VERSION = 3
"""The script's version, raised on every change so that `install` replaces older scripts."""

_MARKER = re.compile(rb"^# ralph-hooks native hook, version (\d+)", re.MULTILINE)
_KEPT_LINE = re.compile(rb"^# kept: (.*)$", re.MULTILINE)
_SUM_LINE = re.compile(rb"^# sum: (.*)\n", re.MULTILINE)
_SETTINGS = re.compile(rb"^python=(.*?)\npolicy=(\w+) ", re.MULTILINE | re.DOTALL)
_NOTHING = "nothing"
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "ksh"))
_NO_READING = re.compile(
    rb"""
    (dirname|basename)\s+(--\s+)?["']?\$\{?0\}?  |  \$\{0[%\#]  |  case\s+"?\$0  |  (echo|printf)\b[^;|&\n>]*
    """,
    re.VERBOSE,
)
"""Uses of its own name by which a script does not read its file."""
_READS_ITSELF = re.compile(rb"\$\{?0\b|BASH_SOURCE|git-path|hooksPath", re.IGNORECASE)
_LEGACY_GUARD = """\
    # A framework that was installed over this script runs it as its legacy hook, so it runs anyway.
    [ -z "${PRE_COMMIT_RUNNING_LEGACY-}${PREK_RUNNING_LEGACY-}" ] || return 0
"""

_HEAD = """\
#!/bin/sh
# ralph-hooks native hook, version {version}: reviews {what}.
# `ralph-hooks install` wrote it, `ralph-hooks uninstall` removes it and restores the previous hook.
# kept: {kept}
# sum: {sum}

python={python}
policy={policy} # when-unavailable at installation; RALPH_HOOKS_WHEN_UNAVAILABLE=open or closed overrides it
case $0 in */*) here=${{0%/*}} ;; *) here=. ;; esac
"""
_WITH_INPUT = """
lines=$(cat && echo .) # git's list of pushed refs, for both hooks; the dot keeps the last line break
lines=${lines%.}
give() { printf '%s' "$lines" 2>/dev/null | "$@"; }
"""
_OURS = """
ours() {{
    code=127
    export RALPH_HOOKS_GIT=$PPID # when this git is killed, its hook ends too
    if [ -x "$python" ]; then
        {give}"$python" -P -m ralph_hooks {command}
        code=$?
        # Python exits with 1 if the package is gone, and ralph-hooks exits with 1 if it rejects.
        [ $code -ne 1 ] || "$python" -P -c 'import ralph_hooks.cli.main' 2>/dev/null || code=127
    fi
    if [ $code -eq 126 ] || [ $code -eq 127 ] && command -v ralph-hooks >/dev/null; then
        {give}ralph-hooks {command}
        code=$?
    fi
    unset RALPH_HOOKS_GIT
    case $code in
        0 | 1 | 2 | 3 | 4 | 130) ;;
        129 | 143) code=130 ;; # a hangup or SIGTERM before ralph-hooks could report it
        *) unavailable ;;
    esac
    return $code
}}

unavailable() {{
    if [ $code -gt 128 ]; then
        printf '%s\\n' "ralph-hooks: the {noun} was NOT reviewed: ralph-hooks was killed (signal $((code - 128)))" \\
            '  -> try again; the system may have run out of memory' >&2
    else
        printf '%s\\n' "ralph-hooks: the {noun} was NOT reviewed: ralph-hooks cannot be run (exit code $code)" \\
            '  -> reinstall ralph-hooks and run `ralph-hooks install`, or remove this hook:' \\
            '     cd "$(git rev-parse --git-path hooks)" && {removal}' >&2
    fi
    if [ "${{RALPH_HOOKS_WHEN_UNAVAILABLE:-$policy}}" = open ]; then
        code=0
        echo '  The {noun} is not blocked, because when-unavailable is "open".' >&2
    else
        code=3
        echo '  The {noun} is blocked, because when-unavailable is "closed".' >&2
    fi
}}
"""
_THEIRS = """
# The previous hook, under its own name: scripts look at $0.
theirs() {{
    if [ ! -e "$here/{hook}{suffix}" ]; then
        printf '%s\\n' 'ralph-hooks: {hook}{suffix}, the previous hook, is missing' \\
            '  -> restore it, or remove {hook} beside it and run `ralph-hooks install`' >&2
        exit 1
    fi
{guard}    {give}{run} "$@"
}}
"""
_BESIDE = """\
    # It reads its own text, so it runs in a folder at the same depth where it has its own name.
    there=$(cd "$here" && pwd -P)
    own=${{there%/*}}/{beside}
    [ -d "$own" ] || mkdir "$own" 2>/dev/null
    for file in "$there"/*; do
        name=${{file##*/}}
        case $name in *.sample | *{suffix}) continue ;; esac
        [ ! -e "$file{suffix}" ] || file=$file{suffix}
        [ -e "$own/$name" ] || ln -sf "$file" "$own/$name"
    done 2>/dev/null
    [ -e "$own/{hook}" ] || own=$there # without links it at least finds its text
    count=${{GIT_CONFIG_COUNT:-0}}
    eval "export GIT_CONFIG_KEY_$count=core.hooksPath GIT_CONFIG_VALUE_$count=\\$own"
    export GIT_CONFIG_COUNT=$((count + 1))
    if [ "$own" = "$there" ]; then own=$own/{hook}{suffix}; else own=$own/{hook}; fi
"""


class KeptHook(Struct, frozen=True):
    """A hook that existed before ours."""

    digest: str
    """The SHA-256 of its bytes, or of the target if it is a symbolic link."""
    shell: tuple[str, ...] = ()
    """The shell that interprets it; empty for other programs, which are executed."""
    runs: bool = True
    """False if git did not run it because it is not executable."""
    framework: bool = False
    """True if it is pre-commit's or prek's, which can be reinstalled over ours."""
    by_name: bool = False
    """True if it is run from `BY_NAME`."""
    reads_itself: bool = False
    """True if its text reads the file that it is called by, which would be ours."""
    inside: bool = False
    """True if the hooks are in git's own folder, beside which `BESIDE` can be created."""


class Script(Struct, frozen=True):
    """The parameters of a native hook."""

    hook: str
    python: str
    """The absolute path of the interpreter that has ralph-hooks; empty to search only PATH."""
    closed: bool
    """True if git fails when ralph-hooks cannot be run."""
    kept: KeptHook | None = None

    def render(self) -> bytes:
        """Return the script, byte for byte the same for the same values."""
        text = os.fsencode(self._text())
        return text.replace(b"# sum: \n", f"# sum: {hashlib.sha256(text).hexdigest()}\n".encode(), 1)

    def _text(self) -> str:
        pushed = self.hook == PRE_PUSH
        noun = "push" if pushed else "commit"
        words = {
            "version": VERSION,
            "what": "each push before git sends it" if pushed else "each commit before git makes it",
            "noun": noun,
            "hook": self.hook,
            "suffix": KEPT,
            "kept": self.kept.digest if self.kept else _NOTHING,
            "sum": "",
            "give": "give " if pushed else "",
            "python": shlex.quote(self.python),
            "policy": "closed" if self.closed else "open",
            "command": 'pre-push "$@"' if pushed else "gate",
            "removal": f"mv {self.hook}{KEPT} {self.hook}" if self.kept else f"rm {self.hook}",
        }
        parts = [_HEAD.format(**words), _WITH_INPUT if pushed else "", _OURS.format(**words)]
        order = ["ours"]
        if self.kept and self.kept.runs:
            guard = _LEGACY_GUARD if self.kept.framework else ""
            guard += _BESIDE.format(**words, beside=BESIDE) if self._beside else ""
            theirs = _THEIRS.format(**words, guard=guard, run=self._run())
            # The variables that it sets stay in a subshell.
            parts.append(
                theirs.replace("theirs() {", "theirs() (").replace("\n}\n", "\n)\n") if self._beside else theirs
            )
            # Theirs may still change what is committed, and linters cost nothing. A push only leaves: git-lfs uploads
            # in its hook, so nothing goes before it was judged.
            order = ["ours", "theirs"] if pushed else ["theirs", "ours"]
        parts.append("\n" + "".join(f'{name} "$@" || exit\n' for name in order))
        return "".join(parts)

    def _run(self) -> str:
        assert self.kept is not None  # the callers check it
        name = f'"$here/{self.hook}'
        if self.kept.by_name:
            return f'"$here/{BY_NAME}/{self.hook}"'
        if self._beside:
            return f'{shlex.join(self.kept.shell)} "$own"'
        if self.kept.reads_itself:
            return f'{shlex.join(self.kept.shell)} {name}{KEPT}"'
        if not self.kept.shell:
            return f'{name}{KEPT}"'
        return f"""{shlex.join(self.kept.shell)} -c '. "$0{KEPT}"' {name}\""""

    @property
    def _beside(self) -> bool:
        return self.kept is not None and self.kept.reads_itself and self.kept.inside


class Found(Struct, frozen=True):
    """A hook script of ralph-hooks with its embedded data."""

    version: int
    edited: bool
    """True if it was modified after it was written."""
    kept: str = ""
    """The digest of the previous hook; empty if there was none."""
    python: str = ""
    """The interpreter that it starts; empty if it searches only PATH."""
    closed: bool = False
    """True if it makes git fail when ralph-hooks cannot be run."""


def recognise(text: bytes) -> Found | None:
    """Return the data in a hook that any version of ralph-hooks wrote; None for other hooks."""
    marker, kept, total = (line.search(text) for line in (_MARKER, _KEPT_LINE, _SUM_LINE))
    if not text.startswith(b"#!") or marker is None:
        return None
    settings = _SETTINGS.search(text)
    if kept is None or total is None or settings is None:
        return Found(int(marker[1]), edited=True)
    without = text.replace(total[0], b"# sum: \n", 1)
    if hashlib.sha256(without).hexdigest().encode() != total[1]:
        return Found(int(marker[1]), edited=True)
    return Found(
        version=int(marker[1]),
        edited=False,
        kept=kept[1].decode("ascii").replace(_NOTHING, ""),
        python="".join(shlex.split(os.fsdecode(settings[1]))),
        closed=settings[2] == b"closed",
    )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a symbolic link's target. Raises OSError if it cannot be read."""
    if path.is_symlink():
        return hashlib.sha256(b"link " + os.fsencode(os.readlink(path))).hexdigest()  # noqa: PTH115 - as it was written
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reads_itself(text: bytes) -> bool:
    """Return True if a shell script may read the file that it is called by."""
    return _READS_ITSELF.search(_NO_READING.sub(b"", text)) is not None


def shell_of(text: bytes) -> tuple[str, ...]:
    """Return the shell for a script, with its options; empty for other languages and for binaries."""
    first = text.split(b"\n", 1)[0]
    if not first.startswith(b"#!"):
        return ("sh",) if text and b"\0" not in text[:1024] else ()  # git runs it by sh
    words = os.fsdecode(first[2:]).split()
    if words[:1] and Path(words[0]).name == "env" and words[1:2] == ["-S"]:
        del words[1]
    program = words[1:2] if words[:1] and Path(words[0]).name == "env" else words[:1]
    if not program or Path(program[0]).name not in _SHELLS:
        return ()
    return tuple(word for word in words if word not in {"-", "--"})
