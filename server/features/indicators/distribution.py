"""Aggregates that look at how values lie beside each other: percentile and median, standard deviation, slope.

Each is plain SQL over rows (id, value, day) and gives the same bits on SQLite and PostgreSQL: means come from exact sums, and what is then added
up is brought to -1..1 by the largest of its kind, cut into two whole numbers of 26 bits, and added as those.
"""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from server.expressions.sql import Formula
from server.features.objects.step import divided, exact_sum, formula, number

Element = sa.ColumnElement[Any]
_BITS = float(2**26)


def percentile(rows: sa.Subquery, percent: float, name: str) -> sa.Select[Any]:
    """The value below which so many of a hundred lie; between two values in proportion (place (n - 1) * percent / 100, counted from 0)."""
    place: Element = sa.func.row_number().over(partition_by=rows.c.id, order_by=rows.c.value) - 1
    last: Element = sa.func.count().over(partition_by=rows.c.id) - 1
    target = divided(sa.cast(last, sa.Double()) * number(percent), number(100))
    ranked = sa.select(rows.c.id, rows.c.value, sa.cast(place, sa.Double()).label("place"), target.label("target")).subquery("w")
    low = _floor(ranked.c.target)
    below = sa.func.max(sa.case((ranked.c.place == low, ranked.c.value)), type_=sa.Double())
    above = sa.func.max(sa.case((ranked.c.place == low + number(1), ranked.c.value)), type_=sa.Double())
    part = sa.func.max(ranked.c.target - low, type_=sa.Double())
    between = sa.func.coalesce((above - below) * part, number(0))
    return sa.select(ranked.c.id, (below + between).label(name)).group_by(ranked.c.id)


def median(rows: sa.Subquery, percent: float, name: str) -> sa.Select[Any]:
    return percentile(rows, 50, name)


def deviation(rows: sa.Subquery, percent: float, name: str) -> sa.Select[Any]:
    """The standard deviation of a sample: n - 1 below the line. One value has none."""
    away = _from_mean(rows, "value")
    share = divided(away.c.value, away.c.most_value)
    squares = _sum_of_parts(share * share)
    count: Element = sa.cast(sa.func.count(), sa.Double())
    root = formula("sqrt(x)", "x").sql({"x": divided(squares, count - number(1))})
    most = sa.func.max(away.c.most_value, type_=sa.Double())
    found = sa.case((sa.and_(most == number(0), sa.func.count() > 1), number(0)), else_=root * most)
    return sa.select(away.c.id, found.label(name)).group_by(away.c.id)


def slope(rows: sa.Subquery, percent: float, name: str) -> sa.Select[Any]:
    """By how much the values rise in a day: the least squares line over their days. There is none when all lie on one day."""
    away = _from_mean(rows, "value", "day")
    across, up = divided(away.c.day, away.c.most_day), divided(away.c.value, away.c.most_value)
    steep = divided(sa.func.max(away.c.most_value, type_=sa.Double()), sa.func.max(away.c.most_day, type_=sa.Double()))
    shared = sa.func.coalesce(_sum_of_parts(across * up), number(0))  # all values the same: level
    return sa.select(away.c.id, (steep * divided(shared, _sum_of_parts(across * across))).label(name)).group_by(away.c.id)


def _from_mean(rows: sa.Subquery, *names: str) -> sa.Subquery:
    """Each row's distance from the mean of its id, and beside it the largest distance: `value` and `most_value`."""

    def over(aggregate: sa.Function[Any]) -> Element:
        return aggregate.over(partition_by=rows.c.id)

    def mean(name: str) -> Element:
        return divided(exact_sum(rows.c[name], over), sa.cast(over(sa.func.count()), sa.Double()))

    inner = sa.select(rows.c.id, *((rows.c[name] - mean(name)).label(name) for name in names)).subquery("d")
    most = (sa.func.max(sa.func.abs(inner.c[name]), type_=sa.Double()).over(partition_by=inner.c.id).label(f"most_{name}") for name in names)
    return sa.select(inner.c.id, *(inner.c[name] for name in names), *most).subquery("m")


def _sum_of_parts(value: Element) -> Element:
    """The sum of numbers between -1 and 1, to 52 bits after the point, in any order the same."""
    scaled = value * number(_BITS)
    high = _floor(scaled)
    low = _floor((scaled - high) * number(_BITS))
    total, rest = sa.func.sum(high, type_=sa.Double()), sa.func.sum(low, type_=sa.Double())
    return divided(total + divided(rest, number(_BITS)), number(_BITS))


def _floor(value: Element) -> Element:
    return Formula(sa.Double(), "-ceil(-{0})", "floor({0})", [value])


DISTRIBUTIONS: Mapping[str, Callable[[sa.Subquery, float, str], sa.Select[Any]]] = {
    "median": median,
    "percentile": percentile,
    "stddev": deviation,
    "slope": slope,
}
