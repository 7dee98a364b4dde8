"""Recognise a known credential where its context does not identify it, as in the output of a test."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from ralph_hooks.secrets.escapes import without_escapes
from ralph_hooks.secrets.scan import scan
from ralph_hooks.secrets.values import SHORTEST_UNMISTAKABLE, mixed, noise, random_looking, worded

_MANY = 100  # values; fewer are replaced faster one by one
_LONGEST = 8_192  # characters; a longer one is a private key


class KnownSecrets:
    """The credentials found so far. Thread-safe."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._lock = threading.Lock()

    def learn(self, value: str, shown: str) -> None:
        """Replace ``value`` with ``shown`` from now on, if the value is unmistakable."""
        if not is_unmistakable(value) or len(value) > _LONGEST:
            return
        forms = [form for form in _forms(value) if len(form) >= SHORTEST_UNMISTAKABLE]
        with self._lock:
            self._shown |= {form: shown for form in forms if form not in self._shown}

    def learn_from(self, text: str, path: str, shown: str) -> None:
        """Learn every credential in ``text``."""
        for secret in scan(text, path):
            self.learn(text[secret.start : secret.end], shown)

    def mask(self, text: str) -> str:
        """Return ``text`` without the credentials that are known."""
        with self._lock:
            known = sorted(self._shown.items(), key=lambda item: -len(item[0]))
        if len(known) > _MANY:
            return _replaced(text, known)
        for value, shown in known:
            text = text.replace(value, shown)
        return text


def _replaced(text: str, known: Sequence[tuple[str, str]]) -> str:
    """Return ``text`` without the ``known`` values, the longest first, in time that does not depend on their number."""
    by_start: dict[str, list[tuple[str, str]]] = {}
    for value, shown in known:
        by_start.setdefault(value[:SHORTEST_UNMISTAKABLE], []).append((value, shown))
    parts: list[str] = []
    kept = position = 0
    while position < len(text):
        for value, shown in by_start.get(text[position : position + SHORTEST_UNMISTAKABLE], ()):
            if text.startswith(value, position):
                parts += [text[kept:position], shown]
                kept = position = position + len(value)
                break
        else:
            position += 1
    return "".join([*parts, text[kept:]])


def is_unmistakable(value: str) -> bool:
    """Return True for a credential that is unambiguous in any context: no ordinary word, no name."""
    if len(value) < SHORTEST_UNMISTAKABLE:
        return False
    return noise(value) or random_looking(value) or (mixed(value) and not worded(value))


def _of_html(value: str) -> str:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;")):
        value = value.replace(sign, entity)
    return value


def _forms(value: str) -> list[str]:
    """Return the ways in which programs print ``value``: escaped, quoted, encoded, also twice in JSON."""
    import base64  # both cost every commit two milliseconds, and few of them a value
    import json

    plain = dict.fromkeys([value, without_escapes(value)])
    once = dict.fromkeys(
        form
        for text in plain
        if _encodable(text)
        for form in (
            text,
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            repr(text)[1:-1],
            _of_html(text),
            quote(text, safe=""),
            quote(text),
            quote_plus(text),
            base64.b64encode(text.encode("utf-8", "replace")).decode().rstrip("="),
        )
    )
    return list(dict.fromkeys([*once, *(json.dumps(text)[1:-1] for text in once)]))


def _encodable(value: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in value)
