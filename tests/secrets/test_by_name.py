"""A password under a telling name is masked in whatever language, nesting and escaping it is written."""

from __future__ import annotations

import html
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks import secrets
from ralph_hooks.trust.redaction import Redaction
from tests.support.credentials import SERVICES, draw

ALNUM = string.ascii_letters + string.digits
PASSWORDS: dict[str, Callable[[random.Random], str]] = {
    "a word, digits and signs": lambda rng: (
        rng.choice(["hunter", "Summer", "dragon"])
        + draw(rng, string.digits, 2)
        + rng.choice("!?@*")
        + draw(rng, "xyz", 1)
    ),
    "letters and digits": lambda rng: draw(rng, ALNUM, 10) + "7a",
    "hexadecimal": lambda rng: draw(rng, "0123456789abcdef", 30) + "1a",
    "with a hash": lambda rng: draw(rng, ALNUM, 4) + "#" + draw(rng, ALNUM, 6) + "4",
    "any signs": lambda rng: draw(rng, string.ascii_letters, 1) + draw(rng, ALNUM + "!#$%*+-?@^_~", 12) + "9Z",
}
NAMES = ("password", "PASSWORD", "dbPassword", "DB_PASSWORD", "smtp_passwd", "adminPw", "userPwd", "passphrase")

# NAME is the name of a credential and VALUE the credential.
QUOTED = {
    "C": 'char NAME[32] = "VALUE";',
    "C macro": '#define NAME "VALUE"',
    "C++": 'const std::string NAME{"VALUE"};',
    "C++ constructor": 'std::string NAME("VALUE");',
    "C#": 'string NAME = "VALUE";',
    "C# property": 'public string NAME { get; set; } = "VALUE";',
    "C# expression": 'public string NAME => "VALUE";',
    "Objective-C": 'NSString *NAME = @"VALUE";',
    "Java": 'private static final String NAME = "VALUE";',
    "Java property": 'properties.setProperty("NAME", "VALUE");',
    "Kotlin": 'val NAME: String = "VALUE"',
    "Swift": 'let NAME: String? = "VALUE"',
    "Scala": 'val NAME = Some("VALUE")',
    "Groovy": 'def NAME = "VALUE"',
    "Go": 'NAME := "VALUE"',
    "Go field": 'NAME: "VALUE",',
    "Go type": 'var NAME string = "VALUE"',
    "Go tuple": 'NAME, err := "VALUE", nil',
    "Rust": 'const NAME: &str = "VALUE";',
    "Rust lifetime": 'const NAME: &\'static str = "VALUE";',
    "Rust option": 'NAME: Some("VALUE"),',
    "Rust string": 'NAME: String::from("VALUE"),',
    "Rust owned": 'NAME: "VALUE".to_string(),',
    "Zig": 'const NAME: []const u8 = "VALUE";',
    "Nim": 'let NAME: string = "VALUE"',
    "D": 'immutable string NAME = "VALUE";',
    "JavaScript": "const NAME = 'VALUE';",
    "JavaScript object": '{ NAME: "VALUE" }',
    "JavaScript default": 'process.env.NAME ?? "VALUE"',
    "JavaScript condition": 'NAME = debug ? "VALUE" : null',
    "JavaScript definition": 'NAME: { type: String, default: "VALUE" }',
    "TypeScript": 'private NAME: string | null = "VALUE";',
    "TypeScript generic": 'const NAME = ref<string>("VALUE");',
    "TypeScript type": 'const NAME: Ref<string> = ref("VALUE")',
    "TypeScript cast": 'const NAME = <string>"VALUE"',
    "Python": "NAME = 'VALUE'",
    "Python bytes": 'NAME = b"VALUE"',
    "Python triple quotes": 'NAME = """VALUE"""',
    "Python annotation": 'NAME: Annotated[str, Field(min_length=3)] = "VALUE"',
    "Python default": 'NAME = os.environ.get("NAME", "VALUE")',
    "Python or": 'NAME = os.getenv("NAME") or "VALUE"',
    "Python argument": 'connect("ada", NAME="VALUE")',
    "Python dict": '{"NAME": "VALUE"}',
    "Python comparison": 'if NAME == "VALUE":',
    "pydantic": 'NAME: str = Field(default="VALUE")',
    "pydantic secret": 'NAME: SecretStr = SecretStr("VALUE")',
    "Django": 'NAME = models.CharField(max_length=20, default="VALUE")',
    "environs": 'env.str("NAME", default="VALUE")',
    "click": '@click.option("--NAME", default="VALUE")',
    "Ruby": "NAME = 'VALUE'",
    "Ruby symbol": ':NAME => "VALUE"',
    "Ruby fetch": 'ENV.fetch("NAME") { "VALUE" }',
    "Perl": 'my $NAME = "VALUE";',
    "PHP": "$config['NAME'] = 'VALUE';",
    "PHP constant": 'define("NAME", "VALUE");',
    "PHP array": "'NAME' => 'VALUE',",
    "R": 'NAME <- "VALUE"',
    "R, reversed": '"VALUE" -> NAME',
    "Julia": 'NAME::String = "VALUE"',
    "MATLAB": "NAME = 'VALUE';",
    "Fortran": 'character(len=*), parameter :: NAME = "VALUE"',
    "COBOL": 'MOVE "VALUE" TO NAME',
    "Ada": 'NAME : constant String := "VALUE";',
    "Pascal": "const NAME: string = 'VALUE';",
    "Visual Basic": 'Dim NAME As String = "VALUE"',
    "Haskell": 'NAME = T.pack "VALUE"',
    "OCaml": 'let NAME = "VALUE"',
    "Elixir": 'NAME: System.get_env("NAME") || "VALUE"',
    "Erlang": '{NAME, "VALUE"}',
    "Clojure": '{:NAME "VALUE"}',
    "Lisp": '(setq NAME "VALUE")',
    "Lua": 'NAME = "VALUE"',
    "Lua table": '["NAME"] = "VALUE",',
    "PowerShell": '$NAME = "VALUE"',
    "Terraform": 'variable "NAME" {\n  default = "VALUE"\n}',
    "Nix": 'NAME = "VALUE";',
    "Dart": "final String NAME = 'VALUE';",
    "Gradle": 'NAME "VALUE"',
    "list": 'NAMEs = ["VALUE"]',
    "parentheses": 'NAME = ("VALUE")',
    "JSON list": '"NAME": ["VALUE"]',
}
PLAIN = {
    "shell": "export NAME=VALUE",
    "fish": "set -x NAME VALUE",
    "batch": "set NAME=VALUE",
    "make": "NAME ?= VALUE",
    "Dockerfile": "ENV NAME VALUE",
    "option": "tool --NAME=VALUE",
    "YAML": "NAME: VALUE",
    "INI": "NAME = VALUE",
    "XML": "<NAME>VALUE</NAME>",
    "XML attribute": '<property name="NAME" value="VALUE"/>',
    "LDAP": "bindPW: VALUE",
    "SQL": "ALTER USER ada WITH PASSWORD 'VALUE';",
    "SQL insert": "INSERT INTO users (name, NAME) values ('ada', 'VALUE');",
    "comment": "# NAME: VALUE",
    "comment in C": "/* NAME VALUE */",
    "comment, spoken": "// the NAME is VALUE",
    "log": "login with NAME=VALUE failed",
    "log in brackets": "[NAME=VALUE]",
    "representation": "<Config NAME=VALUE>",
    "Perl q": "my $NAME = q(VALUE);",
    "Ruby %q": "NAME = %q(VALUE)",
    "Lua long string": "NAME = [[VALUE]]",
}
NOTATIONS = QUOTED | PLAIN
SHOWN = ("{}", "+7 {}", "  | E       {}", "  code: {}")
"""How a request shows a line."""


