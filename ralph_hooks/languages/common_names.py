"""Names of functions and methods that programs usually call on types of their language's own library."""

from __future__ import annotations

import builtins
from functools import cache

_OTHERS = """
add all any append apply assert assign at bind call catch ceil chars clear clone close collect compare concat console
contains copy count create debug default delete destroy dispose done each emit empty encode end entries equals error
eval every exec execute exists exit expect fail fetch fill filter finally find first flat flatten floor flush fmt
forEach format from get getAll getOrDefault has hashCode hash head hide include includes index indexOf info init insert
instance into invoke isEmpty item iter iterator join key keys last len length list listen load lock log log10 lower main
make map match max merge min name new next node none now number object off ok on open options or order parse path peek
pipe pop post print printf println process push put query raise read reduce register reject release remove render
repeat replace require reset resolve result resume reverse round run save scan search seek select send serialize set
setAll setState setup shift show size sleep slice some sort splice split sprintf start stat state status stop stream
string submit substring sum swap sync tail take test text then throw time toArray toList toLowerCase toString
toUpperCase trim trunc type unlock unshift unwrap update upper use validate value valueOf values wait warn with wrap
write writeln yield zip
"""


def is_common(name: str) -> bool:
    """Return True if ``name`` alone says little about which definition is called."""
    return name in _common()


@cache
def _common() -> frozenset[str]:
    types = (str, bytes, list, dict, set, tuple, int, float, BaseException, type(iter("")), type(_OTHERS.__len__))
    methods = (name for each in types for name in dir(each))
    return frozenset((*dir(builtins), *methods, *_OTHERS.split()))
