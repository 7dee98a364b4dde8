"""Credentials that are told by their own shape: what providers' keys look like, and private keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ralph_hooks.secrets import Secret
from ralph_hooks.secrets.piece import Piece


class Format(Struct, frozen=True):
    """The shape of one kind of credential."""

    kind: str
    pattern: re.Pattern[str]
    group: int = 0
    """The part of a match that is the credential."""
    generic: bool = False
    """True for shapes that test data and examples have as well."""
    accepts: Callable[[str], bool] | None = None
    lower: bool = False
    """True for patterns in small letters, which are searched for in `Piece.lower`."""


def formats(piece: Piece) -> Iterator[Format]:
    """The formats that detect-secrets lacks and that can be in ``piece``."""
    for kind, needle, pattern in _OWN:
        if needle in piece.words and _compiled(pattern).search(piece.words):  # first without the slow look behind
            yield Format(kind, _compiled(rf"(?<![A-Za-z0-9])(?:{pattern})"))
    for kind, needle, pattern, generic in _IN_CONTEXT:
        if needle in piece.lower:
            yield Format(kind, _compiled(pattern), 1, generic=generic, lower=True)


_compiled = lru_cache(maxsize=None)(re.compile)  # lazily: all of them take 15 ms

# Formats as their providers document them, where detect-secrets has none or an older one: kind, a string that every
# match holds, pattern.
_OWN = (
    ("Anthropic API key", "sk-ant-", r"sk-ant-[\w-]{20,}"),
    ("OpenRouter API key", "sk-or-", r"sk-or-(?:v1-)?[\w-]{20,}"),
    ("OpenAI API key", "sk-", r"sk-(?:proj|svcacct|admin|None)-[\w-]{20,}"),
    ("API key", "sk-", r"sk-(?:[a-z]{2,8}-)?(?=[A-Za-z]*\d)[A-Za-z0-9]{32,}"),
    ("Google API key", "AIza", r"AIza[\w-]{35}"),
    ("Google OAuth client secret", "GOCSPX-", r"GOCSPX-[\w-]{24,}"),
    ("Google OAuth access token", "ya29.", r"ya29\.[\w-]{20,}"),
    ("GitHub token", "gh", r"gh[opsur]_[A-Za-z0-9_]{36,}"),
    ("GitHub token", "github_pat_", r"github_pat_\w{40,}"),
    ("GitLab token", "gl", r"gl(?:pat|rt|dt|cbt|ptt|ft|imt|soat|agent)-[\w.-]{20,}"),
    ("Slack token", "xox", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"),
    ("Slack app token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{20,}"),
    ("Stripe API key", "k_live_", r"[rs]k_live_[A-Za-z0-9]{16,}"),
    ("Stripe webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{32,}"),
    ("npm token", "npm_", r"npm_[A-Za-z0-9]{36,}"),
    ("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    ("Groq API key", "gsk_", r"gsk_[A-Za-z0-9]{40,}"),
    ("xAI API key", "xai-", r"xai-[A-Za-z0-9]{60,}"),
    ("Replicate token", "r8_", r"r8_[A-Za-z0-9]{37,}"),
    ("Perplexity API key", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    ("DigitalOcean token", "_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    ("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("Databricks token", "dapi", r"dapi[a-f0-9]{32}(?:-\d)?"),
    ("Linear key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    ("Notion token", "ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    ("Mailgun key", "key-", r"key-[a-f0-9]{32}(?![a-f0-9])"),
    ("Postman key", "PMAK-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("Atlassian token", "ATATT3", r"ATATT3[\w=-]{100,}"),
    ("New Relic key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    ("Grafana token", "gl", r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/=]{32,}"),
    ("Sentry token", "sntry", r"sntry[su]_[\w+/=-]{40,}"),
    ("HashiCorp Vault token", "hv", r"hv[bs]\.[\w-]{24,}"),
    ("Terraform Cloud token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}"),
    ("PlanetScale credential", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{32,}"),
    ("Supabase key", "sb", r"sbp_[a-f0-9]{40}|sb_secret_[\w-]{20,}"),
    ("Netlify token", "nfp_", r"nfp_[A-Za-z0-9]{36,}"),
    ("Docker Hub token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{27,}"),
    ("RubyGems key", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    ("crates.io token", "cio", r"cio(?=[A-Za-z]*\d)[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    ("Doppler token", "dp.", r"dp\.(?:pt|st|ct|sa)\.(?:[\w-]+\.)?[A-Za-z0-9]{40,}"),
    ("Azure client secret", "Q~", r"[\w.~]{3}\dQ~[\w.~-]{31,34}"),
    ("Square token", "sq0atp-", r"sq0atp-[\w-]{22}"),
    ("Discord webhook", "/api/webhooks/", r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]{60,}"),
    ("Aiven credential", "AVNS_", r"AVNS_(?=[A-Z_-]*[a-z\d])[\w-]{9,}"),
    ("Amazon Bedrock key", "ABSK", r"ABSK[A-Za-z0-9+/]{100,}=*"),
    ("Amazon Bedrock key", "bedrock-api-key-", r"bedrock-api-key-[A-Za-z0-9+/=]{20,}"),
    ("age secret key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
)
# Those that need what stands before them: kind, a string that every match holds, pattern with the credential in its
# group, whether examples have them; all in small letters.
_IN_CONTEXT = (
    ("bearer token", "bearer", r"\bbearer\s+(?=[a-z.~+/=_-]*\d)([\w.~+/=-]{20,})", True),
    ("basic authorization", "basic", r"authorization[\"']?\s*[:=,]\s*[\"']?basic\s+([\w+/=]{12,})", True),
    ("npm credential", ":_auth", r":_auth(?:token)?\s*=\s*([^\s$\"'{(\\][^\s\"']{5,})", False),
    (
        "AWS secret access key",
        "secret",
        r"secret[\w.-]{0,20}[\"']?\s{0,4}[:=]\s{0,4}[\"']?([a-z0-9/+]{40})(?![\w/+=.-])",
        False,
    ),
)

_LEFT_OUT = {
    "IPPublicDetector",  # an address is no secret
    "PrivateKeyDetector",  # takes code that looks for the header for a key; see private_keys
    "BasicAuthDetector",  # takes any address; see names.in_addresses
}


@lru_cache(maxsize=1)
def library() -> tuple[Format, ...]:
    """The provider formats of detect-secrets, whose global settings are left as they are."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    plugins: Mapping[str, Any] = get_mapping_from_secret_type_to_class()
    return tuple(
        Format(plugin.secret_type, _from_its_beginning(plugin, pattern), **_extra(plugin))
        for plugin in plugins.values()
        if issubclass(plugin, RegexBasedDetector) and plugin.__name__ not in _LEFT_OUT
        for pattern in plugin.denylist
    )


