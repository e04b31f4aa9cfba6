"""Python functions that SQLite connections get, for what SQLite's own SQL cannot say: (name, number of arguments, function)."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from server.expressions.functions.dates import add_months, moment_date
from server.expressions.numbers import number_text
from server.expressions.types import At


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _text(number: float | None) -> str | None:
    return None if number is None else number_text(float(number))


def _add_months(day: str | None, count: int | None) -> str | None:
    if day is None or count is None:
        return None
    found = add_months(date.fromisoformat(day), count)
    return found.isoformat() if found else None


@lru_cache(maxsize=16)
def _zone(name: str) -> At:
    return At(datetime(2000, 1, 1, tzinfo=UTC), ZoneInfo(name))


def _date(moment: str | None, zone: str) -> str | None:
    if moment is None:
        return None
    found = moment_date(_zone(zone), datetime.fromisoformat(moment).replace(tzinfo=UTC))
    return found.isoformat() if found else None


FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("weatherglass_lower", 1, _lower),
    ("weatherglass_upper", 1, _upper),
    ("weatherglass_text", 1, _text),
    ("weatherglass_add_months", 2, _add_months),
    ("weatherglass_date", 2, _date),
)
