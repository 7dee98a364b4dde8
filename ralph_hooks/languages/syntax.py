"""Readers that say why a file cannot be parsed. Each takes the path and the bytes of a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ralph_hooks.languages.brackets import unbalanced
from ralph_hooks.languages.tree import Grammar, broken, parse

if TYPE_CHECKING:
    import ast

_PYTHON = Grammar(package="tree_sitter_python")
_MOST = 20  # problems of one file: the rest follows from the first
_QUOTED = 40  # characters of a line


class SyntaxProblem(Struct, frozen=True):
    """A place in a file that cannot be parsed. Lines are 1-based."""

    line: int
    message: str
    last: int = 0
    """The last line of the part that cannot be parsed; 0 if the place is known exactly."""
    certain: bool = True
    """False if it may be meant so."""


Reader = Callable[[str, bytes], Sequence[SyntaxProblem]]
"""Function that returns the problems of a file in order; none if it is valid or the reader cannot tell."""


def read_tree(language: str, grammar: Grammar, data: bytes) -> Sequence[SyntaxProblem] | None:
    """Read by a grammar: the nodes that its parser had to skip or to make up."""
    tree = parse(grammar, data)
    if tree is None:
        return None
    if not tree.root_node.has_error:
        return ()
    problems = []
    for node in broken(tree, _MOST):
        first, last = node.start_point[0] + 1, node.end_point[0] + 1
        if node.is_missing:
            problems.append(SyntaxProblem(first, f"{language} syntax error: `{node.type}` is missing"))
            continue
        text = data[node.start_byte : node.end_byte].decode(errors="replace").strip().split("\n")[0][:_QUOTED]
        message = f"{language} syntax error at `{text}`" if text else f"{language} syntax error"
        problems.append(SyntaxProblem(first, message, last if last > first else 0))
    return problems


def read_bracketed(language: str, grammar: Grammar, data: bytes) -> Sequence[SyntaxProblem] | None:
    """Read by a grammar that is certain only of brackets: sound files may use what it does not know."""
    problems = read_tree(language, grammar, data)
    if not problems:
        return problems
    guesses = [msgspec.structs.replace(each, certain=False) for each in problems]
    alone = unbalanced(language, data)
    if alone is None:
        return guesses
    return [SyntaxProblem(alone[0], f"{language} syntax error: {alone[1]}"), *guesses]


@lru_cache(maxsize=1)
def _template() -> re.Pattern[str]:
    return re.compile(r"\{\{|\{%|<%|\$\{")


@lru_cache(maxsize=1)
def _commented() -> re.Pattern[str]:
    """Return the pattern of files in which tools accept JSON with comments and trailing commas."""
    return re.compile(
        r"(?i)(?:^|/)(?:\.vscode|\.devcontainer|\.zed)/|(?:^|/)(?:[tj]sconfig[\w.-]*|tslint|\.?eslintrc|\.babelrc|\.swcrc"
        r"|babel\.config|devcontainer|\.devcontainer|deno|nx|project|angular|turbo|wrangler|biome|renovate|\.renovaterc"
        r"|api-extractor[\w.-]*|\.oxlintrc|\.jshintrc|language-configuration)\.json$"
    )


def read_python(_path: str, data: bytes) -> Sequence[SyntaxProblem]:
    """Read as far as the interpreter decodes: ruff, whose parser knows every version, reports syntax errors."""
    try:
        python_text(data)
    except UnicodeDecodeError as error:
        byte = data[error.start]
        message = f"Python cannot read this file: byte 0x{byte:02x} is not {error.encoding} text"
        return (SyntaxProblem(_line_of(data, error.start), message),)
    except (SyntaxError, LookupError):
        message = "Python cannot read this file: it declares an unknown encoding, or not the one it uses"
        return (SyntaxProblem(1, message),)
    return ()


def python_text(data: bytes) -> str:
    """Decode source text as the interpreter would (https://peps.python.org/pep-0263/).

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


def python_parses(data: bytes) -> bool:
    """Return whether the running interpreter parses ``data``."""
    try:
        return python_tree(python_text(data)) is not None
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return False


def python_tree(text: str) -> ast.Module | None:
    """Return the syntax tree of Python source; None if the running interpreter cannot parse it."""
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on code is for its author
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def read_json(path: str, data: bytes) -> Sequence[SyntaxProblem]:
    """Read JSON, but not what some tools accept besides it: comments, templates, one value a line."""
    import json

    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        if _is_dialect(path, error.doc, json.loads):
            return ()
        return (SyntaxProblem(error.lineno, f"this is not JSON: {error.msg}"),)
    except UnicodeDecodeError as error:
        return (SyntaxProblem(_line_of(data, error.start), f"this is not JSON: not {error.encoding} text"),)
    except (RecursionError, ValueError):  # deeper, or with longer numbers, than the parser at hand can take: no mistake
        return ()
    return ()


def _is_dialect(path: str, text: str, loads: Callable[[str], object]) -> bool:
    if _commented().search(path) or re.search(r"(?m)^\s*(?://|/\*)", text) or _template().search(text):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and _all_load(lines, loads)


def _all_load(lines: Iterable[str], loads: Callable[[str], object]) -> bool:
    try:
        for line in lines:
            loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def read_notebook(_path: str, data: bytes) -> Sequence[SyntaxProblem]:
    """Read a Jupyter notebook: JSON with cells (https://nbformat.readthedocs.io)."""
    import json

    if not data.strip():
        return ()
    try:
        notebook = json.loads(data)
    except json.JSONDecodeError as error:
        return (SyntaxProblem(error.lineno, f"this notebook is not JSON: {error.msg}"),)
    except UnicodeDecodeError as error:
        return (SyntaxProblem(_line_of(data, error.start), f"this notebook is not JSON: not {error.encoding} text"),)
    except (RecursionError, ValueError):
        return ()
    if not isinstance(notebook, dict) or not ({"cells", "worksheets"} & notebook.keys()):
        return (SyntaxProblem(1, "this notebook has no cells: Jupyter cannot open it"),)
    return _read_cells(notebook, data) if _is_python(notebook) else ()


def _is_python(notebook: dict[str, object]) -> bool:
    metadata = notebook.get("metadata")
    names = [metadata.get(name) for name in ("kernelspec", "language_info")] if isinstance(metadata, dict) else []
    return any(isinstance(each, dict) and "python" in (each.get("language"), each.get("name")) for each in names)


def _read_cells(notebook: dict[str, object], data: bytes) -> Sequence[SyntaxProblem]:
    """Read the code of each cell as Python, by a grammar that knows newer versions than the running interpreter.

    None of it is certain: some notebooks show an error on purpose, and a magic may go on over several lines.
    """
    cells = notebook.get("cells")
    problems: list[SyntaxProblem] = []
    for number, cell in enumerate(cells if isinstance(cells, list) else (), start=1):
        code = _code(cell)
        for problem in (read_tree("Python", _PYTHON, code.encode(errors="replace")) if code else None) or ():
            line = _line_in_json(data, code.split("\n")[problem.line - 1])
            problems.append(SyntaxProblem(line, f"{problem.message} in cell {number}", certain=False))
    return problems[:_MOST]


def _code(cell: object) -> str:
    """Return the Python in a cell, without the lines that are for IPython: magics, shell commands, help, prompts."""
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return ""
    source = cell.get("source")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source or "")
    return "" if text.lstrip().startswith("%%") else _magic().sub(r"\1pass", text)


