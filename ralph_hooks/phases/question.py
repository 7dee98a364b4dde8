"""Common parts of all phases: a question to a model, the fence around data, the parsing of replies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from ralph_hooks.core.codec import from_json, refuse_doubles
from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.core.model_errors import ModelError, Refused, Unreadable
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import beginning, one_line

_EXCERPT = 120  # characters
_DECLINES = lazy(
    r"(?i)\bI(?:['\u2019]m| am) (?:so )?(?:sorry|unable|not able|not comfortable)\b"
    r"|\bI (?:can ?not|can['\u2019]t|won['\u2019]t|will not|must decline|have to decline|decline|refuse)\b"
    r"|\b(?:unable|not able) to (?:help|assist|comply|review|analy[sz]e|process|provide)\b"
    r"|\b(?:my|safety|usage|content) (?:guidelines|policy|policies)\b"
)

Reply = TypeVar("Reply")
Item = TypeVar("Item", bound=msgspec.Struct)


class Question(msgspec.Struct, Generic[Reply], frozen=True, kw_only=True):
    """One request to a model: the prompt and the parser of the answer."""

    phase: Phase
    system: str
    prompt: str
    shape: type[msgspec.Struct]
    """The type of the reply; its JSON Schema goes with the request."""
    read: Callable[[bytes], Reply]
    """The reply from its JSON text. Raises Unreadable."""
    name: str = ""
    """Name of the shape if a phase has several; otherwise the phase names it."""
    task: str = ""
    """The same for a coding agent, which works on the files itself; empty for phases that no agent serves."""
    max_output: int = 4096
    """Tokens the reply may have."""
    divisible: bool = False
    """True if the asker can split the question when it does not fit."""


def prompt_version(system: str, shape: type[msgspec.Struct]) -> str:
    """Return the version of a prompt: any change of its text or of the reply's shape invalidates cached answers."""
    return hashlib.sha256(f"{system}\0{msgspec.json.schema(shape)}".encode()).hexdigest()[:12]


def fenced(marker: str, data: str) -> str:
    """Return ``data`` between two lines that its author cannot have foreseen."""
    return f"BEGIN {marker}\n{data}\nEND {marker}"


def strip_fence(text: str) -> bytes:
    """Return a reply without the one Markdown fence that models like to put around JSON."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        stripped = stripped.partition("\n")[2].removesuffix("```").strip()
    return stripped.encode("utf-8", "surrogatepass")


def read_items(raws: list[msgspec.Raw], shape: type[Item]) -> tuple[list[Item], int]:
    """Decode the items of a reply one by one; return those that fit, and the number of the others."""
    good: list[Item] = []
    for raw in raws:
        try:
            good.append(from_json(raw, shape))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return good, len(raws) - len(good)


def decode(data: bytes, shape: type[Item]) -> Item:
    """Return a whole reply as a ``shape``.

    Raises Refused for a refusal in prose, and Unreadable where it is not JSON of that shape, or says two things under
    one name.
    """
    try:
        reply = from_json(data, shape)
        refuse_doubles(data)
    except (ValueError, RecursionError) as error:  # both JSON decoders raise ValueError
        if not data.lstrip().startswith((b"{", b"[")):
            raise _prose(data.decode("utf-8", "replace").strip()) from error
        raise Unreadable(f"the reply does not match the requested schema ({error})") from error
    return reply


def _prose(text: str) -> ModelError:
    """Return the fault for an answer in prose: most are refusals, which another request for JSON would not change."""
    said = one_line(beginning(" ".join(text.split()), _EXCERPT))
    if _DECLINES.search(text):
        return Refused(f'the model declined to answer: "{said}"')
    return Unreadable(f'the model answered in prose, not in JSON: "{said}"')
