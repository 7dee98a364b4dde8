"""What a stay costs."""

from __future__ import annotations

from dataclasses import dataclass

from parkhouse.stay import Stay


@dataclass(frozen=True)
class Tariff:
    """Prices in cents. The first minutes are free, then every started hour counts, up to a maximum for each day."""

    hour: int = 250
    day_maximum: int = 1800
    free_minutes: int = 15

    def fee(self, stay: Stay) -> int:
        """Cents for ``stay``."""
        if stay.minutes <= self.free_minutes:
            return 0
        return sum(self._day(part) for part in stay.days())

    def _day(self, part: Stay) -> int:
        started_hours = -(-part.minutes // 60)
        return min(started_hours * self.hour, self.day_maximum)
