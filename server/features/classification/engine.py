"""What a classification document gives and how it is worked out: the first row that is met names the class; unknown is not met."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.output import Output
from server.expressions.types import BOOLEAN, TEXT, At, Scope
from server.features.classification.kind import Classification, Row
from server.features.objects.results import names_used
from server.features.objects.step import Columns, Expression, Step, Values, expression, word


def gives(classification: Classification, catalog: Catalog, object_key: str) -> Iterable[Output]:
    if classification.object != object_key:
        return ()
    options = tuple((c.key, c.title) for c in classification.classes)
    reads = names_used(*(r.when for r in classification.rows if r.when))
    return (Output(classification.key, classification.title, "classification", classification.key, TEXT, options=options, reads=reads),)


def steps(classification: Classification, scope: Scope) -> tuple[Step, ...]:
    return (first_met(classification.key, classification.rows, scope),)


@dataclass(frozen=True)
class Rows:
    """Ordered criteria with their texts checked; None is the row without a condition."""

    rows: tuple[tuple[Expression | None, str], ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for when, _ in self.rows if when is not None for name in when.names)

    def hit(self, values: Values, at: At) -> int | None:
        return next((i for i, (when, _) in enumerate(self.rows) if when is None or when.met(values, at)), None)

    def value(self, values: Values, at: At) -> str | None:
        place = self.hit(values, at)
        return None if place is None else self.rows[place][1]

    def parts(self, columns: Columns) -> Iterable[sa.ColumnElement[Any]]:
        return (when.met_sql(columns) for when, _ in self.rows if when is not None)

    def sql(self, columns: Columns) -> sa.ColumnElement[Any]:
        whens: list[tuple[Any, Any]] = []
        otherwise: sa.ColumnElement[Any] = sa.null()
        for when, value in self.rows:
            if when is None:
                otherwise = word(value)
                break
            whens.append((when.met_sql(columns), word(value)))
        return sa.case(*whens, else_=otherwise) if whens else sa.cast(otherwise, sa.Text())


def rows_of(rows: Sequence[Row], scope: Scope) -> Rows:
    return Rows(tuple((expression(r.when, scope, BOOLEAN) if r.when else None, r.value) for r in rows))


def first_met(name: str, rows: Sequence[Row], scope: Scope) -> Step:
    made = rows_of(rows, scope)
    return Step(name, made.names, TEXT, made.sql, made.value, made.parts)