_INSIDE = {
    "AWSKeyDetector": "[A-Za-z0-9+/]",  # of base64
    "TelegramBotTokenDetector": r"\d",  # of the account in `arn:aws:sqs:eu-west-1:123456789012:some-long-name`
}


def _from_its_beginning(plugin: Any, pattern: re.Pattern[str]) -> re.Pattern[str]:  # noqa: ANN401 - as below
    """``pattern``, not where a match would begin in the middle of something longer."""
    inside = _INSIDE.get(plugin.__name__)
    return re.compile(f"(?<!{inside})(?:{pattern.pattern})", pattern.flags) if inside else pattern


def _extra(plugin: Any) -> dict[str, Any]:  # noqa: ANN401 - the library ships no types
    if plugin.__name__ == "JwtTokenDetector":
        return {"accepts": plugin.is_formally_valid, "generic": True}
    if plugin.__name__ == "ArtifactoryDetector":  # its second pattern matches words in capitals, such as APACHECONFIG
        return {"accepts": lambda value: "AKC" in value or any(map(str.isdigit, value[1:]))}
    return {}


_MADE_UP = re.compile(r"(?i)example|placeholder|redacted|your[-_]|1234567890|abcdefgh|(.)\1{7}")


def made_up(value: str) -> bool:
    """True for keys that documentation shows, such as ``AKIAIOSFODNN7EXAMPLE``."""
    return _MADE_UP.search(value) is not None


_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|Private-MAC:.*")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{32,}")
_KEY_REACH = 16_384  # characters: an RSA key of 8,192 bits has 6,400 in PEM
_BODY_REACH = 400  # characters from the header to the first line of the body; header fields lie between


def private_keys(text: str) -> Iterator[Secret]:
    """Private keys from header to footer (https://www.rfc-editor.org/rfc/rfc7468, PuTTY's own format).

    A header without a body is code that looks for one.
    """
    position = 0
    while header := _KEY_BEGIN.search(text, position):
        position = header.end()
        body = _KEY_BODY.search(text, position, position + _BODY_REACH)
        if body is None:
            continue
        reach = position + _KEY_REACH
        footer = _KEY_END.search(text, position, reach)
        ends = [footer] if footer else _KEY_BODY.finditer(text, position, reach)  # it may be cut off
        position = max(match.end() for match in ends)
        yield Secret("private key", header.start(), position, certain=True)
