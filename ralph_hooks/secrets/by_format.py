"""Credentials recognised by their own format: providers' keys, and private keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.secret import Secret
from ralph_hooks.secrets.text_index import SHOWN, TextIndex


class KeyFormat(Struct, frozen=True):
    """The shape of one kind of credential."""

    kind: str
    pattern: re.Pattern[str]
    group: int = 0
    """The part of a match that is the credential."""
    generic: bool = False
    """True for shapes that test data and examples have as well."""
    accepts: Callable[[str], bool] | None = None
    lower: bool = False
    """True for patterns in small letters, which are searched for in `TextIndex.lower`."""
    doubtful: bool = False
    """True for formats that other values may share: certain enough to mask, not to block."""


def formats(piece: TextIndex, *, doubtful: bool) -> Iterator[KeyFormat]:
    """Yield the formats that detect-secrets lacks and that can be in ``piece``."""
    for shapes, words in ((_OWN, piece.long), (_SHORT, piece.words)):
        for kind, needle, pattern in shapes:
            if needle in words and _compiled(pattern).search(words):  # first without the slow look behind
                yield KeyFormat(kind, _compiled(rf"(?<![A-Za-z0-9])(?:{pattern})"))
    for kind, needle, pattern, generic in _IN_CONTEXT:
        if needle in piece.lower:
            yield KeyFormat(kind, _compiled(pattern), 1, generic=generic, lower=True)
    if not doubtful:
        return
    for shapes, where in ((_DOUBTFUL, piece.long), (_DOUBTFUL_IN_CONTEXT, piece.lower)):
        for kind, needle, pattern in shapes:
            if needle in where:
                yield KeyFormat(kind, _compiled(pattern), 1, doubtful=True)


_compiled = lru_cache(maxsize=None)(re.compile)  # lazily: all of them take 15 ms

_Shapes = tuple[tuple[str, str, str], ...]

# Formats as their providers document them, where detect-secrets has none or an older one: kind, a string that every
# match holds, pattern.
_OWN: _Shapes = (
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
    ("Amazon Bedrock key", "ABSK", r"ABSK[A-Za-z0-9+/]{100,}=*"),
    ("Amazon Bedrock key", "bedrock-api-key-", r"bedrock-api-key-[A-Za-z0-9+/=]{20,}"),
    ("age secret key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("Heroku key", "HRKU-", r"HRKU-[\w-]{36,}"),
    ("New Relic key", "NRAL", r"[a-f0-9]{36}NRAL(?![A-Za-z0-9])"),
    ("New Relic key", "NRII-", r"NRII-[\w-]{32}"),
    ("Datadog key", "ddapp_", r"ddapp_[A-Za-z0-9]{34}"),
    ("Dynatrace token", "dt0", r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    ("Pulumi token", "pul-", r"pul-[a-f0-9]{40}"),
    ("HubSpot token", "pat-", r"pat-(?:na|eu)\d-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    ("SonarQube token", "sq", r"sq[apu]_[a-f0-9]{40}"),
    ("Buildkite token", "bkua_", r"bkua_[a-f0-9]{40}"),
    ("LangSmith key", "lsv2_", r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    ("Figma token", "figd_", r"figd_[\w-]{40,}"),
    ("Brevo key", "xkeysib-", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    ("Pinecone key", "pcsk_", r"pcsk_[A-Za-z0-9_]{40,}"),
    ("Tailscale key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9]{10,}-[A-Za-z0-9]{20,}"),
    ("1Password token", "ops_ey", r"ops_ey[\w+/=-]{100,}"),
    ("CircleCI token", "CCIPAT_", r"CCIPAT_[A-Za-z0-9]{20,}_[a-f0-9]{40}"),
    ("Airtable token", "pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("Bitbucket password", "ATBB", r"ATBB(?=[A-Za-z]*\d)[A-Za-z0-9]{32}"),
    ("ElevenLabs key", "sk_", r"sk_[a-f0-9]{48}(?![a-f0-9])"),
    ("Braintree token", "access_token$", r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}"),
    ("LinkedIn secret", "WPL_AP", r"WPL_AP\d\.[A-Za-z0-9]{16}\.[\w+/=]{8,}"),
    ("Cloudflare key", "v1.0-", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    ("Slack webhook", "hooks.slack.com", r"https://hooks\.slack\.com/(?:workflows|triggers)/[A-Z0-9]{9,}/[\w/]{20,}"),
    ("Teams webhook", "webhook.office.com", r"https://[\w-]+\.webhook\.office\.com/webhookb2/[\w@-]{36,}/[\w/-]{40,}"),
)
_SHORT: _Shapes = (  # of less than 20 characters
    ("Slack token", "xox", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"),
    ("Aiven credential", "AVNS_", r"AVNS_(?=[A-Z_-]*[a-z\d])[\w-]{9,}"),
)
# Those that need what stands before them: kind, a string that every match holds, pattern with the credential in its
# group, whether examples have them; all in small letters.
_IN_CONTEXT = (
    ("bearer token", "bearer", r"\bbearer\s+(?=[a-z.~+/=_-]*\d)([\w.~+/=-]{20,})", True),
    ("basic authorization", "basic", r"authorization[\"']?\s*[:=,]\s*[\"']?basic\s+([\w+/=]{12,})", True),
    ("npm credential", ":_", r":_(?:auth(?:token)?|password)\s*=\s*([^\s$\"'{(\\][^\s\"']{5,})", False),
    (
        "AWS secret access key",
        "secret",
        r"(?<!hashed_)secret[\w.-]{0,20}[\"']?\s{0,4}[:=]\s{0,4}[\"']?([a-z0-9/+]{40})(?![\w/+=.-])",
        False,
    ),
)

# Those that something else may be: kind, a string that every match holds, pattern with the credential in its group.
_DOUBTFUL: _Shapes = (
    ("test key", "k_test_", r"k_test_([A-Za-z0-9]{16,})"),
    ("signature of a signed URL", "sig=", r"sig=([\w%+/=-]{30,})"),
    ("code of a URL", "?code=", r"\?code=([\w%+/=-]{40,})"),
    ("instrumentation key", "strumentation", r"(?i:instrumentationkey=)([a-f0-9-]{36})"),
    ("password hash", "$2", r"(\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53})"),
    ("password hash", "$", r"(\$(?:[156]|apr1|argon2id?|y|scrypt)\$[\w./+=,$-]{20,300})"),
)
_ARGUMENT = r"[\"']?([^\s\"'$%{<][^\s\"']{5,200})"  # no variable
_QUOTED = r"[\"']([^\"'\n]{6,200})[\"']"
_SECOND = rf"[^\n,()]{{1,80}},\s?{_QUOTED}"  # of two arguments
_TELLING = r"(?:password|passwd|passphrase|secret|token)"
_DOUBTFUL_IN_CONTEXT: _Shapes = (  # the string in small letters
    ("Artifactory credential", "jfrog", r"(?i:jfrog)[^\n]{0,40}?\b(AP[\dA-F][A-Za-z0-9]{8,})"),
    ("Artifactory credential", "artif", r"(?i:artif)[^\n]{0,40}?\b(AP[\dA-F][A-Za-z0-9]{8,})"),
    ("password", "curl", rf"curl\b[^\n]{{0,200}}?\s(?:-u|--user)[\s=]{{0,2}}[\"']?[\w.@+-]{{1,80}}:{_ARGUMENT}"),
    ("password", "sshpass", rf"sshpass\s+-p\s*{_ARGUMENT}"),
    ("password", "redis-cli", rf"redis-cli\b[^\n]{{0,200}}?\s-a\s+{_ARGUMENT}"),
    ("password", "mysql", rf"mysql[\w-]{{0,10}}\s[^\n]{{0,200}}?(?<=\s)-p{_ARGUMENT}"),
    ("password", "login", rf"login\s[^\n]{{0,200}}?(?<=\s)-p\s+{_ARGUMENT}"),
    ("password", "login", rf"login\s{{1,4}}\S{{1,100}}(?:\s|[-+]\d+ ){{1,12}}password\s{{1,4}}{_ARGUMENT}"),  # .netrc
    ("password", "htpasswd", rf"htpasswd\s+-\w*b\w*\s+\S{{1,80}}\s+\S{{1,80}}\s+{_ARGUMENT}"),
    ("password", "openssl", rf"openssl\b[^\n]{{0,200}}?(?:-k\s+|\bpass:){_ARGUMENT}"),
    ("password", "keytool", rf"keytool\b[^\n]{{0,200}}?(?:store|key)pass\s+{_ARGUMENT}"),
    ("password", ":5432:", rf":5432:[\w*-]+:[\w*.-]+:{_ARGUMENT}"),  # .pgpass
    ("password", "jdbc:oracle", rf"jdbc:oracle:\w+:\w+/{_ARGUMENT}"),
    ("password", "identified by", rf"(?i:identified by)\s+(?=[\"']){_ARGUMENT}"),
    ("password", "securestring", rf"(?i:securestring)\s+[\"']{_ARGUMENT}"),
    ("password", "auth=(", r"auth=\(\s*[\"'][^\"'\n]{1,80}[\"'],\s*[\"']([^\"'\n]{6,200})[\"']"),
    ("password", "requirepass", rf"(?i)requirepass\s+{_ARGUMENT}"),
    ("password", "zip ", rf"(?i)zip\s[^\n]{{0,200}}?(?<=\s)-p\s{{0,4}}{_ARGUMENT}"),
    ("password", "passwordauthentication(", rf"(?i)passwordauthentication\({_SECOND}"),
    ("password", "networkcredential(", rf"(?i)networkcredential\({_SECOND}"),
    ("password", ".login(", rf"(?i)\.login\({_SECOND}"),
    (
        "password",
        "default",
        rf"(?i)[\"']-[\w-]{{0,40}}{_TELLING}[\w-]{{0,20}}[\"'],[^\n]{{0,200}}?\bdefault\s?=\s?{_QUOTED}",
    ),
    ("password", ": !", rf"(?i){_TELLING}\w{{0,20}}[\"']?:\s?![!\w]{{0,20}}\s+{_ARGUMENT}"),  # a tag of YAML
    (
        "password",
        "</key>",
        rf"(?i){_TELLING}[^<\n]{{0,40}}</key>(?:\s|[-+]\d+ ){{0,20}}<string>([^<\n]{{6,200}})</string>",
    ),
    (
        "password",
        "<<",
        rf"(?i){_TELLING}\w{{0,20}}\s?=\s?<<[-~]?[\"']?\w{{1,40}}[\"']?\s?\n{SHOWN}[ \t]*([^\n]{{6,200}})",
    ),
    ("password", " pic ", rf"(?i){_TELLING}[\w-]{{0,20}}\s+pic\s[^\n]{{1,60}}?value\s+{_QUOTED}"),
    ("password", "| ", rf"(?i){_TELLING}[^|\n]{{0,20}}\|\s?`?((?=[a-z]*[^a-z\s|`])[^\s|`]{{6,200}})`?\s?\|"),
    ("password", ", ", rf"(?i),[ \t]?\w{{0,40}}{_TELLING}\w{{0,20}}\s?=\s?[\"'][^\"'\n]{{0,100}}[\"'],\s?{_QUOTED}"),
    ("session", "cookie", r"(?i)cookie:\s?[\w-]{0,40}(?:token|sess|sid|auth)[\w-]{0,40}=([^\s;\"']{8,200})"),
    (
        "key in a header",
        "x-a",
        r"(?i)\bx-(?:api|auth)-(?:key|token)[\"']?\s?[:=]\s?[\"']?([^\s\"',${<][^\s\"',]{5,200})",
    ),
    ("basic authorization", '"auth"', r"\"auth\"\s*:\s*\"([A-Za-z0-9+/]{12,}={0,2})\""),  # of ~/.docker/config.json
)

_LEFT_OUT = {
    "IPPublicDetector",  # an address is no secret
    "PrivateKeyDetector",  # takes code that looks for the header for a key; see private_keys
    "BasicAuthDetector",  # takes any address; see names.in_addresses
}


# Strings in small letters of which a match holds at least one, for patterns that begin with something optional.
_NEEDLES = {
    "AWSKeyDetector": ("a3t", "abia", "acca", "akia", "asia", "aws"),
    "CloudantDetector": ("cl",),
    "DiscordBotTokenDetector": (".",),
    "IbmCloudIamDetector": ("key", "pwd", "pass", "token"),
    "IbmCosHmacDetector": ("secret",),
    "JwtTokenDetector": ("eyj",),
    "MailchimpDetector": ("-us",),
    "NpmDetector": ("_authtoken",),
    "SoftlayerDetector": ("sl", "softlayer"),
    "StripeDetector": ("k_live_",),
}


_IN_WORDS = {  # the same as patterns, for `TextIndex.words`
    "ArtifactoryDetector": lazy(r"A(?:KC|P[\dA-F])"),
    "IbmCloudIamDetector": lazy(r"[\w\[\\\]^`-]{44}"),
    "TelegramBotTokenDetector": lazy(r":[\w-]{35}"),
}


def library(piece: TextIndex) -> list[KeyFormat]:
    """Return the formats of detect-secrets that can be in ``piece``."""
    return [
        shape
        for needles, likely, shape in _library()
        if (not needles or any(map(piece.lower.__contains__, needles)))
        and (likely is None or likely.search(piece.words))
    ]


@lru_cache(maxsize=1)
def _library() -> tuple[tuple[tuple[str, ...], re.Pattern[str] | None, KeyFormat], ...]:
    """Return the provider formats of detect-secrets, with what a match needs, without changing its global settings."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    plugins: Mapping[str, Any] = get_mapping_from_secret_type_to_class()
    return tuple(
        (
            _NEEDLES.get(plugin.__name__, ()),
            _IN_WORDS.get(plugin.__name__),
            KeyFormat(plugin.secret_type, _from_its_beginning(plugin, pattern), **_extra(plugin)),
        )
        for plugin in plugins.values()
        if issubclass(plugin, RegexBasedDetector) and plugin.__name__ not in _LEFT_OUT
        for pattern in plugin.denylist
    )