@lru_cache(maxsize=1)
def _magic() -> re.Pattern[str]:
    line = r"(?:[^\n]*\\\n)*[^\n]*"  # a shell command may go on
    return re.compile(
        rf"(?m)^([ \t]{{0,200}})(?:(?:%%?\w|!|\?\w){line}|[\w.%]{{1,200}}\?\??[ \t]*$"
        rf"|[\w., \t]{{1,200}}=[ \t]{{0,9}}(?:%\w|!){line}|>>>{line})"
    )


def _line_in_json(data: bytes, line: str) -> int:
    """Return the first line of the file that holds ``line`` of a cell."""
    import json

    offset = data.find(json.dumps(line, ensure_ascii=False)[:-1].encode(errors="replace"))
    return _line_of(data, max(offset, 0))


@lru_cache(maxsize=1)
def _toml_place() -> re.Pattern[str]:
    return re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_toml(_path: str, data: bytes) -> Sequence[SyntaxProblem]:
    """Read TOML 1.0."""
    import tomli

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return (SyntaxProblem(_line_of(data, error.start), "this is not TOML: not UTF-8 text"),)
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        if _template().search(text):
            return ()
        message = str(error)
        place = _toml_place().search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        return (SyntaxProblem(line, f"this is not TOML: {_toml_place().sub('', message)}"),)
    except (RecursionError, ValueError):  # as for JSON
        return ()
    return ()


def read_yaml(_path: str, data: bytes) -> Sequence[SyntaxProblem]:
    """Read YAML as far as its parser goes: tags are not resolved and aliases not followed."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _ in yaml.parse(data, loader):
            pass
    except yaml.MarkedYAMLError as error:
        if _template().search(data.decode(errors="replace")):
            return ()
        mark = error.problem_mark or error.context_mark
        return (SyntaxProblem(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem or error.context}"),)
    except yaml.YAMLError as error:
        return (SyntaxProblem(1, f"this is not YAML: {str(error).splitlines()[0]}"),)
    except (RecursionError, ValueError):
        return ()
    return ()


class _HasEntitiesError(Exception):
    """Raised to stop the parser."""


def read_xml(_path: str, data: bytes) -> Sequence[SyntaxProblem]:
    """Read XML that declares no entities of its own: nothing is expanded, nothing outside the file is read."""
    from xml.parsers import expat

    def stop(*_: object) -> None:
        raise _HasEntitiesError

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = stop
    try:
        parser.Parse(data, True)  # noqa: FBT003 - the C function takes no name
    except expat.ExpatError as error:
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING] or _template().search(
            data.decode(errors="replace")
        ):
            return ()
        return (SyntaxProblem(error.lineno, f"this is not XML: {expat.ErrorString(error.code)}"),)
    except (_HasEntitiesError, ValueError, LookupError):
        return ()
    return ()


def _line_of(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1
