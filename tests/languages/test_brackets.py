"""Brackets count as the compiler sees them: not in comments and texts, and whichever branch is compiled."""

from __future__ import annotations

import pytest

from ralph_hooks.languages.brackets import unbalanced


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("C", "/* { */ int f(void) { return '{' + \"}\"[0]; } // {\n"),
        ("C", '#ifdef __cplusplus\nextern "C" {\n#endif\nint x;\n#ifdef __cplusplus\n}\n#endif\n'),
        ("C", "#if A\nif (a) {\n#elif B\nif (b) {\n#else\n{\n#endif\n}\n"),
        ("C", "#define BEGIN {\n#if 0\ndon't {\n#endif\n"),
        ("C++", 'int n = 1\'000\'000; auto s = u8R"x( )" { )x";\n'),
        ("C#", 'var a = @"C:\\"; var b = $"{d["k"]}"; var c = """ { " """;\n'),
        ("CSS", ".a\\{ { background: url(data:x/{y;z) }\n"),
    ],
)
def test_sound_text_balances(language: str, text: str) -> None:
    assert unbalanced(language, text.encode()) is None


@pytest.mark.parametrize("text", ["#if A\nf(\n#else\nf()\n#endif\n", "it's {\n", "/* {\n", "#ifdef A\n}\n#endif\n"])
def test_what_may_be_meant_is_not_certain(text: str) -> None:
    assert unbalanced("C", text.encode()) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("int f(void)\n{\n  if (x) {\n}\n", (2, "`{` is never closed")),
        ("int a[2;\nint b;\n}\n", (3, "`}` closes a `[`")),
        ("#if A\n#else\n#endif\n}\n", (4, "`}` closes nothing")),
    ],
)
def test_a_bracket_without_a_partner_is_found(text: str, found: tuple[int, str]) -> None:
    assert unbalanced("C", text.encode()) == found
