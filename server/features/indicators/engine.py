"""What an indicator document gives and how it is worked out.

An aggregate is gathered as a raw number (`gathering.py`) and then read by a step: empty becomes what `missing` says, and the number is rounded
to its decimals before anything compares it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.output import Output
from server.errors import Text
from server.expressions.check import check
from server.expressions.types import INTEGER, NUMBER, At, Scope, Type
from server.features.indicators import ranking
from server.features.indicators.ageing import ages
from server.features.indicators.kind import Indicator
from server.features.objects import engine as objects
from server.features.objects.results import names_used
from server.features.objects.step import Columns, Expression, Step, Values, expression, formula, number, rounded, rounded_sql, whole

PERCENT_DECIMALS = 1  # of a change in percent: what people see is what is compared
COUNTS = ("count", "distinct")
PICKS = ("min", "max", "first", "last")
OF_NUMBERS = ("sum", "avg", "ratio", "median", "percentile", "stddev", "slope")
ALWAYS_NUMBER = frozenset(OF_NUMBERS) - {"sum"}


def raw_name(key: str, *, previous: bool = False) -> str:
    """The hidden name of an aggregate before `missing` and rounding; no key can look like it."""
    return f"@{key}@prev" if previous else f"@{key}"


def source_scope(catalog: Catalog, indicator: Indicator) -> Scope:
    """What filter, value, divisor and match may name: the source record, and the subject behind `subject.`."""
    memo = ("indicators.source_scope", indicator.source, indicator.object)
    found: Scope | None = catalog.memo.get(memo)
    if found is None:
        subject = objects.scope(catalog, indicator.object, references=False).names
        names = {**objects.scope(catalog, indicator.source).names, **{f"subject.{key}": name for key, name in subject.items()}}
        found = catalog.memo[memo] = Scope(names)
    return found


def source_text(catalog: Catalog, indicator: Indicator, text: str) -> Expression:
    """One of the texts over a source record, checked once for all indicators that have it."""
    memo = ("indicators.source_text", indicator.source, indicator.object, text)
    found: Expression | None = catalog.memo.get(memo)
    if found is None:
        found = catalog.memo[memo] = expression(text, source_scope(catalog, indicator))
    return found


def value_type(catalog: Catalog, indicator: Indicator) -> Type:
    if indicator.aggregate in COUNTS:
        return INTEGER
    if indicator.aggregate in ALWAYS_NUMBER or not indicator.value:
        return NUMBER
    checked, _ = check(indicator.value, source_scope(catalog, indicator))
    found = checked.type if checked else NUMBER
    return found if indicator.aggregate in PICKS or found == INTEGER else NUMBER


# -- Names -------------------------------------------------------------------------------------------------------------------


def gives(indicator: Indicator, catalog: Catalog, object_key: str) -> Iterable[Output]:
    if indicator.object != object_key:
        return ()
    if indicator.ranks:
        return (_output(indicator, INTEGER, reads=names_used(indicator.value, indicator.filter, indicator.group)),)
    if indicator.over_population:
        return (_output(indicator, NUMBER, reads=names_used(indicator.value, indicator.filter), population=True),)
    if not indicator.source:
        reads = names_used(indicator.expression, indicator.missing_when)
        return (_output(indicator, NUMBER, reads=reads, infer=indicator.expression, ages=ages(indicator, catalog)),)
    if catalog.get("object", indicator.source) is None:
        return (_output(indicator, NUMBER),)
    kind, reads = value_type(catalog, indicator), names_used(indicator.missing_when)
    now = _output(indicator, kind, reads=reads)
    if indicator.previous is None:
        return (replace(now, ages=ages(indicator, catalog)),)
    moved = frozenset({indicator.key, f"{indicator.key}_prev"}) | names_used(indicator.previous.when)
    change_type = INTEGER if kind == INTEGER else NUMBER
    return (
        now,
        _output(indicator, kind, reads=reads, part="prev"),
        _output(indicator, change_type, reads=moved, part="change"),
        _output(indicator, NUMBER, reads=moved, part="change_pct"),
    )


_PARTS = {"prev": Text("(上期)", " (before)"), "change": Text("变化", ", change"), "change_pct": Text("变化率", ", change in %")}


def _output(
    indicator: Indicator, kind: Type, *, reads: frozenset[str] = frozenset(), part: str = "", infer: str = "", population: bool = False, ages: bool = False
) -> Output:
    suffix = _PARTS.get(part, Text("", ""))
    return Output(
        name=f"{indicator.key}_{part}" if part else indicator.key,
        title=Text(indicator.title.zh + suffix.zh, indicator.title.en + suffix.en),
        kind="indicator",
        document=indicator.key,
        type=kind,
        decimals=PERCENT_DECIMALS if part == "change_pct" else indicator.decimals,
        unit="%" if part == "change_pct" else indicator.unit,
        part=part,
        reads=reads,
        infer=infer,
        population=population,
        ages=ages,
    )


# -- Steps -------------------------------------------------------------------------------------------------------------------


def steps(indicator: Indicator, outputs: Iterable[Output], scope: Scope) -> tuple[Step, ...]:
    """One step for each output of the indicator. `scope`: the subject's fields and all results."""
    if indicator.ranks:
        return ranking.steps(indicator, scope)
    if indicator.over_population:
        return ()
    types = {output.part: output for output in outputs}
    missing_when = expression(indicator.missing_when, scope) if indicator.missing_when else None
    if not indicator.source:
        return (_derived(indicator, types[""], expression(indicator.expression, scope), missing_when),)
    found = [_read(indicator, types[""], missing_when)]
    if indicator.previous is not None:
        when = expression(indicator.previous.when, scope) if indicator.previous.when else None
        found += [
            _read(indicator, types["prev"], missing_when),
            _moved(indicator, types["change"], "now - before", when),
            _moved(indicator, types["change_pct"], "percent_change(now, before)", when),
        ]
    return tuple(found)


