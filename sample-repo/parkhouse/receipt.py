"""What the pay machine prints."""

from __future__ import annotations

from parkhouse.money import format_amount
from parkhouse.stay import Stay
from parkhouse.tariff import Tariff


def receipt(stay: Stay, tariff: Tariff) -> str:
    """The lines of a receipt."""
    hours, minutes = divmod(stay.minutes, 60)
    return "\n".join((f"parked  {hours} h {minutes:02} min", f"fee     {format_amount(tariff.fee(stay))}"))
