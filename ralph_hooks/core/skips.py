"""A way through in an emergency: parts of a judgement that the user skips by ``RALPH_HOOKS_SKIP``."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from ralph_hooks.core.text import one_line

VARIABLE = "RALPH_HOOKS_SKIP"
MODELS, REVIEW, COMMANDS, SECRETS = "models", "review", "commands", "secrets"
_PARTS = (MODELS, REVIEW, COMMANDS)


class Skips(Struct, frozen=True):
    """Parts of a review that the user skips."""

    names: tuple[str, ...] = ()

    @property
    def models(self) -> bool:
        """True if no model is called."""
        return not {MODELS, REVIEW}.isdisjoint(self.names)

    @property
    def commands(self) -> bool:
        """True if no verify command runs."""
        return COMMANDS in self.names

    @property
    def secrets(self) -> bool:
        """True if nothing is scanned for secrets."""
        return SECRETS in self.names

    def check(self, name: str) -> bool:
        """Return True if the check ``name`` does not run. `review` keeps the secret scan: skip that by name."""
        return name in self.names or (REVIEW in self.names and name != SECRETS)

    def __str__(self) -> str:
        return ",".join(self.names)


def read(text: str, checks: Iterable[str]) -> Skips:
    """Return what ``text``, the value of the variable, skips.

    Raises ValueError, with what is wrong and what to do, for a name that is none and for `secrets` beside others.
    """
    names = tuple(dict.fromkeys(word for word in text.replace(",", " ").split()))
    known: Collection[str] = dict.fromkeys((*_PARTS, *checks))
    for name in names:
        if name not in known:
            raise ValueError(
                f"{VARIABLE} names {one_line(name)!r}, which is not a part of the review",
                f"choose from: {', '.join(known)}",
            )
    if SECRETS in names and len(names) > 1:
        raise ValueError(
            f"{VARIABLE} would skip the secret scan together with other parts",
            f"if a finding is wrong, skip only the secret scan ({VARIABLE}={SECRETS}), or dismiss it by its id",
        )
    return Skips(names)
