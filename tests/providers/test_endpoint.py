"""Headers, query, the way the key travels, and client certificates."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from ralph_hooks.core import model_errors
from ralph_hooks.core.route import Auth
from tests.support.asking import KEY, ask, model
from tests.support.server import ModelServer, Reply, Request

FINE = Reply.json_text({"findings": []})
CONFIG = "pc-made-up-0123456789"


def sent(wire: str, environ: dict[str, str] | None = None, **changes: object) -> Request:
    with ModelServer(FINE) as server:
        ask(model(wire, server.url, **changes), environ=environ)
    (request,) = server.requests
    return request


@pytest.mark.parametrize("wire", ["openai", "openai-responses", "anthropic"])
@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (Auth.BEARER, {"authorization": f"Bearer {KEY}"}),
        (Auth.X_API_KEY, {"x-api-key": KEY}),
        (Auth.API_KEY, {"api-key": KEY}),
        (Auth.NONE, {}),
    ],
)
def test_the_key_travels_in_the_header_that_was_chosen(wire: str, auth: Auth, header: dict[str, str]) -> None:
    headers = sent(wire, auth=auth).headers
    assert {name: headers[name] for name in ("authorization", "x-api-key", "api-key") if name in headers} == header


def test_portkey_as_it_documents_its_headers() -> None:
    """https://portkey.ai/docs/api-reference/inference-api/headers."""
    request = sent(
        "openai",
        {"PORTKEY_CONFIG": CONFIG},
        auth=Auth.NONE,
        headers={"x-portkey-api-key": "${SCRIPTED_KEY}", "x-portkey-config": "${PORTKEY_CONFIG}", "x-team": "payments"},
    )
    assert request.headers["x-portkey-api-key"] == KEY
    assert request.headers["x-portkey-config"] == CONFIG
    assert request.headers["x-team"] == "payments"


def test_litellm_behind_the_anthropic_wire() -> None:
    """https://docs.litellm.ai/docs/anthropic_unified: ANTHROPIC_AUTH_TOKEN is a bearer token."""
    request = sent("anthropic", {"ANTHROPIC_AUTH_TOKEN": KEY}, auth=Auth.BEARER, api_key_env="ANTHROPIC_AUTH_TOKEN")
    assert request.path == "/v1/messages"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "x-api-key" not in request.headers


def test_azure_with_a_dated_version() -> None:
    """https://learn.microsoft.com/azure/ai-services/openai/reference."""
    with ModelServer(FINE) as server:
        url = server.url.removesuffix("/v1") + "/openai/deployments/mini"
        ask(model("openai", url, auth=Auth.API_KEY, query={"api-version": "2024-10-21"}))
    (request,) = server.requests
    assert request.path == "/openai/deployments/mini/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == KEY


def test_a_query_is_encoded() -> None:
    assert sent("openai", query={"a b": "c&d=é"}).path.endswith("?a+b=c%26d%3D%C3%A9")


def test_a_variable_that_is_not_set_is_named_before_anything_is_sent() -> None:
    with (
        ModelServer(FINE) as server,
        pytest.raises(model_errors.NoCredential, match="PORTKEY_CONFIG in the header"),
    ):
        ask(model("openai", server.url, headers={"x-c": "${PORTKEY_CONFIG}"}))
    assert server.requests == []


def test_a_value_that_would_add_a_header_is_not_sent_and_not_shown() -> None:
    with ModelServer(FINE) as server, pytest.raises(model_errors.Misconfigured, match="header x-c") as caught:
        ask(model("openai", server.url, headers={"x-c": "${C}"}), environ={"C": "secret\r\nx-d: 1"})
    assert server.requests == []
    assert "secret" not in str(caught.value)


def test_a_variable_in_a_header_is_repeated_by_no_answer_and_no_error() -> None:
    headers = {"x-portkey-config": "${PORTKEY_CONFIG}"}
    with ModelServer(lambda request: Reply.text(request.headers["x-portkey-config"])) as server:
        done = ask(model("openai", server.url, headers=headers), environ={"PORTKEY_CONFIG": CONFIG})
    assert done.text == "[key]"
    told = {"error": {"message": f"no such config: {CONFIG}"}}
    with ModelServer(Reply.status(400, told)) as server, pytest.raises(model_errors.Rejected) as caught:
        ask(model("openai", server.url, headers=headers), environ={"PORTKEY_CONFIG": CONFIG})
    assert "no such config: [key]" in str(caught.value)


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[ssl.SSLContext, dict[str, str], Path, Path]:
    """A server that wants a certificate of its clients; the environment that trusts it; a certificate and its key."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    mine = authority.issue_cert("developer@corp.example")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    return context, {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}, tmp_path / "cert.pem", tmp_path / "key.pem"


def test_a_server_that_wants_a_certificate_gets_it(
    certificates: tuple[ssl.SSLContext, dict[str, str], Path, Path], tmp_path: Path
) -> None:
    context, environ, cert, key = certificates
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    with ModelServer(FINE, tls=context) as server:
        ask(model("openai", server.url, client_cert=str(cert), client_key=str(key)), environ=environ)
        ask(model("openai", server.url, client_cert=str(both)), environ=environ)
        with pytest.raises((model_errors.Misconfigured, model_errors.Unreachable)):
            ask(model("openai", server.url), environ=environ)
    assert len(server.requests) == 2


def test_a_certificate_that_cannot_be_used_is_named(
    certificates: tuple[ssl.SSLContext, dict[str, str], Path, Path], tmp_path: Path
) -> None:
    context, environ, cert, _ = certificates
    with ModelServer(FINE, tls=context) as server:
        for path, words in ((tmp_path / "gone.pem", "no such file"), (cert, "no usable PEM")):
            with pytest.raises(model_errors.Misconfigured, match=words):
                ask(model("openai", server.url, client_cert=str(path)), environ=environ)
