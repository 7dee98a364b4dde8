from datetime import datetime

import pytest

from parkhouse.receipt import receipt
from parkhouse.stay import Stay
from parkhouse.tariff import Tariff

TARIFF = Tariff(hour=250, day_maximum=1800, free_minutes=15)


def stay(arrived: str, left: str) -> Stay:
    return Stay(datetime.fromisoformat(arrived), datetime.fromisoformat(left))


@pytest.mark.parametrize(
    ("left", "cents"),
    [("08:15", 0), ("08:16", 250), ("09:00", 250), ("09:01", 500), ("10:20", 750), ("23:00", 1800)],
)
def test_every_started_hour_counts_up_to_the_maximum(left: str, cents: int) -> None:
    assert TARIFF.fee(stay("2024-05-03T08:00", f"2024-05-03T{left}")) == cents


def test_the_maximum_holds_for_each_day() -> None:
    assert TARIFF.fee(stay("2024-05-03T08:00", "2024-05-05T08:00")) == 3 * 1800


def test_a_stay_is_cut_at_midnight() -> None:
    parts = list(stay("2024-05-03T23:30", "2024-05-04T00:30").days())
    assert [part.minutes for part in parts] == [30, 30]


def test_leaving_before_arriving_is_refused() -> None:
    with pytest.raises(ValueError, match="before arriving"):
        stay("2024-05-03T08:00", "2024-05-03T07:59")


def test_a_receipt_says_how_long_and_how_much() -> None:
    text = receipt(stay("2024-05-03T08:00", "2024-05-03T10:05"), TARIFF)
    assert text.splitlines() == ["parked  2 h 05 min", "fee     7.50"]
