"""One value to work out about a record, in SQL for a population and in Python for a replay: what assessments are made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid
from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.sql import Formula, compile_sql, when_true
from server.expressions.types import NUMBER, At, Name, Scope, Type
from server.storage.dialects import Constant, constants_for

Columns = Mapping[str, sa.ColumnElement[Any]]
Values = Mapping[str, Any]
_NEVER = At(datetime(2000, 1, 1, tzinfo=UTC))  # for texts that do not look at the time
DECIMALS = 6  # of a number that declares none


@dataclass(frozen=True)
class Step:
    """`sql` and `value` give the same from the same inputs; every name in `reads` is there when they are called.

    `parts`: values of which the step's value is made and of nothing else, such as the points of each factor of a score. While none of them
    changes it does not change either, which is cheaper to ask of few parts than of the whole.
    """

    name: str
    reads: frozenset[str]
    type: Type
    sql: Callable[[Columns], sa.ColumnElement[Any]]
    value: Callable[[Values, At], Any]
    parts: Callable[[Columns], Iterable[sa.ColumnElement[Any]]] | None = None


@dataclass(frozen=True)
class Expression:
    """A checked text with its two homes."""

    checked: Checked
    run: Callable[[Values, At], Any]

    @property
    def names(self) -> frozenset[str]:
        return self.checked.names

    def sql(self, columns: Columns, at: At | None = None) -> sa.ColumnElement[Any]:
        """Without `at` the moment is bound when the statement runs."""
        made = compile_sql(self.checked, {name: columns[name] for name in self.checked.names}, at)
        return made.with_leaves(constants_for(list(made.clauses))) if isinstance(made, Formula) else made

    def met_sql(self, columns: Columns, at: At | None = None) -> sa.ColumnElement[bool]:
        return when_true(self.sql(columns, at))

    def met(self, values: Values, at: At) -> bool:
        """At a decision unknown is not met."""
        return self.run(values, at) is True


def expression(source: str, scope: Scope, expect: Type | None = None) -> Expression:
    """A text of a published document; it was checked then, so a problem here means that the catalog was not."""
    checked, problems = check(source, scope, expect)
    if checked is None:
        raise Invalid(problems)
    return Expression(checked, compile_python(checked))


@lru_cache(maxsize=64)
def _rounding(decimals: int) -> Expression:
    return expression(f"round(value, {decimals})", Scope({"value": Name(NUMBER)}))


def rounded_sql(value: sa.ColumnElement[Any], decimals: int) -> sa.ColumnElement[Any]:
    """Half away from zero, the same arithmetic as the language's own round: the engines' sums differ in the last bits."""
    return _rounding(decimals).sql({"value": value})


def rounded(value: float | None, decimals: int) -> float | None:
    result: float | None = _rounding(decimals).run({"value": value}, _NEVER)
    return result


@lru_cache(maxsize=64)
def formula(source: str, *names: str) -> Expression:
    """An expression over plain numbers, for arithmetic that must be the language's own."""
    return expression(source, Scope({name: Name(NUMBER) for name in names}))


def calculated(source: str, **values: Any) -> Any:
    return formula(source, *values).run(values, _NEVER)


def number(value: float) -> sa.ColumnElement[float]:
    return Constant(float(value))


def whole(value: int) -> sa.ColumnElement[int]:
    return Constant(int(value))


def word(value: str) -> sa.ColumnElement[str]:
    return Constant(value)


def divided(one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Doubles divided; null when the divisor is 0. SQLAlchemy's own `/` makes numeric of a divisor whose type it does not know."""
    return one.op("/", precedence=8, return_type=sa.Double())(sa.func.nullif(other, number(0), type_=sa.Double()))


def exact_sum(value: sa.ColumnElement[Any], over: Callable[[sa.Function[Any]], sa.ColumnElement[Any]] = lambda total: total) -> sa.ColumnElement[Any]:
    """The sum of doubles to nine decimals, added as whole numbers before and after the point. `over` makes a window of a sum."""
    before = Formula(sa.Double(), "-ceil(-{0})", "floor({0})", [value])
    after = Formula(sa.Double(), "-ceil(-(({0} - {1}) * 1000000000.0 + 0.5))", "floor(({0} - {1}) * 1000000000.0 + 0.5)", [value, before])
    return over(sa.func.sum(before, type_=sa.Double())) + divided(over(sa.func.sum(after, type_=sa.Double())), number(1e9))
