"""Values that are no credential."""

from __future__ import annotations

import pytest

from ralph_hooks.checks.secrets import Secrets
from tests.support.credentials import PASSWORD
from tests.support.sources import findings


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", 'password = os.environ["PASSWORD_2"]'),
        ("a.py", 'password = "password"'),
        ("a.py", 'password = "changeme123"'),
        ("a.py", "token = next_token2(stream)"),
        ("a.py", 'secret_name = "database-credentials-2"'),
        ("a.py", "def login(user: str, password: str) -> None:"),
        ("a.py", 'if "-----BEGIN RSA PRI' + 'VATE KEY-----" in text:'),
        ("a.py", 'KEY = "AKIA' + 'IOSFODNN7EXAMPLE"'),
        ("a.md", "Use `https://user:password@example.com/`."),
        ("ci.yml", "password: ${{ secrets.DEPLOY_2 }}"),
        ("ci.yml", "uses: actions/checkout@08eba0b27e820071cde6df949e0beb9ba4906955"),
        ("de.json", '"password": "Passwort"'),
        ("web.config", 'assemblyIdentity publicKeyToken="1fc8b3b9a1e18e3b"'),
        ("a.py", 'KEYWORDS = {"pass", "else2!"}'),
        ("a.js", "Buffer.from(password, 'base64')"),
        ("pg.conf", "password_encryption = scram-sha-256"),
        ("a.json", '"ClientToken": "6d80e3a6-4a5c-4f8b-9b5e-' + '3c1f0b2d9a77"'),
        ("a.py", 'start(ClientRequestToken="' + 'f4c94ed7238d4c4693db48cd62ec33b7")'),
        ("a.py", 'request_token = "' + 'a8ca07e461ec439999f419853801bcd5"'),
        ("a.yaml", 'idempotency_token: "' + 'a8ca07e461ec439999f419853801bcd5"'),
        ("a.json", '"AWS::ApiGateway::ApiKey": "' + '48205d4ffd7feba3"'),
        ("a.json", '"LockToken": "' + '0674c84b-0304-47fe-8728-c6bff46af8fc"'),
        ("a.php", "'password' => 'required|min:8|max:20'"),
        ("a.json", '"NextToken": "eyJOZXh0VG9rZW4iOm51bGx9ZmFsc2V9"'),
        ("a.json", '"tokenExpirationTime": "2026-03-16T03:45:09+00:00"'),
        (
            "a.tf",
            'queue = "arn:aws:sqs:eu-west-1:123456789012:' + "a-queue-whose-name-is-of-many-words-and-letters" + '"',
        ),
        ("a.js", 'wasm = "fCyACQQA2AgAgACEBDIQCCyABI' + 'ARHBEADQCABLQAAQYAai0AACIAQQFHBEAg"'),
        ("a.py", 'bypass = "else2!"'),
        ("a.py", 'keyring.get_password("service1", user)'),
        ("a.py", 'password = r"[^a-z0-9]{8,}|[A-Z](?=\\d)"'),
        ("a.py", 'password = "${DB_Pw1:?}"'),
        ("a.php", "$password = $_POST['pw1'];"),
        ("a.yaml", "password: {{ .Values.Pw1 }}"),
        ("a.html", '<input id="Text1!" name="password">'),
        (".npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN_1}"),
        ("tests/test_login.py", f'password = "{PASSWORD}"'),
        (".env.example", f"DB_PASSWORD={PASSWORD}"),
    ],
)
def test_what_only_speaks_of_a_credential_does_not_block(path: str, line: str) -> None:
    assert findings(Secrets(), path, line) == ()