def _derived(indicator: Indicator, output: Output, made: Expression, missing_when: Expression | None) -> Step:
    missing = _Missing(indicator.missing, missing_when, output.type)
    return Step(
        output.name,
        made.names | missing.names,
        output.type,
        lambda columns: missing.sql(_tidy_sql(made.sql(columns), output), columns),
        lambda values, at: missing.value(_tidy(made.run(values, at), output), values, at),
    )


def _read(indicator: Indicator, output: Output, missing_when: Expression | None) -> Step:
    raw = raw_name(indicator.key, previous=output.part == "prev")
    default = 0 if indicator.missing is None and indicator.aggregate in COUNTS else indicator.missing
    missing = _Missing(default, missing_when, output.type)
    return Step(
        output.name,
        missing.names | {raw},
        output.type,
        lambda columns: missing.sql(_tidy_sql(columns[raw], output), columns),
        lambda values, at: missing.value(_tidy(values.get(raw), output), values, at),
    )


def _moved(indicator: Indicator, output: Output, text: str, when: Expression | None) -> Step:
    now, before = indicator.key, f"{indicator.key}_prev"
    made = formula(text, "now", "before")

    def sql(columns: Columns) -> sa.ColumnElement[Any]:
        value = _tidy_sql(made.sql({"now": columns[now], "before": columns[before]}), output)
        if output.type == INTEGER:
            value = sa.cast(value, sa.BigInteger())
        return value if when is None else sa.case((when.met_sql(columns), value))

    def run(values: Values, at: At) -> Any:
        if when is not None and not when.met(values, at):
            return None
        value = _tidy(made.run({"now": values.get(now), "before": values.get(before)}, at), output)
        return int(value) if output.type == INTEGER and value is not None else value

    return Step(output.name, frozenset({now, before}) | (when.names if when else frozenset()), output.type, sql, run)


class _Missing:
    """What an empty aggregate or a null result means."""

    def __init__(self, default: float | None, when: Expression | None, kind: Type) -> None:
        self.default, self.when, self.kind = default, when, kind
        self.names: frozenset[str] = when.names if when and default is not None else frozenset()

    def sql(self, value: sa.ColumnElement[Any], columns: Columns) -> sa.ColumnElement[Any]:
        if self.default is None:
            return value
        default: sa.ColumnElement[Any] = whole(int(self.default)) if self.kind == INTEGER else number(self.default)
        if self.when is not None:
            default = sa.case((self.when.met_sql(columns), sa.null()), else_=default)
        return sa.func.coalesce(value, default)

    def value(self, value: Any, values: Values, at: At) -> Any:
        if value is not None or self.default is None or (self.when is not None and self.when.met(values, at)):
            return value
        return int(self.default) if self.kind == INTEGER else float(self.default)


def _tidy_sql(value: sa.ColumnElement[Any], output: Output) -> sa.ColumnElement[Any]:
    return rounded_sql(value, output.decimals or 0) if output.type == NUMBER else value


def _tidy(value: Any, output: Output) -> Any:
    return rounded(float(value), output.decimals or 0) if output.type == NUMBER and value is not None else value
