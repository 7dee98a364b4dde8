import pytest

from parkhouse.money import format_amount, parse_amount, split


@pytest.mark.parametrize(("text", "cents"), [("12", 1200), ("12.50", 1250), (" 0.05 ", 5)])
def test_amounts_are_read_to_the_cent(text: str, cents: int) -> None:
    assert parse_amount(text) == cents


@pytest.mark.parametrize("text", ["", "12.5", "-3", "12,50", "twelve"])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_amount(text)


@pytest.mark.parametrize(("cents", "text"), [(1250, "12.50"), (5, "0.05"), (-5, "-0.05"), (0, "0.00")])
def test_amounts_are_shown_with_two_decimals(cents: int, text: str) -> None:
    assert format_amount(cents) == text


def test_shares_add_up_to_the_cent() -> None:
    assert split(1000, 3) == [334, 333, 333]