_INSIDE = {
    "AWSKeyDetector": "[A-Za-z0-9+/]",  # of base64
    "TelegramBotTokenDetector": r"\d",  # of the account in `arn:aws:sqs:eu-west-1:123456789012:some-long-name`
}


def _from_its_beginning(plugin: Any, pattern: re.Pattern[str]) -> re.Pattern[str]:  # noqa: ANN401 - as below
    """Return ``pattern`` without matches that begin in the middle of something longer."""
    inside = _INSIDE.get(plugin.__name__)
    return re.compile(f"(?<!{inside})(?:{pattern.pattern})", pattern.flags) if inside else pattern


def _extra(plugin: Any) -> dict[str, Any]:  # noqa: ANN401 - the library ships no types
    if plugin.__name__ == "JwtTokenDetector":
        return {"accepts": plugin.is_formally_valid, "generic": True}
    if plugin.__name__ == "ArtifactoryDetector":  # its second pattern matches words in capitals, such as APACHECONFIG
        return {"accepts": lambda value: "AKC" in value or any(map(str.isdigit, value[1:]))}
    return {}


_MADE_UP = lazy(
    r"(?i)example|placeholder|redacted|your[-_]|0123456789|1234567890|abcdefgh|deadbeef|(.)\1{7}"
    r"|eyJzdWIiOiIxMjM0NTY3ODkwI"  # the subject "1234567890" of the token that jwt.io shows
)


