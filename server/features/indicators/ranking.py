"""Where a record stands within its group: how many of a hundred of the group's values lie below its own.

The population gives each group 99 marks, the values below which 1, 2, ... 99 of a hundred lie (as `percentile` has them); they are worked out with the
population's other values, by a full run, and kept. A rank is the highest mark that lies below the record's value, 0 to 99: equal values rank equally,
and a save ranks its record by the marks of the last run.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from server.expressions.types import INTEGER, NUMBER, At, Scope
from server.features.indicators.kind import Indicator
from server.features.objects.step import DECIMALS, Columns, Step, Values, expression, rounded, rounded_sql, whole, word

PERCENTS = range(1, 100)
MOST_GROUPS = 12  # each has its 99 marks in every statement
EVERYBODY = ""


def groups_of(indicator: Indicator, scope: Scope) -> tuple[str, ...]:
    """The options that group the population; without a group all are one."""
    known = scope.names.get(indicator.group.strip())
    return known.options if known is not None and indicator.group else (EVERYBODY,)


def mark_prefix(indicator: Indicator, group: str) -> str:
    """What the names of a group's marks begin with; the statement that works them out gives it with each row."""
    return f"{indicator.key}.{group}"


def mark_name(prefix: str, percent: int) -> str:
    """The population's value that is a mark of a group; no key can look like it."""
    return f"{prefix}.{percent}"


def mark_names(indicator: Indicator, scope: Scope) -> Iterator[str]:
    yield from (mark_name(mark_prefix(indicator, group), percent) for group in groups_of(indicator, scope) for percent in PERCENTS)


def value_name(indicator: Indicator) -> str:
    return f"@{indicator.key}@value"


def steps(indicator: Indicator, scope: Scope) -> tuple[Step, ...]:
    """The value, tidied as the marks are, and its place among them. In Python a rank is known only where it is given: the marks are not at hand."""
    made, group, value = expression(indicator.value, scope), indicator.group.strip(), value_name(indicator)

    def tidy(values: Values, at: At) -> float | None:
        found = made.run(values, at)
        return None if found is None else rounded(float(found), DECIMALS)

    def sql(columns: Columns) -> sa.ColumnElement[Any]:
        places = {key: _place(indicator, key, columns[value]) for key in groups_of(indicator, scope)}
        return sa.case(*((columns[group] == word(key), place) for key, place in places.items())) if group else places[EVERYBODY]

    return (
        Step(value, made.names, NUMBER, lambda columns: rounded_sql(sa.cast(made.sql(columns), sa.Double()), DECIMALS), tidy),
        Step(indicator.key, frozenset({value, group} if group else {value}), INTEGER, sql, lambda values, at: None),
    )


def _place(indicator: Indicator, group: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    marks = {percent: _bound(mark_name(mark_prefix(indicator, group), percent)) for percent in PERCENTS}
    unknown = sa.or_(value.is_(None), marks[1].is_(None))  # a group that had nobody at the last run has no marks
    return sa.case((unknown, sa.null()), *((value > marks[percent], whole(percent)) for percent in reversed(PERCENTS)), else_=whole(0))


def _bound(mark: str) -> sa.ColumnElement[Any]:
    """Cast: PostgreSQL cannot tell the type of a parameter that is only asked whether it is null."""
    return sa.cast(sa.bindparam(f"population_{mark}", type_=sa.Double()), sa.Double())
