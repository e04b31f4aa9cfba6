"""The rows a metric is worked out over, as they are today or as they were on a past day.

Results of a past day come from the history of results; alerts and tasks are seen with only what had happened by then. Other fields
are known as they are now only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid
from server.expressions.check import check
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import BOOLEAN, NUMBER, At
from server.feature import Work
from server.features.alerts.tables import alerts
from server.features.assessment.ageing import on_day
from server.features.objects import results
from server.features.objects.engine import tables, value_columns
from server.features.reviews.engine import metric_scope, metric_value
from server.features.reviews.kind import Metric, Sum
from server.features.strategies.tables import strategy_runs, tasks

Columns = Mapping[str, sa.ColumnElement[Any]]


@dataclass(frozen=True)
class Population:
    source: sa.FromClause
    columns: Columns
    rows: sa.ColumnElement[bool]


@dataclass(frozen=True)
class Measured:
    value: float | None
    numerator: float | None
    denominator: float | None


def measure(work: Work, metric: Metric, at: At) -> Measured:
    numerator = _sum(work, metric.numerator, at)
    denominator = _sum(work, metric.denominator, at) if metric.denominator else None
    return Measured(metric_value(metric, numerator, denominator), numerator, denominator)


def _sum(work: Work, wanted: Sum, at: At) -> float | None:
    population = population_of(work, wanted.source, at)
    scope = metric_scope(work.catalog, wanted.source)
    condition = population.rows
    if wanted.where:
        checked, problems = check(wanted.where, scope, BOOLEAN)
        if checked is None:
            raise Invalid(problems)
        condition = sa.and_(condition, when_true(compile_sql(checked, _known(checked.names, population.columns), at)))
    if wanted.aggregate == "count":
        aggregate: sa.ColumnElement[Any] = sa.func.count()
    else:
        checked, problems = check(wanted.value, scope, NUMBER)
        if checked is None:
            raise Invalid(problems)
        value = compile_sql(checked, _known(checked.names, population.columns), at)
        aggregate = sa.func.sum(value) if wanted.aggregate == "sum" else sa.func.avg(value)
    found = work.session.scalar(sa.select(aggregate).select_from(population.source).where(condition))
    return None if found is None else float(found)


def _known(names: frozenset[str], columns: Columns) -> dict[str, sa.ColumnElement[Any]]:
    return {name: columns[name] for name in names}


def population_of(work: Work, source: str, at: At) -> Population:
    if work.catalog.get("object", source) is not None:
        return _records(work, source, at)
    return _alerts(at) if source == "alert" else _tasks(at)


def _records(work: Work, object_key: str, at: At) -> Population:
    catalog = work.catalog
    table = tables(catalog)[object_key]
    own = value_columns(catalog, object_key, table, at)
    alive = table.c.deleted_at.is_(None)
    if not catalog.get("object", object_key).assessed:
        return Population(table, own, alive)
    theirs = results_on(work, object_key, at)
    columns = _Both(own, {name: theirs.c[name] for name in results.outputs(catalog, object_key)})
    return Population(table.join(theirs, theirs.c.record_id == table.c.id), columns, alive)


def results_on(work: Work, object_key: str, at: At) -> Any:
    """Today's results, or for each subject its last ones until that day."""
    if at.today >= work.at.today:
        return results.table(work.catalog, object_key)
    past = results.history_table(work.catalog, object_key)
    newest = sa.select(past.c.record_id, sa.func.max(past.c.as_of).label("as_of")).where(past.c.as_of <= at.today).group_by(past.c.record_id).subquery()
    same = sa.and_(past.c.record_id == newest.c.record_id, past.c.as_of == newest.c.as_of)
    known = on_day(work.catalog, object_key, past, sa.literal(at.today, sa.Date()))
    return sa.select(past.c.record_id, *(value.label(name) for name, value in known.items())).join(newest, same).subquery("results")


@dataclass(frozen=True)
class _Both(Mapping[str, sa.ColumnElement[Any]]):
    fields: Columns
    results: Columns

    def __getitem__(self, name: str) -> sa.ColumnElement[Any]:
        return self.results[name] if name in self.results else self.fields[name]

    def __iter__(self) -> Any:
        return iter([*self.fields, *self.results])

    def __len__(self) -> int:
        return len(self.fields) + len(self.results)


def _alerts(at: At) -> Population:
    c = alerts.c
    closed = _by(at, c.closed_at)
    was_closed = closed.is_not(None)
    columns: dict[str, sa.ColumnElement[Any]] = {name: c[name] for name in ("rule", "object", "record_id", "severity", "opened_at", "due_at")}
    columns |= {
        "acknowledged_at": _by(at, c.acknowledged_at),
        "closed_at": closed,
        "close_reason": sa.case((was_closed, c.close_reason)),
        "verdict": sa.case((was_closed, c.verdict)),
        "state": sa.case((sa.and_(c.state == "closed", sa.not_(was_closed)), sa.literal("open", sa.Text)), else_=c.state),
        "suppressed": c.suppressed_reason.is_not(None),
    }
    return Population(alerts, columns, c.opened_at <= at.instant)


def _tasks(at: At) -> Population:
    c = tasks.c
    done = _by(at, c.done_at)
    not_yet = sa.and_(c.state.in_(("done", "waiting_approval")), done.is_(None))
    columns: dict[str, sa.ColumnElement[Any]] = {
        name: c[name] for name in ("kind", "object", "record_id", "measure", "assignee", "role", "due_on", "created_at")
    }
    columns |= {
        "strategy": strategy_runs.c.strategy,
        "done_at": done,
        "approved_at": _by(at, c.approved_at),
        "state": sa.case((not_yet, sa.literal("open", sa.Text)), else_=c.state),
    }
    return Population(tasks.outerjoin(strategy_runs, strategy_runs.c.id == c.strategy_run_id), columns, c.created_at <= at.instant)


def _by(at: At, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """When it had happened by then, else null."""
    return sa.case((column <= sa.literal(at.instant, column.type), column))
