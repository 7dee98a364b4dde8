"""Notations in which programs and people write a credential."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from tests.support.credentials import draw

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


def written(notation: str, name: str, value: str) -> str:
    return NOTATIONS[notation].replace("NAME", name).replace("VALUE", value)


def leaks(value: str, text: str) -> bool:
    """True where any five characters in a row of ``value`` are left."""
    return any(value[start : start + 5] in text for start in range(len(value) - 4))
