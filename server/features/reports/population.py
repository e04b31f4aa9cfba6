"""The population a report speaks of, on a day and narrowed to what the actor may read."""

from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.expressions.check import check
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import At
from server.feature import Work
from server.features.access import service as access
from server.features.objects import results
from server.features.reports.report import Methods
from server.features.reviews.engine import metric_scope
from server.features.reviews.populations import Population, population_of
from server.features.scoring.kind import Score

COMPARED_DAYS = 90


def documents_of(work: Work, kind: str, object_key: str) -> list[Any]:
    return [value for value in work.catalog.all(kind) if value.object == object_key]


class Seen:
    """The population on a day, narrowed to what the actor may read."""

    def __init__(self, work: Work, object_key: str, at: At) -> None:
        self.work, self.object_key, self.at = work, object_key, at
        self.population: Population = population_of(work, object_key, at)
        self.columns = self.population.columns
        self.scope = metric_scope(work.catalog, object_key)
        self.rows = sa.and_(self.population.rows, access.row_filter(work, object_key, "read", self.columns))

    def has(self, *names: str) -> bool:
        known = results.outputs(self.work.catalog, self.object_key)
        fields = self.work.catalog.get("object", self.object_key).fields
        return all(n in known or n in fields for n in names)

    def amount(self, name: str) -> sa.ColumnElement[Any]:
        return self.columns[name] if self.has(name) else sa.literal(0.0, sa.Double())

    def met(self, source: str) -> sa.ColumnElement[bool]:
        checked, _ = check(source, self.scope)
        if checked is None:
            return sa.false()
        return when_true(compile_sql(checked, {n: self.columns[n] for n in checked.names}, self.at))

    def select(self, *columns: sa.ColumnElement[Any], where: sa.ColumnElement[bool] | None = None) -> sa.Select[Any]:
        found = sa.select(*columns).select_from(self.population.source).where(self.rows)
        return found if where is None else found.where(where)

    def all(self, *columns: sa.ColumnElement[Any], where: sa.ColumnElement[bool] | None = None) -> list[Any]:
        return list(self.work.session.execute(self.select(*columns, where=where)).all())

    def total(self, column: sa.ColumnElement[Any], where: sa.ColumnElement[bool] | None = None) -> float:
        return float(self.work.session.scalar(self.select(sa.func.sum(column), where=where)) or 0.0)

    def count(self, where: sa.ColumnElement[bool] | None = None) -> int:
        return int(self.work.session.scalar(self.select(sa.func.count(), where=where)) or 0)

    def values(self, *names: str) -> dict[int, Any]:
        rows = self.all(self.columns["id"], *(self.columns[n] for n in names))
        return {row[0]: row[1] if len(names) == 1 else tuple(row[1:]) for row in rows}


def risk_score(work: Work, object_key: str) -> Score | None:
    return next((s for s in documents_of(work, "score", object_key) if s.better != "up"), None)


def methods(work: Work, object_key: str) -> Methods:
    types = tuple(documents_of(work, "risk_type", object_key))
    used = {r.matrix for r in types}
    return Methods(
        tuple(documents_of(work, "score", object_key)),
        tuple(documents_of(work, "classification", object_key)),
        tuple(m for m in work.catalog.all("matrix") if m.key in used),
        types,
        (
            Text(
                "评分 = Σ(权重 × 分值) ÷ Σ(参与权重);缺失数据按各因子的规则处理",
                "Score = Σ(weight × points) / Σ(weights that count); missing data as each factor's rule says",
            ),
            Text("等级由可能性与影响两个维度查矩阵得出", "Levels come from likelihood and impact by the matrix"),
            Text("预警值是提示,不是结论;须由人判断", "A warning is not a verdict; people decide"),
        ),
    )


def option_title(work: Work, object_key: str, field: str, key: str) -> Text:
    options = work.catalog.get("object", object_key).fields[field].options
    return next((o.title for o in options if o.key == key), Text(key, key))
