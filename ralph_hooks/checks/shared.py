"""What several checks need: the lines of a change, Python text from bytes, findings that block."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from ralph_hooks import secrets
from ralph_hooks.core.change import Entry, decode
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.ports.change import Source

_PYTHON = {".py", ".pyi", ".pyw"}
_SHEBANG = re.compile(rb"#![^\n]*\bpython")


def added(source: Source) -> dict[int, str]:
    """The lines that the change adds, by their number in the file."""
    return {line.new: line.text for hunk in source.hunks for line in hunk.lines if line.kind == "+" and line.new}


def removed(source: Source) -> dict[int, str]:
    """The lines that the change takes away, by their number in the base."""
    return {line.old: line.text for hunk in source.hunks for line in hunk.lines if line.kind == "-" and line.old}


def without_end(data: bytes) -> list[str]:
    """The lines of a file as git counts them: they end at LF alone."""
    return decode(data).split("\n")


def may_be_python(entry: Entry) -> bool:
    """By name: Python, or no suffix at all, so that the first line must tell."""
    suffix = PurePosixPath(entry.path).suffix
    return entry.new_oid is not None and (suffix in _PYTHON or not suffix)


def is_python(source: Source) -> bool:
    """By name, or by a first line that starts Python."""
    return PurePosixPath(source.path).suffix in _PYTHON or _SHEBANG.match(source.content.new or b"") is not None


def python_text(data: bytes) -> str:
    """Source text as the interpreter would decode it (https://peps.python.org/pep-0263/).

    UTF-8 first, whatever is declared: other tools read it so. Raises SyntaxError, UnicodeDecodeError or LookupError
    where the interpreter would refuse the file.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        import io
        import tokenize

        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError as error:
            if "unknown encoding" in str(error):
                raise
            encoding = "utf-8"  # nothing else was declared: say which byte is wrong
        return data.decode(encoding)


_TEST_FOLDER = re.compile(r"(?i)(?:^|/)(?:tests?|testing|specs?|fixtures?|test[_-]?data)/")
_WRONG = re.compile(
    r"(?i)(?:^|[/_.-])(?:fixtures?|test[_-]?data|data|invalid|malformed|broken|bad|corrupt(?:ed)?|syntax)(?=[/_.-])"
)


def is_wrong_on_purpose(path: str) -> bool:
    """True for test data that is kept to see how a parser takes it."""
    return _TEST_FOLDER.search(path) is not None and _WRONG.search(path) is not None


def blocking(  # noqa: D417 - the rest is as in Finding
    check: str, path: str, line: int, *, category: str, message: str, shown: str, end_line: int | None = None
) -> Finding:
    """A finding that holds a change back.

    Args:
        shown: the whole line. Credentials in it are masked, for a report is shown and kept.
    """
    context = secrets.mask(shown, path).rstrip()
    return Finding(
        path=path,
        line=line,
        end_line=end_line or line,
        category=category,
        severity=Severity.ERROR,
        confidence=1.0,
        message=secrets.mask(message),
        quote=context.strip(),
        context=context,
        source=check,
        blocking=True,
    )
