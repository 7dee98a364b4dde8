"""Values below the name of a credential."""

from __future__ import annotations

import pytest

from ralph_hooks import secrets

VALUE = "rX7" + "kq92Lm"


@pytest.mark.parametrize(
    "text",
    [
        f"passwords:\n  db: {VALUE}\n",
        f"passwords:\n  - {VALUE}\n",
        f"password =\n    {VALUE}\n",
        f"user,password\nada,{VALUE}\n",
        f"insert into users (name, password) values ('ada', '{VALUE}');\n",
        f"kind: Secret\ndata:\n  any: {VALUE}\n",
    ],
)
def test_value_below_a_heading_is_masked_and_does_not_block(text: str) -> None:
    assert VALUE not in secrets.mask(text)
    assert not any(secret.certain for secret in secrets.find(text, "a.txt"))


def test_value_behind_the_block_stays() -> None:
    assert VALUE in secrets.mask(f"passwords:\n  db: x\nplace: {VALUE}\n")
