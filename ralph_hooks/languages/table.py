"""The table of languages, and how a file finds its row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import cache
from posixpath import basename, splitext

from msgspec import Struct

from ralph_hooks.languages.syntax import (
    Reader,
    SyntaxProblem,
    python_parses,
    read_bracketed,
    read_json,
    read_notebook,
    read_python,
    read_toml,
    read_tree,
    read_xml,
    read_yaml,
)
from ralph_hooks.languages.tree import Grammar


class Trust(Enum):
    """Reliability of a new syntax error: measured on ordinary commits, see the decision on parsers."""

    BLOCK = "block"
    """It was never a false alarm."""
    HINT = "hint"
    """The grammar does not know all of the language: errors are only hints for the models."""
    NONE = "none"
    """The parser is for definitions and calls alone, or there is none."""


class Language(Struct, frozen=True, kw_only=True):
    """Properties of one language."""

    name: str
    """As people write it."""
    suffixes: tuple[str, ...] = ()
    """In small letters, with the dot."""
    file_names: tuple[str, ...] = ()
    """Whole names of files that have no telling suffix."""
    interpreters: tuple[str, ...] = ()
    """Programs in a first line like ``#!/usr/bin/env node``, without the version at their end."""
    grammar: Grammar | None = None
    reader: Reader | None = None
    """Function that finds syntax errors, if the grammar does not."""
    syntax: Trust = Trust.NONE
    brackets_only: bool = False
    """True if of syntax errors only brackets without a partner are certain: see `languages.brackets`."""
    line_comments: tuple[str, ...] = ()
    block_comments: tuple[tuple[str, str], ...] = ()
    tests: str = ""
    """Regular expression for the names of test files, besides what is common to all languages."""
    test_case: str = ""
    """Regular expression for the beginning of one test, with its name as one of the groups but ``quote``."""
    inline_tests: bool = False
    """True if tests stand beside the code that they test."""
    free_form: bool = False
    """True if white space between tokens means nothing."""
    is_program: bool = True

    @property
    def is_python(self) -> bool:
        """True for the language that the running interpreter can read by itself."""
        return self.name == "Python"

    def problems(self, path: str, data: bytes) -> Sequence[SyntaxProblem] | None:
        """Return the places in ``data`` that cannot be parsed; None if no parser is here, or it takes too long."""
        if self.reader is not None:
            return self.reader(path, data)
        if self.grammar is None:
            return None
        read = read_bracketed if self.brackets_only else read_tree
        return read(self.name, self.grammar, data)

    def parses(self, path: str, data: bytes) -> bool:
        """Return whether a parser takes all of ``data``; False if there is none."""
        if self.is_python:
            return python_parses(data)
        problems = self.problems(path, data)
        return problems is not None and not problems


_SLASHES = ("//",)
_STARS = (("/*", "*/"),)
_SCRIPT_DEFINITIONS = (
    "function_declaration", "generator_function_declaration", "class_declaration", "method_definition",
)  # fmt: skip
_SCRIPT_CALLS = {"call_expression": "function", "new_expression": "constructor"}
_SCRIPT_CASE = (
    r"^[ \t]*(?:[xf]?it|[xf]?test|specify)(?:\.\w+|\.each\([^\n)]*\))*\(\s*(?P<quote>['\"`])(?P<name>.+?)(?P=quote)"
)
_SCRIPT_TESTS = r"[._-](?:test|spec|tests|cy|e2e)\.[cm]?[jt]sx?$"
_TYPED = Grammar(
    package="tree_sitter_typescript",
    function="language_typescript",
    definitions=(
        *_SCRIPT_DEFINITIONS, "interface_declaration", "type_alias_declaration", "enum_declaration",
        "abstract_class_declaration", "function_signature", "internal_module",
    ),
    values={"variable_declarator": "value", "public_field_definition": "value"},
    calls=_SCRIPT_CALLS,
)  # fmt: skip
_C = Grammar(
    package="tree_sitter_c",
    definitions=("function_definition", "struct_specifier", "union_specifier", "enum_specifier"),
    names={"function_definition": "declarator"},
    calls={"call_expression": "function"},
)
_CPP = Grammar(
    package="tree_sitter_cpp",
    definitions=(*_C.definitions, "class_specifier", "namespace_definition"),
    names=_C.names,
    calls={**_C.calls, "new_expression": "type"},
)

