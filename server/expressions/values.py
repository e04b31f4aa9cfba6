"""Values as the language sees them: what comes in from records, and the conversions between types."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from server.expressions.functions.moments import moment_date
from server.expressions.numbers import read_integer, read_number
from server.expressions.types import NUMBER, At, Type


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _read_boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else bool(value) if value in (0, 1) and isinstance(value, int) else None


def _read_date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) else None


def _read_datetime(value: Any) -> datetime | None:
    """A moment without offset is in UTC, as databases hold it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _read_list(value: Any) -> list[str] | None:
    """A list without items is null: a database cannot tell the two apart."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return [str(v) for v in value] or None if isinstance(value, list | tuple | set | frozenset) else None


READERS: Mapping[str, Callable[[Any], Any]] = {
    "text": _read_text,
    "integer": read_integer,
    "number": read_number,
    "boolean": _read_boolean,
    "date": _read_date,
    "datetime": _read_datetime,
    "list": _read_list,
}


def convert(value: Any, wanted: Type | None, at: At) -> Any:
    """A value where another type is wanted: integer to number, moment to its local date. Nothing else is converted but null, which is of any type."""
    if value is None or wanted is None:
        return value
    return float(value) if wanted == NUMBER else moment_date(at, value)
