"""Metrics: measured, kept as dated snapshots, shown as series."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid, Problem, Text
from server.expressions.types import At
from server.feature import Work
from server.features.audit import service as audit
from server.features.reviews.engine import is_red, period_of
from server.features.reviews.kind import Metric
from server.features.reviews.populations import Measured, measure
from server.features.reviews.tables import metric_snapshots


@dataclass(frozen=True)
class Point:
    as_of: date
    period: str
    value: float | None
    target: float
    red: bool
    numerator: float | None
    denominator: float | None
    release: int
    taken_at: datetime


def take_snapshots(work: Work, as_of: date | None = None, metrics: Sequence[str] = ()) -> int:
    """Measure all metrics (or some) as of a day and keep them; how many rows are new or differ. The same day again is the same row."""
    today = work.at.today
    day = as_of or today
    if day > today:
        raise Invalid([Problem("as_of", Text("日期不能晚于今天", "The day must not lie ahead"), code="range")])
    at = work.at if day == today else At.end_of(day, work.zone)
    found: list[Metric] = [m for m in work.catalog.all("metric") if not metrics or m.key in metrics]
    written = sum(_keep(work, metric, day, measure(work, metric, at)) for metric in found)
    if written:
        audit.record(work, "take_snapshots", detail={"as_of": day, "metrics": [m.key for m in found]})
    return written


def _keep(work: Work, metric: Metric, day: date, measured: Measured) -> bool:
    key = sa.and_(metric_snapshots.c.metric == metric.key, metric_snapshots.c.as_of == day)
    values: dict[str, Any] = {
        "period": period_of("month", day).key,
        "value": measured.value,
        "target": float(metric.target),
        "better": metric.better,
        "decimals": metric.decimals,
        "numerator": measured.numerator,
        "denominator": measured.denominator,
    }
    before = work.session.execute(sa.select(metric_snapshots).where(key).with_for_update()).first()
    if before is not None and all(before._mapping[name] == value for name, value in values.items()):
        return False
    values |= {"release": work.catalog.release, "taken_at": work.now}
    if before is not None:
        work.session.execute(sa.update(metric_snapshots).where(key).values(**values))
    else:
        work.session.execute(sa.insert(metric_snapshots).values(metric=metric.key, as_of=day, **values))
    return True


def metric_series(work: Work, metric: str, periods: int = 12, until: date | None = None) -> tuple[Point, ...]:
    """The last snapshot of each month, oldest first."""
    c = metric_snapshots.c
    newest = sa.select(sa.func.max(c.as_of)).where(c.metric == metric).group_by(c.period)
    if until is not None:
        newest = newest.where(c.as_of <= until)
    query = sa.select(metric_snapshots).where(c.metric == metric, c.as_of.in_(newest)).order_by(c.as_of.desc()).limit(periods)
    return tuple(_point(row) for row in reversed(work.session.execute(query).all()))


def last_point(work: Work, metric: str, until: date | None = None) -> Point | None:
    c = metric_snapshots.c
    query = sa.select(metric_snapshots).where(c.metric == metric).order_by(c.as_of.desc()).limit(1)
    row = work.session.execute(query if until is None else query.where(c.as_of <= until)).first()
    return _point(row) if row else None


def _point(row: sa.Row[Any]) -> Point:
    red = is_red(row.value, row.target, row.better, row.decimals)
    return Point(row.as_of, row.period, row.value, row.target, red, row.numerator, row.denominator, row.release, row.taken_at)
