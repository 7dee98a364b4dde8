"""A model's edits, applied to files exactly, or rejected with reasons. Pure.

All edits of a repair are applied or none, so that a correction refers to the files the repair was written for. Every
``search`` is matched against the original file, regardless of the other edits: their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import PurePosixPath

from ralph_hooks.core.repair import Edit, NewFile, Repair
from ralph_hooks.core.text import PLACEHOLDER, one_line, path_line
from ralph_hooks.engine.repair.text_buffer import Editable, Span

Files = dict[str, bytes | None]
"""Files to write: content by path, None for a deleted file."""
Read = Callable[[str], bytes | None]

_SHOWN = 160  # characters of a line that a reason quotes
_LISTED = 5  # places that a reason lists
_LIKE = 0.6  # how alike, from 0 to 1, a path has to be to be suggested
_COMPARED = 20_000  # lines that are looked through for the nearest one

_Numbered = tuple[int, Edit]


class EditsRefused(Exception):
    """Nothing was applied. ``reasons`` are sentences for the model that corrects the repair; each names its path."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def apply(repair: Repair, paths: Collection[str], read: Read) -> Files:
    """Return the files as ``repair`` changes them; ``paths`` are those that exist. Raises EditsRefused."""
    tree = _Tree(paths)
    steps: list[Callable[[], tuple[str, bytes | None]]] = [
        *(partial(_edited, tree, read, name, edits) for name, edits in _by_name(repair.edits).items()),
        *(partial(_created, tree, new) for new in repair.create),
        *(partial(_deleted, tree, name) for name in repair.delete),
    ]
    files: Files = {}
    reasons: list[str] = [] if steps else ["the model returned no edits"]
    for step in steps:
        try:
            path, data = step()
        except EditsRefused as refused:
            reasons += refused.reasons
            continue
        if path in files:
            reasons.append(
                f"{path_line(path)} is edited, created or deleted more than once: say once what becomes of it"
            )
        files[path] = data
    if reasons:
        raise EditsRefused(*reasons)
    return files


