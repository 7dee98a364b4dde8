"""Made-up credentials of common services, put together at run time so that no scanner takes this file for a leak."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

import msgspec

from ralph_hooks.core.ports.checks import CheckResult

LETTERS = string.ascii_letters
ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
URL_SAFE = ALNUM + "-_"


def draw(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def _token(*parts: str | tuple[str, int]) -> Callable[[random.Random], str]:
    """Fixed parts as text, random ones as alphabet and length."""
    return lambda rng: "".join(part if isinstance(part, str) else draw(rng, *part) for part in parts)


def _jwt(rng: random.Random) -> str:
    head, body = (
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for text in ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{rng.randrange(10**9)}","name":"Ada"}}')
    )
    return f"{head}.{body}.{draw(rng, URL_SAFE, 42)}A"


def _slack_bot(rng: random.Random) -> str:
    digits = string.digits
    return f"xo{'xb'}-{draw(rng, digits, 12)}-{draw(rng, digits, 13)}-{draw(rng, ALNUM, 24)}"


SERVICES: dict[str, Callable[[random.Random], str]] = {
    "AWS access key id": _token("AK", "IA", (UPPER, 16)),
    "GitHub": _token("gh", "p_", (ALNUM, 36)),
    "GitHub fine-grained": _token("github", "_pat_", (ALNUM, 22), "_", (ALNUM, 59)),
    "GitLab": _token("gl", "pat-", (URL_SAFE, 19), ("abc", 1)),
    "Slack": _slack_bot,
    "Slack webhook": _token("https://hooks.", "slack.com/services/T", (UPPER, 8), "/B", (UPPER, 8), "/", (ALNUM, 24)),
    "Stripe": _token("sk", "_live_", (ALNUM, 24)),
    "Stripe, new": _token("rk", "_live_", (ALNUM, 99)),
    "Google API": _token("AI", "za", (URL_SAFE, 34), ("abc", 1)),
    "OpenAI": _token("sk-", "proj-", (ALNUM, 48)),
    "OpenAI, legacy": _token("sk-", (ALNUM, 20), "T3Blbk", "FJ", (ALNUM, 20)),
    "Anthropic": _token("sk-", "ant-api03-", (URL_SAFE, 93), "AA"),
    "OpenRouter": _token("sk-", "or-v1-", (HEX, 64)),
    "DeepSeek": _token("sk-", (HEX, 32)),
    "Groq": _token("gs", "k_", (ALNUM, 52)),
    "Hugging Face": _token("hf", "_", (LETTERS, 34)),
    "npm": _token("np", "m_", (ALNUM, 36)),
    "PyPI": _token("pypi-", "AgEIcHlwaS5vcmc", (URL_SAFE, 149), "A"),
    "DigitalOcean": _token("dop", "_v1_", (HEX, 64)),
    "Shopify": _token("shp", "at_", (HEX, 32)),
    "Databricks": _token("da", "pi", (HEX, 32)),
    "Linear": _token("lin", "_api_", (ALNUM, 40)),
    "Telegram": _token(("123456789", 1), (string.digits, 8), ":AA", (ALNUM, 33)),
    "SendGrid": _token("SG", ".", (URL_SAFE, 22), ".", (ALNUM, 43)),
    "Twilio": _token("S", "K", (HEX, 32)),
    "Mailgun": _token("ke", "y-", (HEX, 32)),
    "Vault": _token("hv", "s.", (ALNUM, 90)),
    "Docker Hub": _token("dckr", "_pat_", (ALNUM, 27)),
    "JWT": _jwt,
}

NAMED: dict[str, Callable[[random.Random], str]] = {
    "AWS_SECRET_ACCESS_KEY": _token((BASE64, 39), ("abc", 1)),
    "DD_API_KEY": _token((HEX, 32)),
    "AZURE_CLIENT_SECRET": _token((ALNUM, 3), "8Q~", (ALNUM, 34)),
    "TWILIO_AUTH_TOKEN": _token((HEX, 32)),
    "SECRET_KEY": _token((ALNUM, 50)),
}
"""Credentials without a format of their own: their name identifies them."""


SIGNS = "!#$%&()*+,-./:;<=>?@[]^_{|}~"


def password(rng: random.Random, size: int = 16) -> str:
    """As a password manager makes it: any sign but quotes, white space and the backslash."""
    return (
        draw(rng, LETTERS, 1) + draw(rng, ALNUM + SIGNS, size - 3) + draw(rng, string.digits, 1) + draw(rng, UPPER, 1)
    )


def private_key(rng: random.Random, kind: str = "RSA ") -> str:
    """Twelve lines that look like a private key in PEM."""
    lines = "\n".join(draw(rng, BASE64, 64) for _ in range(12))
    return f"-----BEGIN {kind}PRI{'VATE'} KEY-----\n{lines}\n-----END {kind}PRI{'VATE'} KEY-----"


FORMS = (
    ("a.py", 'value = "{}"'),
    ("a.txt", "client({}, 3)"),
    (".env", "NAME={}"),
    ("a.yaml", "  thing: {}"),
    ("a.json", '    "x": "{}",'),
    ("uv.lock", 'url = "https://x.acme.io/?x={}&y=1"'),
    ("run.sh", 'curl -H "X-Y: {}" https://acme.io'),
)


def shows(result: CheckResult, value: str) -> bool:
    """True where a report or the store would hold ``value``."""
    return value in msgspec.json.encode(result).decode()


PASSWORD = "hunter" + "2x!"