def written(notation: str, name: str, value: str) -> str:
    return NOTATIONS[notation].replace("NAME", name).replace("VALUE", value)


def leaks(value: str, text: str) -> bool:
    """True where any five characters in a row of ``value`` are left."""
    return any(value[start : start + 5] in text for start in range(len(value) - 4))


def shown_as(form: str, text: str) -> str:
    return "\n".join(form.format(line) for line in text.split("\n"))


@pytest.mark.parametrize("notation", NOTATIONS)
def test_password_is_masked_in_every_notation(notation: str) -> None:
    rng = random.Random(notation)
    for form in SHOWN:
        for kind, make in PASSWORDS.items():
            for name in NAMES:
                value = make(rng)
                text = shown_as(form, written(notation, name, value))
                assert not leaks(value, Redaction().mask(text)), (kind, text)


NESTINGS: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps({"source": text}),
    "JSON, pretty": lambda text: json.dumps({"body": text}, indent=1),
    "notebook": lambda text: json.dumps({"source": [*(f"{line}\n" for line in text.split("\n"))]}, indent=1),
    "representation": lambda text: f"x = {text!r}",
    "HTML": lambda text: f"<pre>{html.escape(text)}</pre>",
    "URL": lambda text: f"https://acme.io/?q={quote(text, safe='')}",
    "assertion": lambda text: f"E   AssertionError: assert {text!r} == None",
    "shell": lambda text: "curl -d " + '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '" https://acme.io',
}


def test_scan_for_blocking_finds_every_certain_credential() -> None:
    rng = random.Random(7)
    keys = [f"deploy with {service(rng)} today" for service in SERVICES.values()]
    for path in ("app.py", "deploy.env", "notes.txt"):
        lines = [written(each, "DB_PASSWORD", PASSWORDS["hexadecimal"](rng)) for each in NOTATIONS]
        for line in [*lines, *keys]:
            text = f"The password of the user account is kept elsewhere.\n{line}\nno token there\n"
            certain = [(each.start, each.kind) for each in secrets.find(text, path) if each.certain]
            assert [(each.start, each.kind) for each in secrets.find(text, path, doubtful=False)] == certain, line


@pytest.mark.parametrize("outer", NESTINGS)
def test_password_is_masked_in_text_within_text(outer: str) -> None:
    rng = random.Random(outer)
    for notation in QUOTED:
        for inner in ("", *NESTINGS):
            value = draw(rng, ALNUM, 10) + "7a"
            text = written(notation, "password", value)
            for nesting in filter(None, (inner, outer)):
                text = NESTINGS[nesting](text)
            assert not leaks(value, Redaction().mask(text)), (notation, inner, text)


@settings(max_examples=200, deadline=None)
@given(
    notation=st.sampled_from(sorted(NOTATIONS)),
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(sorted(PASSWORDS)),
    nestings=st.lists(st.sampled_from(sorted(NESTINGS)), max_size=3),
    before=st.text(max_size=30),
    seed=st.integers(0, 10**6),
)
def test_no_nesting_changes_what_is_outside_a_credential(
    notation: str, name: str, kind: str, nestings: list[str], before: str, seed: int
) -> None:
    text = written(notation, name, PASSWORDS[kind](random.Random(seed)))
    for nesting in nestings:
        text = NESTINGS[nesting](text)
    text = f"{before}\n{text}"
    end = 0
    for secret in secrets.find(text):
        assert end <= secret.start < secret.end <= len(text)
        end = secret.end


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
