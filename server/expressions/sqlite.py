"""Python functions that SQLite connections get, for what SQLite's own SQL cannot say: (name, number of arguments, function).

They are made from the records of the language: the Python side of a form, between SQLite's values and ours.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from server.expressions.function import Form
from server.expressions.functions.moments import MOMENT_DATE
from server.expressions.registry import FUNCTIONS as RECORDS
from server.expressions.types import At

READ: Mapping[str, Callable[[Any], Any]] = {
    "number": float,
    "boolean": bool,
    "date": date.fromisoformat,
    "datetime": lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
    "list": json.loads,
}
WRITE: Mapping[str, Callable[[Any], Any]] = {
    "boolean": int,
    "date": date.isoformat,
    "datetime": lambda moment: moment.replace(tzinfo=None).isoformat(" ", "microseconds"),
    "list": lambda items: json.dumps(items, ensure_ascii=False, separators=(",", ":")),
}


@lru_cache(maxsize=16)
def _zone(name: str) -> At:
    """Such a function may ask for the zone; for the moment it may not."""
    return At(datetime(2000, 1, 1, tzinfo=UTC), ZoneInfo(name))


def called(form: Form) -> Callable[..., Any]:
    """The Python side of a form on SQLite's values."""
    write = WRITE.get(form.result)
    readers = [READ.get(p.type) for p in form.params]
    last = len(form.params) - 1

    def run(*given: Any) -> Any:
        at, arguments = (given[:1], given[1:]) if form.at else ((), given)
        if not form.sees_null and None in arguments:
            return None
        read = (readers[min(i, last)] for i in range(len(arguments)))
        values = [value if reader is None or value is None else reader(value) for reader, value in zip(read, arguments)]
        found = form.python(*map(_zone, at), *values)
        return found if write is None or found is None else write(found)

    return run


def _registered() -> Iterator[tuple[str, int, Callable[..., Any]]]:
    for form in (MOMENT_DATE, *(form for record in RECORDS.values() for form in record.forms)):
        if form.registered:
            yield f"weatherglass_{form.registered}", -1 if form.repeat else len(form.params) + form.at, called(form)


FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = tuple(_registered())
