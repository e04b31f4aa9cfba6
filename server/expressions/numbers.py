"""Arithmetic of the language in Python, exactly as the SQL side does it: IEEE doubles, 64-bit integers, null instead of an error.

Numbers are compared after rounding to 9 decimals, so that 0.1 + 0.2 == 0.3. `NUDGE` carries the same idea into rounding: a number that
equals a whole (or a half) to 9 decimals is treated as that whole (or half).
"""

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from server.expressions import limits

NUDGE = 5e-10
HALF = 0.500000001
WHOLE = 4503599627370496.0  # 2**52: from here on a double has no fraction
LARGEST_EXPONENT = 230.0  # exp(230) is just below the largest number
_SCALE = 1e9
_EXACT = Context(prec=130, rounding=ROUND_HALF_UP)
_NINE = Decimal(1).scaleb(-9)


def read_number(value: Any) -> float | None:
    """A given value as a number of the language: None for what is not one (text, NaN, infinity, too large), 0 when too small."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if isinstance(value, str | bytes) or not -limits.NUMBER < number < limits.NUMBER:
        return None
    return number if abs(number) >= limits.QUANTUM else 0.0


def read_integer(value: Any) -> int | None:
    if isinstance(value, int):
        return int(value) if -limits.INTEGER - 1 <= value <= limits.INTEGER else None
    number = read_number(value)
    return checked(int(number)) if number is not None and number.is_integer() else None


def checked(value: int) -> int | None:
    """An integer result, or null when it left 64 bits."""
    return value if -limits.INTEGER <= value <= limits.INTEGER else None


def settle(value: float) -> float | None:
    """Back into the range of stored numbers: null when too large, 0 (or the nearest quantum) when too small."""
    if not -limits.NUMBER < value < limits.NUMBER:
        return None
    if value >= limits.EXACT or value <= -limits.EXACT:
        return value
    return math.floor(value * (1 / limits.QUANTUM) + 0.5) * limits.QUANTUM


def key(value: float) -> float:
    """What comparison looks at: the number of billionths, rounded."""
    return (value * _SCALE + 0.5) // 1.0


def least_with_key(wanted: float) -> float:
    """The smallest double whose key is at least `wanted`: turns a comparison with a literal into one plain comparison."""
    near = (wanted - 0.5) / _SCALE
    width = abs(near) * 2.0**-50 + 1 / _SCALE  # it lies no farther from there, however the steps of doubles are rounded
    low, high = near - width, near + width
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (low, middle) if key(middle) >= wanted else (middle, high)
    return high


def bounds_of_equal(literal: float) -> tuple[float, float]:
    """The doubles that equal the literal: from the first value to (not including) the second."""
    wanted = key(literal)
    return least_with_key(wanted), least_with_key(math.nextafter(wanted, math.inf))


def add(a: int, b: int) -> int | None:
    return checked(a + b)


def subtract(a: int, b: int) -> int | None:
    return checked(a - b)


def multiply(a: int, b: int) -> int | None:
    return checked(a * b)


def divide(a: float, b: float) -> float | None:
    return a / b if b else None


def negative(a: int) -> int | None:
    return checked(-a)


def absolute(a: int) -> int | None:
    return checked(abs(a))


def floor_divide_integers(a: int, b: int) -> int | None:
    """The lowest integer of 64 bits has no negative; engines differ about it, so here it is out of range."""
    return a // b if b and a >= -limits.INTEGER else None


def modulo_integers(a: int, b: int) -> int | None:
    return a % b if b and a >= -limits.INTEGER else None


def floor_number(x: float) -> float:
    return x if abs(x) >= WHOLE else float(math.floor(x + NUDGE))


def ceil_number(x: float) -> float:
    return x if abs(x) >= WHOLE else float(math.ceil(x - NUDGE))


def round_number(x: float) -> float:
    """To a whole number, half away from zero."""
    if abs(x) >= WHOLE:
        return x
    return float(-math.floor(HALF - x) if x < 0 else math.floor(x + HALF))


def to_integer(x: float) -> int | None:
    return int(x) if abs(x) < 9223372036854775808.0 else None


def floor_divide(a: float, b: float) -> float | None:
    return floor_number(a / b) if b else None


def modulo(a: float, b: float) -> float | None:
    return a - b * floor_number(a / b) if b else None


def power(x: float, y: float) -> float | None:
    if (x == 0 and y < 0) or (x < 0 and not y.is_integer()):
        return None
    size = y * math.log(abs(x)) if x else 0.0
    if size > LARGEST_EXPONENT:
        return None
    return 0.0 if size < -LARGEST_EXPONENT else math.pow(x, y)


def exp(x: float) -> float | None:
    if x > LARGEST_EXPONENT:
        return None
    return 0.0 if x < -LARGEST_EXPONENT else math.exp(x)


def ln(x: float) -> float | None:
    return math.log(x) if x > 0 else None


def sqrt(x: float) -> float | None:
    return math.sqrt(x) if x >= 0 else None


def number_text(x: float) -> str:
    """At most 15 digits and 9 decimals, no exponent, no zeros at the end. (PostgreSQL turns a double into decimals with 15 digits.)"""
    exact = Decimal(f"{x:.15g}").quantize(_NINE, context=_EXACT)
    text = format(exact, "f").rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
