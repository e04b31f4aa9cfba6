"""Checked expressions as SQL: one SQLAlchemy element that spells itself for SQLite and for PostgreSQL. It cannot raise on any data."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import OperatorExpression
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal

from server.expressions.checked import Checked
from server.expressions.sqlwriter import LIGHT, PLACE, Writer
from server.expressions.types import At

TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": sa.BigInteger(),
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": sa.DateTime(),
    "list": sa.Text(),
    "null": sa.types.NullType(),
}


class Formula(FunctionElement[Any]):
    """An expression: its text for each database, with places {0} {1} ... for columns and bound values."""

    name = "formula"
    inherit_cache = True
    _traverse_internals = [*FunctionElement._traverse_internals, ("sqlite", InternalTraversal.dp_string), ("postgresql", InternalTraversal.dp_string)]

    def __init__(
        self, kind: sa.types.TypeEngine[Any], sqlite: str, postgresql: str, leaves: Sequence[sa.ColumnElement[Any]], depth: int = 1, weight: int = 1
    ) -> None:
        super().__init__(*leaves)
        self.type = kind
        self.sqlite, self.postgresql = sqlite, postgresql
        self.depth, self.weight = depth, weight
        self._is_implicitly_boolean = isinstance(kind, sa.Boolean)  # a condition as it stands: SQLite may use an index for it

    def with_leaves(self, leaves: Sequence[sa.ColumnElement[Any]]) -> "Formula":
        """The same text over other columns or values."""
        return Formula(self.type, self.sqlite, self.postgresql, leaves, self.depth, self.weight)


def _spell(element: Formula, compiler: Any, text: str, **kw: Any) -> str:
    leaves = list(element.clauses)

    def spelled(leaf: sa.ColumnElement[Any]) -> str:
        """A column that is itself a calculation (an amount is its whole number / 100) must not be torn apart by the operators around it."""
        written: str = compiler.process(leaf, **kw)
        return f"({written})" if isinstance(leaf, OperatorExpression | sa.UnaryExpression) else written

    return "(" + PLACE.sub(lambda found: spelled(leaves[int(found[1])]), text) + ")"


@compiles(Formula)
def _formula(element: Formula, compiler: Any, **kw: Any) -> str:
    return _spell(element, compiler, element.sqlite, **kw)


@compiles(Formula, "postgresql")
def _formula_postgresql(element: Formula, compiler: Any, **kw: Any) -> str:
    return _spell(element, compiler, element.postgresql, **kw)


def compile_sql(checked: Checked, columns: Mapping[str, sa.ColumnElement[Any]], at: At | None = None) -> sa.ColumnElement[Any]:
    """The expression over these columns. Without `at` the bind parameters "today" (date), "now" (UTC, without offset) and "zone" (its
    name, only where moments become dates) are to be given when the statement runs.

    A moment comes out as DateTime in UTC without offset.
    """
    given = None if at is None else moment(at)
    times = {name: sa.bindparam(name, type_=kind) if given is None else sa.literal(given[name], kind) for name, kind in _MOMENT.items()}
    leaves: list[sa.ColumnElement[Any]] = []
    sqlite = Writer(checked, columns, times, leaves, postgresql=False).write()
    postgresql = Writer(checked, columns, times, leaves, postgresql=True).write()
    return Formula(TYPES[checked.type.name], sqlite.text, postgresql.text, leaves, sqlite.depth, sqlite.weight)


def moment(at: At) -> dict[str, Any]:
    """The bound parameters of expressions that look at the time."""
    return {"today": at.today, "now": at.instant.astimezone(UTC).replace(tzinfo=None), "zone": at.zone.key}


_MOMENT: Mapping[str, sa.types.TypeEngine[Any]] = {"today": sa.Date(), "now": sa.DateTime(), "zone": sa.Text()}


def when_true(element: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """A condition for filters and rules: unknown counts as not met, also inside a `not` around it."""
    known = sa.func.coalesce(element, sa.false(), type_=sa.Boolean())
    if isinstance(element, Formula) and element.weight <= LIGHT:
        return sa.and_(element, known)  # never null either, and the first half can use an index
    return known
