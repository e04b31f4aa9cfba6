"""Results that are a number of days and grow by one each day: as they are on a day, from a row of an earlier one."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.expressions.types import DATE, INTEGER, Name, Scope
from server.features.objects import results as stored
from server.features.objects.step import Expression, expression

Element = sa.ColumnElement[Any]


def ageing(catalog: Catalog, object_key: str) -> tuple[str, ...]:
    return tuple(name for name, output in stored.outputs(catalog, object_key).items() if output.ages)


def aged(catalog: Catalog, value: Element, since: Element, day: Element) -> Element:
    """A number of days as of `since`, on the day. Unknown stays unknown."""
    names = {"value": Name(INTEGER), "since": Name(DATE), "day": Name(DATE)}
    made: Expression = catalog.once(("assessment.aged",), lambda: expression("value + days_between(since, day)", Scope(names)))
    return made.sql({"value": value, "since": since, "day": day})


def between(rows: Sequence[tuple[date, Any]], until: date) -> list[tuple[date, Any]]:
    """The values of an age over time, from rows of its history: it grows from each to the day before the next, and from the last to `until`."""
    found = []
    ends = [day - timedelta(days=1) for day, _ in rows[1:]] + [until]
    for (day, value), end in zip(rows, ends, strict=True):
        found.append((day, value))
        if value is not None and end > day:
            found.append((end, value + (end - day).days))
    return found


def on_day(catalog: Catalog, object_key: str, row: sa.FromClause, day: Element) -> Mapping[str, Element]:
    """The outputs of a row of results or of their history, by name, as they are on a day on which nothing but time has changed them."""
    names = stored.outputs(catalog, object_key)
    return {name: aged(catalog, row.c[name], row.c.as_of, day) if output.ages else row.c[name] for name, output in names.items()}
