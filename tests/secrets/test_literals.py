"""Literals of code that a name is given."""

from __future__ import annotations

import pytest

from ralph_hooks import secrets


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("config.rs", 'pub const PASSWORD: &str = "VALUE";'),
        ("settings.py", 'password: SecretStr = Field(default="VALUE")'),
        ("app.R", 'password <- "VALUE"'),
        ("Config.cs", 'public string Password { get; set; } = "VALUE";'),
        ("form.ts", 'const password = ref<string>("VALUE")'),
        ("Main.vb", 'Dim password As String = "VALUE"'),
        ("a.ipynb", '   "PASSWORD = \\"VALUE\\"\\n",'),
        ("a.json", '"body": "{\\"password\\": \\"VALUE\\"}"'),
        ("ldap.conf", "bindPW: VALUE"),
    ],
)
def test_password_that_code_assigns_is_certain(path: str, line: str) -> None:
    (secret,) = secrets.find(line.replace("VALUE", "hunter" + "2x!"), path)
    assert secret.certain


@pytest.mark.parametrize(
    "line",
    [
        'def connect(password: str, user: str = "service1!x") -> None:',
        'password = keyring.get_password("service1", user)',
        'password: str = Field(description="the 2nd password!", min_length=8)',
        'password = os.environ["DB_PASS_2!x"]',
        'if password == other or user == "service1!x":',
        'password = get("x"); user = "service1!x"',
        '"""Pass the :class:`~jinja2.Environment2` as the first argument."""',
        'tokens = [("[a-z0-9]+", Name), (r"(#|//).*?$", Comment)]',
        'Token.String: "#AB0909"',
        'BARE_KEY_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz" "0123456789")',
        'id="cryptokeypairprivatekey" class="mark2!x"',
        "let bypass = 'service1!x';",
        "the pw parameter is ignored by pwd tools, see pass2",
    ],
)
def test_literal_that_is_no_value_is_left_alone(line: str) -> None:
    assert secrets.find(line) == ()
