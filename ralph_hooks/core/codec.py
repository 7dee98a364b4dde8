"""JSON and MessagePack of a known shape: the one place that decodes them.

Two threads must not begin to at the same time: msgspec builds what it has to know of a Struct when it first decodes
one, and leaves it half-built in the type until then. A second thread that comes upon it there crashes the process (seen
with 0.22 on Python 3.11 to 3.13). So decoders are built one at a time.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

Shape = TypeVar("Shape")

_building = threading.Lock()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}
_packed: dict[object, msgspec.msgpack.Decoder[Any]] = {}


def from_json(data: bytes | str | msgspec.Raw, shape: type[Shape]) -> Shape:
    """``data`` as a ``shape``; safe from several threads. Raises msgspec.DecodeError where it is none."""
    with _building:
        decoder = _decoders.get(shape)
        if decoder is None:
            decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    decoded: Shape = decoder.decode(data)
    return decoded


def from_msgpack(data: bytes, shape: type[Shape]) -> Shape:
    """As `from_json`, for what travels between machines."""
    with _building:
        decoder = _packed.get(shape)
        if decoder is None:
            decoder = _packed[shape] = msgspec.msgpack.Decoder(shape)
    decoded: Shape = decoder.decode(data)
    return decoded
