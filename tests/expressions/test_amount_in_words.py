"""Amounts in Chinese capitals: examples of the bank's rules, and read back for any amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.expressions.functions.writing import amount_in_words

EXAMPLES = {
    "0": "零元整",
    "0.05": "伍分",
    "0.30": "叁角整",
    "1.01": "壹元零壹分",
    "10": "壹拾元整",
    "1234.50": "壹仟贰佰叁拾肆元伍角整",
    "16409.02": "壹万陆仟肆佰零玖元零贰分",
    "1005.30": "壹仟零伍元叁角整",
    "100000": "壹拾万元整",
    "107000.53": "壹拾万柒仟元伍角叁分",
    "100000000": "壹亿元整",
    "100000001": "壹亿零壹元整",
    "100010000": "壹亿零壹万元整",
    "1000000000000": "壹万亿元整",
    "1000100000000": "壹万零壹亿元整",
    "-8.5": "负捌元伍角整",
    "-0.001": "零元整",
}


@pytest.mark.parametrize(("amount", "words"), EXAMPLES.items())
def test_as_the_bank_writes_it(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount)) == words


def test_there_is_an_end() -> None:
    assert amount_in_words(Decimal(10) ** 16) is None


DIGITS = "零壹贰叁肆伍陆柒捌玖"


def read(words: str) -> Decimal:
    """The amount that the words say."""
    sign = -1 if words.startswith("负") else 1
    yuan, _, small = words.removeprefix("负").removesuffix("整").rpartition("元")
    fen, digit = 0, 0
    for char in small:
        if char in DIGITS:
            digit = DIGITS.index(char)
        else:
            fen += digit * {"角": 10, "分": 1}[char]
    total = group = part = digit = 0
    for char in yuan:
        if char in DIGITS:
            digit = DIGITS.index(char)
        elif char in "拾佰仟":
            part += digit * {"拾": 10, "佰": 100, "仟": 1000}[char]
            digit = 0
        elif char == "万":
            group, part, digit = (group + part + digit) * 10_000, 0, 0
        else:
            total, group, part, digit = total + (group + part + digit) * 10**8, 0, 0, 0
    return sign * (total + group + part + digit + Decimal(fen) / 100)


@given(st.integers(-(10**18) + 1, 10**18 - 1).map(lambda fen: Decimal(fen) / 100))
def test_what_is_written_says_the_amount(amount: Decimal) -> None:
    words = amount_in_words(amount)
    assert words is not None
    assert read(words) == amount
    assert "零零" not in words and not words.removeprefix("负").startswith("零") or amount == 0
