"""Names that Python modules define and import from each other, and those missing after a change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import basename, dirname, join

import msgspec
from msgspec import Struct

from ralph_hooks.checks.shared import blocking, without_end
from ralph_hooks.core.change import decode
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source, Unchanged
from ralph_hooks.core.text import path_line
from ralph_hooks.languages.syntax import python_text, python_tree
from ralph_hooks.languages.test_files import is_test_file

_SUFFIX = ".py"
_PACKAGE = "__init__.py"
_ROOTS = ("", "src", "lib", "python")
_GENERATED = re.compile(r"(?:^|/)_?version\.py$|_pb2(?:_grpc)?\.py$|_generated\.py$|(?:^|/)_?build[^/]*\.py$")
_DYNAMIC = frozenset(("globals", "vars", "exec", "setattr", "__import__", "import_module"))
_NAMED = 3  # importing places in one finding
_MOST = 20  # findings


class _Files:
    """The files of the project after the change."""

    def __init__(self, paths: set[str]) -> None:
        self.paths = paths

    @cached_property
    def stems(self) -> frozenset[str]:
        """Folders, and files without their suffixes: what a module or package may be found under."""
        found = {join(dirname(path), basename(path).partition(".")[0]) for path in self.paths}
        folders = {dirname(path) for path in self.paths}
        while folders:
            found |= folders
            folders = {dirname(folder) for folder in folders} - found
        return frozenset(found)


class _Gone(Struct, frozen=True):
    """The names that a module has lost."""

    source: Source
    module: str
    """Its dotted name."""
    names: Mapping[str, int]
    """Names and their lines in the base; empty if the whole module was removed."""

    @property
    def whole(self) -> bool:
        return not self.names


class _Use(Struct, frozen=True):
    path: str
    line: int


def broken_imports(
    suspects: Sequence[Source], sources: Sequence[Source], unchanged: Unchanged, seconds: float
) -> tuple[Finding, ...] | None:
    """Return one finding for each name or module of ``suspects`` that was removed and still imported.

    ``sources`` are all Python files of the change. None if the search for importers takes more than ``seconds``.
    """
    suspects = [source for source in suspects if _has_left(source) or _lost(source)]
    if not suspects:
        return ()  # nearly always, and before git is asked for a list of all files
    files = _Files({*unchanged.paths(), *(source.path for source in sources if source.content.new is not None)})
    gone = [each for source in suspects if (each := _gone(source, files)) is not None]
    if not gone:
        return ()
    words = {name for each in gone for name in (each.names or [each.module.rpartition(".")[2]])}
    contents = {
        source.path: source.content.new
        for source in sources
        if source.content.new is not None and source.path.endswith(_SUFFIX)
    }
    others = unchanged.holding(sorted(words), _SUFFIX, seconds)
    if others is None:
        return None
    return tuple(_finding(*use) for use in _uses(gone, contents | dict(others), files)[:_MOST])


def _gone(source: Source, files: _Files) -> _Gone | None:
    path = source.entry.old_path
    module = _module(path, files)
    if module is None or _GENERATED.search(path):
        return None
    if path not in files.paths:
        return None if _inner(path) in files.stems else _Gone(source, module, {})
    if _has_left(source):
        return None  # another file has taken its place
    lost = _lost(source)
    if basename(path) == _PACKAGE:
        lost = {name: line for name, line in lost.items() if join(dirname(path), name) not in files.stems}
    return _Gone(source, module, lost) if lost else None


def _has_left(source: Source) -> bool:
    return source.content.new is None or source.path != source.entry.old_path


def _lost(source: Source) -> dict[str, int]:
    """Return the names that a module has lost, with their lines in the base; none if that is uncertain."""
    before = _bound(_parsed(source.content.old), conditional=False)
    after = _bound(_parsed(source.content.new), conditional=True)
    if before is None or after is None:
        return {}
    return {name: line for name, line in before.items() if name not in after and not name.startswith("__")}


def _inner(path: str) -> str:
    """Return the path of a module without suffix, that of a package without its ``__init__.py``."""
    return path.removesuffix(f"/{_PACKAGE}").removesuffix(_SUFFIX)


def _module(path: str, files: _Files) -> str | None:
    """Return the dotted name that imports ``path``; None if packages are not marked, or another has it."""
    inner = _inner(path)
    parts = [*_package(inner, files), basename(inner)]
    inside = "/".join(parts)
    if inner.removesuffix(inside).rstrip("/") not in _ROOTS or not all(part.isidentifier() for part in parts):
        return None
    twins = {join(root, f"{inside}{end}") for root in _ROOTS for end in (_SUFFIX, f"/{_PACKAGE}")} - {path}
    return None if twins & files.paths else ".".join(parts)


def _parsed(data: bytes | None) -> ast.Module | None:
    if data is None:
        return None
    try:
        return python_tree(python_text(data))
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return None


def _bound(tree: ast.Module | None, *, conditional: bool) -> dict[str, int] | None:
    """Return the names that a module defines, with their lines; None if it may define others dynamically.

    With ``conditional`` also those under ``if`` and the like.
    """
    if tree is None:
        return None
    names: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return None
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__" and node in tree.body:
            return None
        if isinstance(node, ast.Call) and _called(node) in _DYNAMIC:
            return None
        if isinstance(node, ast.Attribute) and node.attr in {"modules", "__dict__"}:
            return None
    _bind(tree.body, names, conditional=conditional)
    return names


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _bind(body: Sequence[ast.stmt], names: dict[str, int], *, conditional: bool) -> None:
    for node in body:
        if isinstance(node, ast.Delete):
            for target in node.targets:
                names.pop(getattr(target, "id", ""), None)
        names.update(dict.fromkeys(_names(node, conditional=conditional), node.lineno))
        for block in _blocks(node) if conditional else ():
            _bind(block, names, conditional=True)


def _names(node: ast.stmt, *, conditional: bool) -> Iterator[str]:
    """Yield the names that one statement binds, without the blocks in it."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            yield from _stored(node)
        case _ if conditional:
            yield from _stored(node)  # of loops, `with`, `:=`