def made_up(value: str) -> bool:
    """Return True for keys that documentation shows, such as ``AKIAIOSFODNN7EXAMPLE``."""
    return _MADE_UP.search(value) is not None


_KEY_BEGIN = lazy(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_KEY_END = lazy(r"-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|Private-MAC:.*")
_KEY_WORDS = ("PRIVATE KEY", "PuTTY-User-Key-File-", "Private-MAC:")  # the one that every match holds
_KEY_BODY = lazy(r"[A-Za-z0-9+/=]{32,}")
_KEY_REACH = 16_384  # characters: an RSA key of 8,192 bits has 6,400 in PEM
_BODY_REACH = 400  # characters from the header to the first line of the body; header fields lie between


_KEY_ALONE = lazy(r"[ \t]*\n[^\n]+")
_PREFIX = lazy(rf"(?:^|\n){SHOWN}[-+ \t]*$")
_LONGEST_PREFIX = 400  # characters before the header on its line


def private_keys(text: str) -> Iterator[Secret]:
    """Yield private keys from header to footer (https://www.rfc-editor.org/rfc/rfc7468, PuTTY's own format).

    A header without a body is code that looks for one; alone on its line it is masked with what follows.
    """
    if not any(each in text for each in _KEY_WORDS):
        return
    position = 0
    footers = iter(_KEY_END.finditer(text))
    footer = next(footers, None)
    while header := _KEY_BEGIN.search(text, position):
        yield from _footers(text, position, header.start())
        position = header.end()
        reach = position + _KEY_REACH
        while footer and footer.start() < position:
            footer = next(footers, None)
        ends = [footer] if footer and footer.end() <= reach else []
        if body := _KEY_BODY.search(text, position, position + _BODY_REACH):
            position = max(match.end() for match in ends or _KEY_BODY.finditer(text, body.start(), reach))  # or cut off
            yield Secret("private key", header.start(), position, certain=True)
        elif (alone := _KEY_ALONE.match(text, position)) and _begins_its_line(text, header.start()):
            position = (ends or [alone])[0].end()
            yield Secret("private key", header.start(), position, certain=False)
    yield from _footers(text, position, len(text))


def _footers(text: str, start: int, end: int) -> Iterator[Secret]:
    """Yield footers alone on their line whose header is not shown, with the line before."""
    for footer in _KEY_END.finditer(text, start, end):
        line = text.rfind("\n", 0, footer.start())
        if line >= 0 and _begins_its_line(text, footer.start()):
            yield Secret("private key", text.rfind("\n", 0, line) + 1, footer.end(), certain=False)


def _begins_its_line(text: str, start: int) -> bool:
    return _PREFIX.search(text, max(0, start - _LONGEST_PREFIX), start) is not None
