"""The risk assessment report of the company.

Names of documents the conclusions speak of (risk_level, order_amount_365d ...) are those of the shipped template; where a release
lacks one, what depends on it is left out.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import NotFound, Text
from server.expressions.check import check
from server.expressions.sql import compile_sql
from server.expressions.types import At
from server.feature import Work
from server.features.access import service as access
from server.features.assessment.replay import explain_score
from server.features.classification.kind import Classification
from server.features.matrix.engine import impact_name, likelihood_name
from server.features.matrix.kind import Matrix, RiskType
from server.features.reports.engine import (
    WEAK_COVERAGE,
    Figures,
    conclude,
)
from server.features.reports.population import COMPARED_DAYS, Seen, documents_of, methods, option_title, risk_score
from server.features.reports.report import ClassCount, ClassTable, CompanyReport, MatrixCell, MatrixTable, MetricFigure, Missing, Riser, Scope
from server.features.reviews.facts import subject_key
from server.features.reviews.metrics import last_point
from server.features.reviews.populations import population_of
from server.features.scoring.kind import Score
from server.features.strategies.subjects import record_names, subjects, visible

RISERS = 10
LISTED = 50


def company_report(work: Work, as_of: date | None = None) -> CompanyReport:
    """As of today or of a past day, over the records the actor may read."""
    access.require(work, "reports")
    object_key = subject_key(work.catalog)
    if not object_key:
        raise NotFound(Text("没有参与评估的对象", "No object is assessed"))
    day = min(as_of or work.at.today, work.at.today)
    now = Seen(work, object_key, work.at if day == work.at.today else At.end_of(day, work.zone))
    then = Seen(work, object_key, At.end_of(day - timedelta(days=COMPARED_DAYS), work.zone))
    figures = _figures(now, then)
    return CompanyReport(
        _scope(now, day),
        tuple(_class_table(now, then, c) for c in documents_of(work, "classification", object_key)),
        _risers(now, then),
        _missing(now),
        tuple(_matrix(now, r) for r in documents_of(work, "risk_type", object_key)),
        methods(work, object_key),
        _metrics(work, day),
        figures,
        conclude(figures, work.at.today),
    )


def _scope(now: Seen, day: date) -> Scope:
    work, object_key = now.work, now.object_key
    object_type = work.catalog.get("object", object_key)
    score = risk_score(work, object_key)
    coverage = None
    if score is not None and score.coverage_key and now.has(score.coverage_key):
        coverage = work.session.scalar(now.select(sa.func.avg(now.columns[score.coverage_key])))
    return Scope(
        object_key,
        object_type.plural,
        day,
        day - timedelta(days=COMPARED_DAYS),
        work.catalog.release,
        work.now,
        _count_all(work, object_key),
        now.count(),
        None if coverage is None else round(float(coverage), 1),
    )


def _count_all(work: Work, object_key: str) -> int:
    """Records the actor may read, whether they are assessed or not."""
    found = subjects(work, object_key)
    return int(work.session.scalar(sa.select(sa.func.count()).select_from(found.table).where(visible(work, found))) or 0)


def _class_table(now: Seen, then: Seen, found: Classification) -> ClassTable:
    place = {c.key: n for n, c in enumerate(found.classes)}
    exposure = now.amount("exposure")
    rows = {
        r[0]: (r[1], float(r[2] or 0.0))
        for r in now.work.session.execute(now.select(now.columns[found.key], sa.func.count(), sa.func.sum(exposure)).group_by(now.columns[found.key]))
    }
    current, earlier = now.values(found.key), then.values(found.key)
    counted: dict[str, int] = {}
    for value in earlier.values():
        counted[value] = counted.get(value, 0) + 1
    moves = [place.get(current[i], 0) - place.get(earlier[i], 0) for i in current.keys() & earlier.keys() if current[i] in place and earlier[i] in place]
    classes = tuple(ClassCount(c.key, c.title, c.color, *_pair(rows, c.key, counted)) for c in found.classes)
    return ClassTable(found.key, found.title, classes, sum(m > 0 for m in moves), sum(m < 0 for m in moves))


def _pair(rows: Mapping[str, tuple[int, float]], key: str, earlier: Mapping[str, int]) -> tuple[int, int, float]:
    count, exposure = rows.get(key, (0, 0.0))
    return count, earlier.get(key, 0), exposure


def _risers(now: Seen, then: Seen) -> tuple[Riser, ...]:
    work, object_key = now.work, now.object_key
    score = risk_score(work, object_key)
    if score is None:
        return ()
    current, earlier = now.values(score.key), then.values(score.key)
    known = [i for i in current.keys() & earlier.keys() if current[i] is not None and earlier[i] is not None and current[i] > earlier[i]]
    largest = sorted(known, key=lambda i: (earlier[i] - current[i], i))[:RISERS]
    names = record_names(work, object_key, largest)
    is_now = now.at.today == work.at.today
    return tuple(Riser(i, names[i], earlier[i], current[i], explain_score(work, object_key, i, score.key).reasons if is_now else ()) for i in largest)


def _missing(now: Seen) -> tuple[Missing, ...]:
    """One statement counts them all."""
    asked: list[tuple[Score, Any, sa.ColumnElement[Any]]] = []
    for score in documents_of(now.work, "score", now.object_key):
        for factor in score.factors:
            checked, _ = check(factor.value, now.scope)
            if checked is not None and all(n in now.columns for n in checked.names):  # a value of the whole population is missing for nobody
                value = compile_sql(checked, {n: now.columns[n] for n in checked.names}, now.at)
                asked.append((score, factor, sa.func.sum(sa.case((value.is_(None), 1), else_=0))))
    if not asked:
        return ()
    counts = now.all(*(count.label(f"c{i}") for i, (_, _, count) in enumerate(asked)))[0]
    found = [Missing(s.key, f.key, f.title, int(n), f.missing) for (s, f, _), n in zip(asked, counts, strict=True) if n]
    return tuple(sorted(found, key=lambda m: -m.count))


def _matrix(now: Seen, risk_type: RiskType) -> MatrixTable:
    work, object_key = now.work, now.object_key
    matrix: Matrix = work.catalog.get("matrix", risk_type.matrix)
    likely, grave = now.columns[likelihood_name(risk_type)], now.columns[impact_name(risk_type)]
    query = now.select(likely, grave, sa.func.count(), sa.func.sum(now.amount("exposure"))).group_by(likely, grave)
    counted = {(r[0], r[1]): (r[2], float(r[3] or 0.0)) for r in work.session.execute(query)}
    cells = {}
    for i, likelihood in enumerate(matrix.likelihood):
        for j, impact in enumerate(matrix.impact):
            count, exposure = counted.get((likelihood.key, impact.key), (0, 0.0))
            cells[likelihood.key, impact.key] = MatrixCell(likelihood.key, impact.key, matrix.cells[i][j], count, exposure)
    highest = matrix.levels[-1].key
    at_top = now.columns[risk_type.key] == highest
    ids = [row[0] for row in work.session.execute(now.select(now.columns["id"], where=at_top).order_by(now.amount("exposure").desc()).limit(LISTED))]
    names = record_names(work, object_key, ids)
    return MatrixTable(risk_type.key, risk_type.title, matrix, cells, tuple((i, names[i]) for i in ids), now.count(at_top))


def _metrics(work: Work, day: date) -> tuple[MetricFigure, ...]:
    found = []
    for metric in work.catalog.all("metric"):
        point = last_point(work, metric.key, day)
        if point is not None:
            found.append(MetricFigure(metric.key, metric.title, metric.unit, metric.decimals, metric.better, point))
    return tuple(found)


def _figures(now: Seen, then: Seen) -> Figures:
    values: dict[str, Any] = {}
    if now.has("order_amount_365d"):
        values |= _revenue(now)
    if now.has("overdue_amount", "receivable_balance"):
        values["overdue_ratio"] = _share(now.total(now.columns["overdue_amount"]), now.total(now.columns["receivable_balance"]))
        values["overdue_ratio_before"] = _share(then.total(then.columns["overdue_amount"]), then.total(then.columns["receivable_balance"]))
    if now.has("parent_customer", "risk_level"):
        risky = now.columns["risk_level"].in_(("medium", "high", "extreme"))
        parent = now.columns["parent_customer"]
        grouped = now.select(parent, where=sa.and_(risky, parent.is_not(None))).group_by(parent).having(sa.func.count() >= 3)
        values["groups"] = len(now.work.session.execute(grouped).all())
    if now.has("high_value_churn"):
        values["churn_extreme"] = now.count(now.columns["high_value_churn"] == "extreme")
    if now.has("risk_coverage", "exposure"):
        weak = now.total(now.columns["exposure"], now.columns["risk_coverage"] < WEAK_COVERAGE)
        values["weak_exposure_share"] = _share(weak, now.total(now.columns["exposure"]))
    values |= _root_cause(now) | _precision(now)
    return Figures(**values)


def _revenue(now: Seen) -> dict[str, Any]:
    work = now.work
    revenue = now.columns["order_amount_365d"]
    total = now.total(revenue)
    values: dict[str, Any] = {}
    if now.has("risk_level"):
        values["high_revenue_share"] = _share(now.total(revenue, now.columns["risk_level"] == "high"), total)
    largest = work.session.execute(now.select(now.columns["id"], revenue.label("amount"), where=revenue.is_not(None)).order_by(revenue.desc()).limit(1)).first()
    if largest is not None:
        values["largest_share"] = _share(largest.amount, total)
        values["largest_name"] = record_names(work, now.object_key, [largest.id])[largest.id]
    if now.has("industry"):
        industry = now.columns["industry"]
        summed = now.select(industry.label("key"), sa.func.sum(revenue).label("amount"), where=industry.is_not(None)).group_by(industry)
        rows = sorted(work.session.execute(summed).all(), key=lambda r: -(r.amount or 0.0))
        if rows:
            values["industry_share"] = _share(rows[0].amount or 0.0, total)
            values["industry"] = option_title(work, now.object_key, "industry", rows[0].key)
    return values


def _root_cause(now: Seen) -> dict[str, Any]:
    """Of the complaints of a year, the share of the gravest known cause in the weight of all."""
    work = now.work
    complaint = work.catalog.get("object", "complaint")
    if complaint is None or not {"root_cause", "severity_weight", "received_at"} <= complaint.fields.keys():
        return {}
    seen = Seen(work, "complaint", now.at)
    recent = seen.met("days_between(received_at, now()) <= 365 and days_between(received_at, now()) >= 0")
    cause, weight = seen.columns["root_cause"], seen.columns["severity_weight"]
    rows = work.session.execute(seen.select(cause, sa.func.sum(weight), where=recent).group_by(cause)).all()
    total = sum(float(r[1] or 0) for r in rows)
    known = sorted((r for r in rows if r[0] is not None), key=lambda r: -float(r[1] or 0))
    if not known or not total:
        return {}
    return {"root_cause_share": _share(float(known[0][1] or 0), total), "root_cause": option_title(work, "complaint", "root_cause", known[0][0])}


def _precision(now: Seen) -> dict[str, Any]:
    judged = population_of(now.work, "alert", now.at)
    verdict, closed = judged.columns["verdict"], judged.columns["closed_at"]
    recent = sa.and_(judged.rows, closed >= sa.literal(now.at.instant - timedelta(days=90), closed.type))
    rows = now.work.session.execute(sa.select(verdict, sa.func.count()).select_from(judged.source).where(recent).group_by(verdict)).all()
    counts = {row[0]: row[1] for row in rows}
    return {"alert_precision": _share(counts.get("right", 0), counts.get("right", 0) + counts.get("false", 0))}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole * 100, 2) if whole else None
