"""What risk types and their matrix give: likelihood, impact, the level where they meet, and how many types have each level."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.output import Output
from server.errors import Text
from server.expressions.types import INTEGER, TEXT, At, Scope
from server.features.classification.engine import first_met
from server.features.matrix.kind import Matrix, RiskType
from server.features.objects.results import names_used
from server.features.objects.step import Columns, Step, Values, whole, word


def likelihood_name(risk_type: RiskType) -> str:
    return f"{risk_type.key}_likelihood"


def impact_name(risk_type: RiskType) -> str:
    return f"{risk_type.key}_impact"


def count_name(level: str) -> str:
    return f"{level}_type_count"


def gives_of_risk_type(risk_type: RiskType, catalog: Catalog, object_key: str) -> Iterable[Output]:
    if risk_type.object != object_key:
        return ()
    matrix: Matrix | None = catalog.get("matrix", risk_type.matrix)
    likely, grave = likelihood_name(risk_type), impact_name(risk_type)
    title, key = risk_type.title, risk_type.key
    return (
        _labels(likely, Text(f"{title.zh}:发生概率", f"{title.en}: likelihood"), key, "likelihood", matrix.likelihood if matrix else (), risk_type.likelihood),
        _labels(grave, Text(f"{title.zh}:影响程度", f"{title.en}: impact"), key, "impact", matrix.impact if matrix else (), risk_type.impact),
        Output(key, title, "risk_type", key, TEXT, options=tuple((x.key, x.title) for x in matrix.levels) if matrix else (), reads=frozenset({likely, grave})),
    )


def _labels(name: str, title: Text, key: str, part: str, labels: Iterable[Any], rows: Iterable[Any]) -> Output:
    reads = names_used(*(r.when for r in rows if r.when))
    return Output(name, title, "risk_type", key, TEXT, options=tuple((x.key, x.title) for x in labels), part=part, reads=reads)


def gives_of_matrix(matrix: Matrix, catalog: Catalog, object_key: str) -> Iterable[Output]:
    """Counts of levels, for the objects whose risk types use this matrix."""
    types = types_of(matrix, catalog, object_key)
    if not types:
        return ()
    reads = frozenset(t.key for t in types)
    return tuple(
        Output(
            count_name(level.key),
            Text(f"“{level.title.zh}”风险类型数", f"Risk types at {level.title.en}"),
            "matrix",
            matrix.key,
            INTEGER,
            0,
            part="count",
            reads=reads,
        )
        for level in matrix.levels
    )


def types_of(matrix: Matrix, catalog: Catalog, object_key: str) -> tuple[RiskType, ...]:
    return tuple(t for t in catalog.all("risk_type") if t.matrix == matrix.key and t.object == object_key)


# -- Steps -------------------------------------------------------------------------------------------------------------------


def level_of(matrix: Matrix, likelihood: str | None, impact: str | None) -> str | None:
    likelihoods, impacts = [x.key for x in matrix.likelihood], [x.key for x in matrix.impact]
    if likelihood not in likelihoods or impact not in impacts:
        return None
    return matrix.cells[likelihoods.index(likelihood)][impacts.index(impact)]


def steps_of_risk_type(risk_type: RiskType, catalog: Catalog, scope: Scope) -> tuple[Step, ...]:
    matrix: Matrix = catalog.get("matrix", risk_type.matrix)
    likely, grave = likelihood_name(risk_type), impact_name(risk_type)

    def sql(columns: Columns) -> sa.ColumnElement[Any]:
        whens: list[tuple[Any, Any]] = []
        for likelihood, row in zip(matrix.likelihood, matrix.cells, strict=True):
            by_impact = [(columns[grave] == word(impact.key), word(level)) for impact, level in zip(matrix.impact, row, strict=True)]
            whens.append((columns[likely] == word(likelihood.key), sa.case(*by_impact)))
        return sa.case(*whens)

    def value(values: Values, at: At) -> str | None:
        return level_of(matrix, values.get(likely), values.get(grave))

    return (
        first_met(likely, risk_type.likelihood, scope),
        first_met(grave, risk_type.impact, scope),
        Step(risk_type.key, frozenset({likely, grave}), TEXT, sql, value),
    )


def steps_of_matrix(matrix: Matrix, catalog: Catalog, object_key: str) -> tuple[Step, ...]:
    types = [t.key for t in types_of(matrix, catalog, object_key)]
    return tuple(_count(level.key, types) for level in matrix.levels) if types else ()


def _count(level: str, types: list[str]) -> Step:
    def sql(columns: Columns) -> sa.ColumnElement[Any]:
        count: sa.ColumnElement[Any] = whole(0)
        for key in types:
            count = count + sa.case((columns[key] == word(level), whole(1)), else_=whole(0))
        return count

    return Step(count_name(level), frozenset(types), INTEGER, sql, lambda values, at: sum(values.get(key) == level for key in types))