def _stored(node: ast.stmt) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _blocks(node: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, ())
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _uses(gone: Sequence[_Gone], contents: Mapping[str, bytes], files: _Files) -> list[tuple[_Gone, str, list[_Use]]]:
    """Return the imports of lost names, by module and name."""
    by_module = {each.module: each for each in gone}
    found: dict[tuple[str, str], list[_Use]] = {}
    for path, data in sorted(contents.items()):
        if is_test_file(path):
            continue
        tree = _parsed(data)
        for line, module, name in _imported(tree, path, files) if tree is not None else ():
            of = by_module.get(module)
            inner = by_module.get(f"{module}.{name}") if name else None
            if inner is not None and inner.whole:
                found.setdefault((inner.module, ""), []).append(_Use(path, line))
            elif of is not None and path != of.source.path and (of.whole or name in of.names):
                found.setdefault((of.module, "" if of.whole else name), []).append(_Use(path, line))
    return [(by_module[module], name, places) for (module, name), places in found.items()]


def _imported(tree: ast.Module, path: str, files: _Files) -> Iterator[tuple[int, str, str]]:
    """Yield the line, module and name of each import that has to succeed; no name for the import of a module."""
    package = _package(path, files)
    for node in _certain(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                if node.level > len(package):
                    continue
                module = ".".join([*package[: len(package) - node.level + 1], *([module] if module else [])])
            for alias in node.names:
                yield node.lineno, module, alias.name


def _package(path: str, files: _Files) -> list[str]:
    """Return the package that a file belongs to, as the parts of its name; empty if it is in none."""
    folder = dirname(path)
    parts: list[str] = []
    while folder and join(folder, _PACKAGE) in files.paths:
        parts.insert(0, basename(folder))
        folder = dirname(folder)
    return parts


def _certain(nodes: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield imports outside of conditions, ``try`` with handlers, and ``with``, which may suppress exceptions."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try | ast.TryStar) and node.handlers:
            yield from _certain((*node.orelse, *node.finalbody))
        elif not isinstance(node, ast.If | ast.Match | ast.With | ast.AsyncWith | ast.expr):
            yield from _certain(ast.iter_child_nodes(node))


def _finding(gone: _Gone, name: str, places: Sequence[_Use]) -> Finding:
    listed = ", ".join(f"{path_line(use.path)}:{use.line}" for use in places[:_NAMED])
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    line = gone.names.get(name, 1)
    lines = without_end(gone.source.content.old or b"")
    what = f"`{name}` is no longer in {gone.module}" if name else f"the module {gone.module} was removed"
    found = blocking(
        "imports",
        gone.source.path,
        line,
        category="broken-import",
        message=f"{what}, but is still imported by {listed}{more}",
        shown=lines[line - 1] if line <= len(lines) else decode(b""),
    )
    return msgspec.structs.replace(found, removed=True)