class _Tree:
    """The files that are there, by the names that a model has seen."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._known = {path_line(path): path for path in paths}
        self._folders = {str(parent) for path in self._known.values() for parent in PurePosixPath(path).parents}

    def existing(self, name: str) -> str:
        """Return the file called ``name``. Raises EditsRefused if there is none."""
        plain = name.removeprefix("./")
        if plain not in self._known:
            raise EditsRefused(f"there is no file {one_line(plain)}{self._suggestion(plain)}")
        return self._known[plain]

    def free(self, name: str) -> str:
        """Return the path ``name``, if no file or folder is in the way. Raises EditsRefused."""
        path = name.removeprefix("./")
        if not path:
            raise EditsRefused("create: it has no path")
        if path in self._known or path in self._folders:
            raise EditsRefused(f"create: {path_line(path)} is there already: write edits for it")
        for parent in PurePosixPath(path).parents:
            if str(parent) in self._known:
                raise EditsRefused(f"create: {path_line(path)} would be in {path_line(str(parent))}, which is a file")
        return path

    def _suggestion(self, name: str) -> str:
        like = [path for path in self._known if PurePosixPath(path).name == PurePosixPath(name).name]
        if not like:
            from difflib import get_close_matches

            like = get_close_matches(name, self._known, n=1, cutoff=_LIKE)
        return f" (is it {min(like, key=len)}?)" if like else ""


def _by_name(edits: Iterable[Edit]) -> dict[str, list[_Numbered]]:
    grouped: dict[str, list[_Numbered]] = {}
    for number, edit in enumerate(edits, start=1):
        plain = Edit(edit.path.removeprefix("./"), _lf(edit.search), _lf(edit.replace))
        grouped.setdefault(plain.path, []).append((number, plain))
    return grouped


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n")


def _deleted(tree: _Tree, name: str) -> tuple[str, None]:
    return tree.existing(name), None


def _created(tree: _Tree, new: NewFile) -> tuple[str, bytes]:
    path = tree.free(new.path)
    problem = _unwritable(new.content)
    if not problem:
        problem = _unparsable(path, new.content.encode())
    if problem:
        raise EditsRefused(f"create: {path_line(path)}: {problem}")
    return path, new.content.encode()


def _edited(tree: _Tree, read: Read, name: str, edits: Sequence[_Numbered]) -> tuple[str, bytes]:
    path = tree.existing(name)
    data = read(path) or b""
    file = Editable(data)
    spans: list[tuple[Span, int]] = []
    reasons: list[str] = []
    for number, edit in edits:
        problem = _unwritable(edit.replace, file)
        if problem:
            reasons.append(f"edit {number} of {path_line(path)}: {problem}")
            continue
        found = _occurrences(file.text, edit.search)
        if len(found) == 1:
            spans.append((Span(found[0], found[0] + len(edit.search), edit.replace), number))
        else:
            reasons.append(f"edit {number}: {_not_once(path, file, edit.search, found)}")
    spans.sort(key=lambda item: (item[0].start, item[0].end))
    reasons += [
        f"edits {one} and {two} of {path_line(path)} overlap: make them one"
        for (first, one), (second, two) in pairwise(spans)
        if second.start < first.end
    ]
    if reasons:
        raise EditsRefused(*reasons)
    result = file.changed([span for span, _ in spans])
    if result == data:
        raise EditsRefused(f"the edits of {path_line(path)} change nothing")
    problem = _unparsable(path, result)
    if problem and not _unparsable(path, data):
        raise EditsRefused(f"{path_line(path)} after the edits: {problem}")
    return path, result


def _occurrences(text: str, search: str) -> list[int]:
    """Return where ``search`` begins in ``text``; overlapping ones count too. The empty text holds itself."""
    if not search:
        return [] if text else [0]
    found: list[int] = []
    place = text.find(search)
    while place >= 0:
        found.append(place)
        place = text.find(search, place + 1)
    return found


def _not_once(path: str, file: Editable, search: str, found: Sequence[int]) -> str:
    """Return why the place of an edit was not found, with a hint."""
    name = path_line(path)
    if not search:
        return f"`search` is empty: copy the lines of {name} that are to be replaced"
    if found:
        lines = ", ".join(str(file.line(place)) for place in found[:_LISTED])
        more = ", ..." if len(found) > _LISTED else ""
        return f"`search` occurs {len(found)} times in {name} (lines {lines}{more}): add lines until it occurs once"
    if PLACEHOLDER.search(search):
        return f"`search` does not occur in {name}: {_HIDDEN}"
    return f"`search` does not occur in {name}{_nearest(file.text.splitlines(), search.splitlines())}"


def _nearest(lines: Sequence[str], wanted: Sequence[str]) -> str:
    """Return ``; the nearest line is 12: ...``, with a note if only white space differs."""
    from difflib import SequenceMatcher

    first = next((line.strip() for line in wanted if line.strip()), "")
    matcher = SequenceMatcher(b=first, autojunk=False)
    best, number = 0.0, 0
    for index, line in enumerate(lines[:_COMPARED], start=1):
        matcher.set_seq1(line.strip())
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, number = matcher.ratio(), index
    if not number:
        return ""
    squeezed = ["".join(line.split()) for line in wanted if line.strip()]
    there = ["".join(line.split()) for line in lines if line.strip()]
    close = any(there[i : i + len(squeezed)] == squeezed for i in range(len(there)))
    why = "; only white space differs, copy it exactly" if close else ""
    return f"{why}; the nearest line is {number}: `{one_line(lines[number - 1][:_SHOWN])}`"


_HIDDEN = "<secret-...> stands for a credential that is not shown to you: leave its line as it is"


def _unwritable(text: str, file: Editable | None = None) -> str:
    """Return why ``text`` may not be put into ``file``, or into a new one; empty if it may."""
    shown = set(PLACEHOLDER.findall(text))
    if shown and not (file and shown <= set(PLACEHOLDER.findall(file.text))):
        return _HIDDEN
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return "the result is not text"
    if file and not file.is_utf8 and not text.isascii():
        return "the file is not UTF-8, so only ASCII can be written to it"
    return ""


def _unparsable(path: str, data: bytes) -> str:
    """Return why ``data`` does not parse as its name suggests; empty if it does, or if no parser fits."""
    reader = _READERS.get(PurePosixPath(path).suffix)
    try:
        return reader(data) if reader else ""
    except (RecursionError, MemoryError):  # deeper than the parser at hand can take: no mistake
        return ""


def _python(data: bytes) -> str:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on code is for its author
            ast.parse(data)
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        code = f": `{one_line(error.text.strip()[:_SHOWN])}`" if error.text and error.text.strip() else ""
        return f"it is not valid Python any more ({line}{error.msg}{code})"
    except ValueError as error:
        return f"it is not valid Python any more ({error})"
    return ""


def _json(data: bytes) -> str:
    import json

    try:
        json.loads(data)
    except ValueError as error:
        return f"it is not valid JSON any more ({error})"
    return ""


def _toml(data: bytes) -> str:
    import tomli

    try:
        tomli.loads(data.decode())
    except ValueError as error:
        return f"it is not valid TOML any more ({error})"
    return ""


_READERS = {".py": _python, ".pyi": _python, ".pyw": _python, ".json": _json, ".toml": _toml}