LANGUAGES: tuple[Language, ...] = (
    Language(
        name="Python",
        suffixes=(".py", ".pyi", ".pyw"),
        interpreters=("python", "pypy"),
        grammar=Grammar(
            package="tree_sitter_python",
            definitions=("function_definition", "class_definition"),
            calls={"call": "function"},
        ),
        reader=read_python,
        syntax=Trust.BLOCK,
        test_case=r"^[ \t]*(?:async[ \t]+)?def (?P<name>test\w*)\(",
        line_comments=("#",),
        tests=r"(?:^|/)(?:test_[^/]*|[^/]*_test|tests|conftest)\.py$",
    ),
    Language(
        name="JavaScript",
        suffixes=(".js", ".mjs", ".cjs", ".jsx"),
        interpreters=("node", "nodejs", "bun"),
        grammar=Grammar(
            package="tree_sitter_javascript",
            definitions=_SCRIPT_DEFINITIONS,
            values={"variable_declarator": "value", "field_definition": "value"},
            names={"field_definition": "property"},
            calls=_SCRIPT_CALLS,
        ),
        syntax=Trust.BLOCK,
        test_case=_SCRIPT_CASE,
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=_SCRIPT_TESTS,
        free_form=True,
    ),
    Language(
        name="TypeScript",
        suffixes=(".ts", ".mts", ".cts"),
        interpreters=("deno", "ts-node", "tsx"),
        grammar=_TYPED,
        syntax=Trust.HINT,
        test_case=_SCRIPT_CASE,
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=_SCRIPT_TESTS,
        free_form=True,
    ),
    Language(
        name="TSX",
        suffixes=(".tsx",),
        grammar=Grammar(
            package=_TYPED.package,
            function="language_tsx",
            definitions=_TYPED.definitions,
            values=_TYPED.values,
            names=_TYPED.names,
            calls=_TYPED.calls,
        ),
        syntax=Trust.HINT,
        test_case=_SCRIPT_CASE,
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=_SCRIPT_TESTS,
        free_form=True,
    ),
    Language(
        name="Go",
        suffixes=(".go",),
        grammar=Grammar(
            package="tree_sitter_go",
            definitions=("function_declaration", "method_declaration", "type_spec"),
            receivers={"method_declaration": "receiver"},
            calls={"call_expression": "function", "type_conversion_expression": "type"},  # `f[int](x)` is read as one
        ),
        syntax=Trust.BLOCK,
        test_case=r"^func (?P<name>(?:Test|Fuzz|Example)\w*)\(",
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=r"_test\.go$",
        free_form=True,
    ),
    Language(
        name="Rust",
        suffixes=(".rs",),
        grammar=Grammar(
            package="tree_sitter_rust",
            definitions=(
                "function_item", "function_signature_item", "struct_item", "enum_item", "union_item", "trait_item",
                "impl_item", "mod_item", "macro_definition", "type_item",
            ),
            names={"impl_item": "type"},
            calls={"call_expression": "function", "macro_invocation": "macro"},
            spellings=((b"try!(", b"tri!("),),  # a macro until the edition of 2018, a keyword since
        ),
        syntax=Trust.BLOCK,
        test_case=(
            r"#\[(?:\w+::)*test\b[^\]]{0,200}\]"
            r"(?:\s{0,200}#\[[^\]]{0,200}\]){0,9}\s{0,200}(?:pub )?(?:async )?fn (?P<name>\w+)"
        ),
        inline_tests=True,
        line_comments=_SLASHES,
        block_comments=_STARS,
        free_form=True,
    ),
    Language(
        name="Java",
        suffixes=(".java",),
        grammar=Grammar(
            package="tree_sitter_java",
            definitions=(
                "class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
                "annotation_type_declaration", "method_declaration", "constructor_declaration",
                "compact_constructor_declaration",
            ),
            calls={"method_invocation": "name", "object_creation_expression": "type"},
        ),
        syntax=Trust.BLOCK,
        test_case=r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b(?:[^{;@]|@(?!Test\b)){0,300}?\bvoid\s+(?P<name>\w+)\s*\(",
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=r"(?:^|/)[^/]*(?:Test|Tests|TestCase|IT)\.java$",
        free_form=True,
    ),
    Language(
        name="C",
        suffixes=(".c",),
        grammar=_C,
        syntax=Trust.BLOCK,
        brackets_only=True,
        line_comments=_SLASHES,
        block_comments=_STARS,
        free_form=True,
    ),
    Language(
        name="C++",
        suffixes=(".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp", ".hxx", ".ipp", ".tpp"),
        grammar=_CPP,
        syntax=Trust.BLOCK,
        brackets_only=True,
        test_case=r"^[ \t]*(?:TEST(?:_F|_P)?\(\s*(?P<name>\w+\s*,\s*\w+)|TEST_CASE\(\s*\"(?P<title>[^\"]+))",
        line_comments=_SLASHES,
        block_comments=_STARS,
        free_form=True,
    ),
    Language(
        name="C#",
        suffixes=(".cs", ".csx"),
        grammar=Grammar(
            package="tree_sitter_c_sharp",
            definitions=(
                "class_declaration", "struct_declaration", "interface_declaration", "enum_declaration",
                "record_declaration", "delegate_declaration", "method_declaration", "constructor_declaration",
                "property_declaration", "local_function_statement",
            ),
            calls={"invocation_expression": "function", "object_creation_expression": "type"},
        ),
        syntax=Trust.BLOCK,
        brackets_only=True,
        test_case=r"\[(?:Fact|Theory|Test|TestCase|TestMethod)\b(?:[^{;\[]|\[(?!Fact|Theory|Test)){0,400}?\b(?:void|Task)\s+(?P<name>\w+)\s*\(",
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=r"(?:^|/)[^/]*Tests?\.cs$",
        free_form=True,
    ),
    Language(
        name="Ruby",
        suffixes=(".rb", ".rake", ".gemspec", ".ru"),
        file_names=("Gemfile", "Rakefile", "Guardfile", "Vagrantfile", "Podfile", "Brewfile"),
        interpreters=("ruby", "jruby"),
        grammar=Grammar(
            package="tree_sitter_ruby",
            definitions=("class", "module", "method", "singleton_method"),
            calls={"call": "method"},
        ),
        syntax=Trust.BLOCK,
        test_case=(
            r"^[ \t]*(?:(?:x?it|specify|test|should)[ (]+(?P<quote>['\"])(?P<name>.+?)(?P=quote)"
            r"|def (?P<method>test_\w+))"
        ),
        line_comments=("#",),
        block_comments=(("=begin", "=end"),),
        tests=r"(?:_spec|_test)\.rb$|(?:^|/)test_[^/]*\.rb$",
    ),
    Language(
        name="PHP",
        suffixes=(".php", ".phtml", ".php5"),
        interpreters=("php",),
        grammar=Grammar(
            package="tree_sitter_php",
            function="language_php",
            definitions=(
                "function_definition", "method_declaration", "class_declaration", "interface_declaration",
                "trait_declaration", "enum_declaration",
            ),
            calls={
                "function_call_expression": "function", "member_call_expression": "name",
                "nullsafe_member_call_expression": "name", "scoped_call_expression": "name",
                "object_creation_expression": "",
            },
        ),
        syntax=Trust.BLOCK,
        test_case=r"\bfunction\s+(?P<name>test\w+)\s*\(",
        line_comments=("//", "#"),
        block_comments=_STARS,
        tests=r"(?:^|/)[^/]*Test\.php$",
        free_form=True,
    ),
    Language(
        name="shell",
        suffixes=(".sh", ".bash"),
        interpreters=("sh", "bash", "dash", "ksh"),
        grammar=Grammar(
            package="tree_sitter_bash", definitions=("function_definition",), calls={"command": "name"}
        ),
        syntax=Trust.HINT,
        line_comments=("#",),
        tests=r"(?:^|/)test_[^/]*\.(?:ba)?sh$|[_-]test\.(?:ba)?sh$",
    ),
    Language(
        name="CSS",
        suffixes=(".css",),
        grammar=Grammar(package="tree_sitter_css"),
        syntax=Trust.BLOCK,
        brackets_only=True,
        block_comments=_STARS,
        free_form=True,
        is_program=False,
    ),
    Language(
        name="JSON",
        suffixes=(".json",),
        file_names=(".babelrc", ".eslintrc"),
        reader=read_json,
        syntax=Trust.BLOCK,
        free_form=True,
        is_program=False,
    ),
    Language(name="notebook", suffixes=(".ipynb",), reader=read_notebook, syntax=Trust.BLOCK),
    Language(
        name="TOML",
        suffixes=(".toml",),
        file_names=("Pipfile",),
        reader=read_toml,
        syntax=Trust.BLOCK,
        line_comments=("#",),
        is_program=False,
    ),
    Language(
        name="YAML",
        suffixes=(".yaml", ".yml"),
        file_names=(".clang-format", ".clang-tidy", "CITATION.cff"),
        reader=read_yaml,
        line_comments=("#",),
        syntax=Trust.BLOCK,
        is_program=False,
    ),
    Language(
        name="XML",
        suffixes=(
            ".xml", ".xsd", ".xsl", ".xslt", ".svg", ".csproj", ".vbproj", ".fsproj", ".vcxproj", ".props", ".targets",
            ".resx", ".xaml", ".plist", ".nuspec", ".wsdl", ".xlf", ".xliff",
        ),
        reader=read_xml,
        block_comments=(("<!--", "-->"),),
        syntax=Trust.BLOCK,
        is_program=False,
    ),
    Language(
        name="Kotlin",
        suffixes=(".kt", ".kts"),
        grammar=Grammar(
            package="tree_sitter_kotlin",
            definitions=("class_declaration", "object_declaration", "function_declaration"),
            calls={"call_expression": ""},
        ),
        test_case=r"@(?:Test|ParameterizedTest|RepeatedTest)\b(?:[^{;@]|@(?!Test\b)){0,300}?\bfun\s+(?P<name>`[^`]+`|\w+)\s*\(",
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=r"(?:^|/)[^/]*(?:Test|Tests|IT)\.kts?$",
        free_form=True,
    ),
    Language(
        name="Swift",
        suffixes=(".swift",),
        grammar=Grammar(
            package="tree_sitter_swift",
            definitions=(
                "class_declaration", "protocol_declaration", "function_declaration", "protocol_function_declaration",
            ),
            calls={"call_expression": ""},
        ),
        test_case=r"\bfunc\s+(?P<name>test\w+)\s*\(",
        line_comments=_SLASHES,
        block_comments=_STARS,
        tests=r"(?:^|/)[^/]*Tests?\.swift$",
        free_form=True,
    ),
    Language(
        name="SCSS",
        suffixes=(".scss", ".less"),
        line_comments=_SLASHES,
        block_comments=_STARS,
        free_form=True,
        is_program=False,
    ),
)  # fmt: skip


@cache
def _by_suffix() -> dict[str, Language]:
    return {suffix: language for language in LANGUAGES for suffix in language.suffixes}


@cache
def _by_name() -> dict[str, Language]:
    return {name: language for language in LANGUAGES for name in language.file_names}


@cache
def _by_interpreter() -> dict[str, Language]:
    return {name: language for language in LANGUAGES for name in language.interpreters}


@cache
def _shebang() -> re.Pattern[bytes]:
    return re.compile(rb"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-\S+[ \t]+|\w+=\S*[ \t]+)*(?:\S*/)?)?([a-z]+(?:-[a-z]+)*)")


def language_of(path: str, first_line: bytes = b"") -> Language | None:
    """Return the language of a file, by its name, else by its first line; None if the table does not know it."""
    name = basename(path)
    found = _by_name().get(name) or _by_suffix().get(splitext(name)[1].lower())
    if found is not None or not first_line.startswith(b"#!"):
        return found
    shebang = _shebang().match(first_line)
    return _by_interpreter().get(shebang[1].decode()) if shebang else None
