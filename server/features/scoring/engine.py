"""What a score document gives and how it is worked out: each factor's value becomes points by bands, the points add up by weight."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.output import Output
from server.errors import Text
from server.expressions.types import NUMBER, At, Scope, Type
from server.features.objects.results import names_used
from server.features.objects.step import DECIMALS, Columns, Expression, Step, Values, divided, expression, number, rounded, rounded_sql, word
from server.features.scoring.kind import Band, Factor, Score

MISSING_POINTS: Mapping[str, float] = {"neutral": 50.0, "worst": 100.0}  # the other policies give no points
COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {">=": ge, ">": gt, "<=": le, "<": lt, "==": eq}
COVERAGE_DECIMALS = 1


def gives(score: Score, catalog: Catalog, object_key: str) -> Iterable[Output]:
    if score.object != object_key:
        return ()
    reads = names_used(*(f.value for f in score.factors))
    total = Output(score.key, score.title, "score", score.key, NUMBER, score.decimals, reads=reads)
    if not score.coverage_key:
        return (total,)
    title = Text(f"{score.title.zh}数据覆盖率", f"{score.title.en}: data coverage")
    return (total, Output(score.coverage_key, title, "score", score.key, NUMBER, COVERAGE_DECIMALS, "%", part="coverage", reads=reads))


def input_name(score: Score, factor: Factor, scope: Scope) -> str:
    """Where a factor's value is read: the name itself when it is one that needs no rounding, else a hidden step before the score."""
    text = factor.value.strip()
    known = scope.names.get(text)
    return text if known is not None and known.type != NUMBER else f"@{score.key}@{factor.key}"


def steps(score: Score, scope: Scope) -> tuple[Step, ...]:
    inputs = {f.key: input_name(score, f, scope) for f in score.factors}
    hidden = tuple(_value_step(inputs[f.key], expression(f.value, scope)) for f in score.factors if inputs[f.key].startswith("@"))
    reads = frozenset(inputs.values())
    total = Step(
        score.key,
        reads,
        NUMBER,
        lambda columns: _total_sql(score, {key: columns[name] for key, name in inputs.items()}),
        lambda values, at: total_of(score, {key: values.get(name) for key, name in inputs.items()}),
        lambda columns: (part for f in score.factors for part in (_weighted_sql(f, columns[inputs[f.key]]), columns[inputs[f.key]].is_(None))),
    )
    if not score.coverage_key:
        return (*hidden, total)
    coverage = Step(
        score.coverage_key,
        reads,
        NUMBER,
        lambda columns: _coverage_sql(score, {key: columns[name] for key, name in inputs.items()}),
        lambda values, at: coverage_of(score, {key: values.get(name) for key, name in inputs.items()}),
        lambda columns: (columns[inputs[f.key]].is_(None) for f in score.factors),
    )
    return (*hidden, total, coverage)


def _value_step(name: str, made: Expression) -> Step:
    kind: Type = made.checked.type
    return Step(
        name,
        made.names,
        kind,
        lambda columns: _tidy_sql(made.sql(columns), kind),
        lambda values, at: factor_value(made, values, at),
    )


def factor_value(made: Expression, values: Values, at: At) -> Any:
    value = made.run(values, at)
    return rounded(float(value), DECIMALS) if made.checked.type == NUMBER and value is not None else value


def _tidy_sql(value: sa.ColumnElement[Any], kind: Type) -> sa.ColumnElement[Any]:
    return rounded_sql(value, DECIMALS) if kind == NUMBER else value


# -- In Python ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Points:
    points: float | None  # None: blocks the score
    weight: float  # 0 when skipped
    missing: bool
    band: Band | None = None


def points_of(factor: Factor, value: Any) -> Points:
    if value is None:
        if factor.missing == "skip":
            return Points(0.0, 0.0, True)
        return Points(MISSING_POINTS.get(factor.missing), float(factor.weight), True)
    band = next((b for b in factor.bands if not b.op or COMPARE[b.op](value, b.value)), None)
    return Points(float(band.points) if band else 0.0, float(factor.weight), False, band)


def total_of(score: Score, values: Mapping[str, Any]) -> float | None:
    """`values`: by factor key. Added in the order of the document, as the SQL does."""
    found = [points_of(f, values[f.key]) for f in score.factors]
    weights = points = 0.0
    for f in found:
        if f.points is None:
            return None
        points += f.weight * f.points
        weights += f.weight
    return rounded(points / weights, score.decimals) if weights else None


def coverage_of(score: Score, values: Mapping[str, Any]) -> float | None:
    everything = sum(float(f.weight) for f in score.factors)
    known = 0.0
    for f in score.factors:
        known += float(f.weight) if values[f.key] is not None else 0.0
    return rounded(known / everything * 100.0, COVERAGE_DECIMALS) if everything else None


# -- In SQL ------------------------------------------------------------------------------------------------------------------


def _total_sql(score: Score, columns: Columns) -> sa.ColumnElement[Any]:
    points: sa.ColumnElement[Any] = number(0)
    weights: sa.ColumnElement[Any] = number(0)
    blocks = []
    for f in score.factors:
        value = columns[f.key]
        points = points + _weighted_sql(f, value)
        weights = weights + (sa.case((value.is_(None), number(0)), else_=number(f.weight)) if f.missing == "skip" else number(f.weight))
        if f.missing == "block":
            blocks.append(value.is_(None))
    total = rounded_sql(divided(points, weights), score.decimals)
    return sa.case((sa.or_(*blocks), sa.null()), else_=total) if blocks else total


def _weighted_sql(factor: Factor, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Weight × points of one factor, the product made in Python's doubles."""
    missing = factor.weight * MISSING_POINTS.get(factor.missing, 0.0)
    whens: list[tuple[Any, Any]] = [(value.is_(None), number(missing))]
    otherwise = 0.0
    for band in factor.bands:
        if not band.op:
            otherwise = float(band.points)
            break
        whens.append((COMPARE[band.op](value, _literal(band.value)), number(float(factor.weight) * float(band.points))))
    return sa.case(*whens, else_=number(float(factor.weight) * otherwise))


def _literal(value: Any) -> sa.ColumnElement[Any]:
    if isinstance(value, bool):
        return sa.true() if value else sa.false()
    return number(value) if isinstance(value, int | float) else word(str(value))


def _coverage_sql(score: Score, columns: Columns) -> sa.ColumnElement[Any]:
    everything = sum(float(f.weight) for f in score.factors)
    known: sa.ColumnElement[Any] = number(0)
    for f in score.factors:
        known = known + sa.case((columns[f.key].is_(None), number(0)), else_=number(f.weight))
    return rounded_sql(divided(known, number(everything)) * number(100), COVERAGE_DECIMALS)
