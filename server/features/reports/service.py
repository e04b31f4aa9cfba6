"""The risk assessment report of the company and of one customer, as data: pages lay it out, nothing is left to them to work out.

Names of documents the conclusions speak of (risk_level, order_amount_365d ...) are those of the shipped template; where a release
lacks one, what depends on it is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import NotFound, Text
from server.expressions.check import check
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import At
from server.feature import Work
from server.features.access import service as access
from server.features.alerts import service as alerts
from server.features.alerts.service import AlertView
from server.features.assessment.explain import IndicatorLine, RiskLine, explain_class, indicator_lines, risk_register
from server.features.assessment.replay import ScoreExplanation, explain_score
from server.features.assessment.service import results as results_of_record
from server.features.classification.kind import Classification
from server.features.matrix.engine import impact_name, likelihood_name
from server.features.matrix.kind import Matrix, RiskType
from server.features.objects import results
from server.features.reports.engine import (
    WEAK_COVERAGE,
    Conclusion,
    CustomerFigures,
    Figures,
    SuggestedLimit,
    conclude,
    conclude_customer,
    suggested_limit,
)
from server.features.reviews.engine import metric_scope
from server.features.reviews.facts import level_of, subject_key
from server.features.reviews.metrics import Point, last_point
from server.features.reviews.populations import Population, population_of
from server.features.scoring.kind import Score
from server.features.strategies import service as strategies
from server.features.strategies.runs import StrategyRun
from server.features.strategies.subjects import may_see, record_names, subjects, visible
from server.features.strategies.tasks import Task

COMPARED_DAYS = 90
RISERS = 10
LISTED = 50


@dataclass(frozen=True)
class Scope:
    object: str
    title: Text
    as_of: date
    compared_with: date
    release: int
    made_at: datetime
    population: int  # records of the object, deleted ones left out
    assessed: int
    coverage: float | None  # mean coverage of the first risk score


@dataclass(frozen=True)
class ClassCount:
    key: str
    title: Text
    color: str
    count: int
    before: int  # on the day compared with
    exposure: float


@dataclass(frozen=True)
class ClassTable:
    """One classification: how many in each class now and then."""

    classification: str
    title: Text
    classes: tuple[ClassCount, ...]
    up: int  # moved towards the end of the document's order
    down: int


@dataclass(frozen=True)
class Riser:
    record_id: int
    name: str
    old: float
    new: float
    reasons: tuple[Text, ...]


@dataclass(frozen=True)
class Missing:
    """A factor without data: of how many, and how the score treats it."""

    score: str
    factor: str
    title: Text
    count: int
    policy: str


@dataclass(frozen=True)
class MatrixCell:
    likelihood: str
    impact: str
    level: str
    count: int
    exposure: float


@dataclass(frozen=True)
class MatrixTable:
    risk_type: str
    title: Text
    matrix: Matrix
    cells: Mapping[tuple[str, str], MatrixCell]
    top: tuple[tuple[int, str], ...]  # records at the highest level
    top_count: int


@dataclass(frozen=True)
class Methods:
    scores: tuple[Score, ...]
    classifications: tuple[Classification, ...]
    matrices: tuple[Matrix, ...]
    risk_types: tuple[RiskType, ...]
    notes: tuple[Text, ...]


@dataclass(frozen=True)
class MetricFigure:
    metric: str
    title: Text
    unit: str
    decimals: int
    better: str
    point: Point


@dataclass(frozen=True)
class CompanyReport:
    scope: Scope
    classes: tuple[ClassTable, ...]
    risers: tuple[Riser, ...]
    missing: tuple[Missing, ...]
    matrices: tuple[MatrixTable, ...]
    methods: Methods
    metrics: tuple[MetricFigure, ...]
    figures: Figures
    conclusions: tuple[Conclusion, ...]


@dataclass(frozen=True)
class ClassLine:
    classification: str
    title: Text
    value: str | None
    value_title: Text
    color: str
    before: str | None
    before_title: Text | None
    rise: int  # places in the order of the document since the day compared with
    why: Text


@dataclass(frozen=True)
class ScoreLine:
    explanation: ScoreExplanation
    before: float | None


@dataclass(frozen=True)
class CustomerReport:
    scope: Scope
    record_id: int
    name: str
    assessed_at: datetime | None
    classes: tuple[ClassLine, ...]
    scores: tuple[ScoreLine, ...]
    missing: tuple[Missing, ...]
    risks: tuple[RiskLine, ...]
    indicators: tuple[IndicatorLine, ...]
    alerts: tuple[AlertView, ...]
    strategies: tuple[StrategyRun, ...]
    tasks: tuple[Task, ...]
    limit: SuggestedLimit | None
    methods: Methods
    conclusions: tuple[Conclusion, ...]


# -- The company ---------------------------------------------------------------------------------------------------------------


def company_report(work: Work, as_of: date | None = None) -> CompanyReport:
    """As of today or of a past day, over the records the actor may read."""
    access.require(work, "reports")
    object_key = subject_key(work.catalog)
    if not object_key:
        raise NotFound(Text("没有参与评估的对象", "No object is assessed"))
    day = min(as_of or work.at.today, work.at.today)
    now = _Seen(work, object_key, work.at if day == work.at.today else At.end_of(day, work.zone))
    then = _Seen(work, object_key, At.end_of(day - timedelta(days=COMPARED_DAYS), work.zone))
    figures = _figures(now, then)
    return CompanyReport(
        _scope(now, day),
        tuple(_class_table(now, then, c) for c in _of(work, "classification", object_key)),
        _risers(now, then),
        _missing(now),
        tuple(_matrix(now, r) for r in _of(work, "risk_type", object_key)),
        _methods(work, object_key),
        _metrics(work, day),
        figures,
        conclude(figures, work.at.today),
    )


def _of(work: Work, kind: str, object_key: str) -> list[Any]:
    return [value for value in work.catalog.all(kind) if value.object == object_key]


class _Seen:
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


def _risk_score(work: Work, object_key: str) -> Score | None:
    return next((s for s in _of(work, "score", object_key) if s.better != "up"), None)


def _scope(now: _Seen, day: date) -> Scope:
    work, object_key = now.work, now.object_key
    object_type = work.catalog.get("object", object_key)
    score = _risk_score(work, object_key)
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


def _class_table(now: _Seen, then: _Seen, found: Classification) -> ClassTable:
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


def _risers(now: _Seen, then: _Seen) -> tuple[Riser, ...]:
    work, object_key = now.work, now.object_key
    score = _risk_score(work, object_key)
    if score is None:
        return ()
    current, earlier = now.values(score.key), then.values(score.key)
    known = [i for i in current.keys() & earlier.keys() if current[i] is not None and earlier[i] is not None and current[i] > earlier[i]]
    largest = sorted(known, key=lambda i: (earlier[i] - current[i], i))[:RISERS]
    names = record_names(work, object_key, largest)
    is_now = now.at.today == work.at.today
    return tuple(Riser(i, names[i], earlier[i], current[i], explain_score(work, object_key, i, score.key).reasons if is_now else ()) for i in largest)


def _missing(now: _Seen) -> tuple[Missing, ...]:
    """One statement counts them all."""
    asked: list[tuple[Score, Any, sa.ColumnElement[Any]]] = []
    for score in _of(now.work, "score", now.object_key):
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


def _matrix(now: _Seen, risk_type: RiskType) -> MatrixTable:
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


def _methods(work: Work, object_key: str) -> Methods:
    types = tuple(_of(work, "risk_type", object_key))
    used = {r.matrix for r in types}
    return Methods(
        tuple(_of(work, "score", object_key)),
        tuple(_of(work, "classification", object_key)),
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


def _metrics(work: Work, day: date) -> tuple[MetricFigure, ...]:
    found = []
    for metric in work.catalog.all("metric"):
        point = last_point(work, metric.key, day)
        if point is not None:
            found.append(MetricFigure(metric.key, metric.title, metric.unit, metric.decimals, metric.better, point))
    return tuple(found)


# -- Figures of the conclusions ------------------------------------------------------------------------------------------------


def _figures(now: _Seen, then: _Seen) -> Figures:
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


def _revenue(now: _Seen) -> dict[str, Any]:
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
            values["industry"] = _option_title(work, now.object_key, "industry", rows[0].key)
    return values


def _root_cause(now: _Seen) -> dict[str, Any]:
    """Of the complaints of a year, the share of the gravest known cause in the weight of all."""
    work = now.work
    complaint = work.catalog.get("object", "complaint")
    if complaint is None or not {"root_cause", "severity_weight", "received_at"} <= complaint.fields.keys():
        return {}
    seen = _Seen(work, "complaint", now.at)
    recent = seen.met("days_between(received_at, now()) <= 365 and days_between(received_at, now()) >= 0")
    cause, weight = seen.columns["root_cause"], seen.columns["severity_weight"]
    rows = work.session.execute(seen.select(cause, sa.func.sum(weight), where=recent).group_by(cause)).all()
    total = sum(float(r[1] or 0) for r in rows)
    known = sorted((r for r in rows if r[0] is not None), key=lambda r: -float(r[1] or 0))
    if not known or not total:
        return {}
    return {"root_cause_share": _share(float(known[0][1] or 0), total), "root_cause": _option_title(work, "complaint", "root_cause", known[0][0])}


def _precision(now: _Seen) -> dict[str, Any]:
    judged = population_of(now.work, "alert", now.at)
    verdict, closed = judged.columns["verdict"], judged.columns["closed_at"]
    recent = sa.and_(judged.rows, closed >= sa.literal(now.at.instant - timedelta(days=90), closed.type))
    rows = now.work.session.execute(sa.select(verdict, sa.func.count()).select_from(judged.source).where(recent).group_by(verdict)).all()
    counts = {row[0]: row[1] for row in rows}
    return {"alert_precision": _share(counts.get("right", 0), counts.get("right", 0) + counts.get("false", 0))}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole * 100, 2) if whole else None


def _option_title(work: Work, object_key: str, field: str, key: str) -> Text:
    options = work.catalog.get("object", object_key).fields[field].options
    return next((o.title for o in options if o.key == key), Text(key, key))


# -- One customer --------------------------------------------------------------------------------------------------------------


def customer_report(work: Work, object_key: str, record_id: int) -> CustomerReport:
    access.require(work, "reports")
    object_type = work.catalog.get("object", object_key)
    if object_type is None or not object_type.assessed or not may_see(work, object_key, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    found = results_of_record(work, object_key, record_id)
    if found is None:
        raise NotFound(Text("这条记录还没有评估结果", "This record has no results yet"))
    today = work.at.today
    then = _Seen(work, object_key, At.end_of(today - timedelta(days=COMPARED_DAYS), work.zone))
    before = _before(then, record_id)
    scores = tuple(ScoreLine(explain_score(work, object_key, record_id, s.key), before.get(s.key)) for s in _of(work, "score", object_key))
    open_alerts = tuple(alerts.list_alerts(work, record=(object_key, record_id)))
    tasks = strategies.tasks_of(work, object_key, record_id)
    risks = tuple(risk_register(work, object_key, record_id))
    own = _own(work, object_key, record_id, "limit_now", "payment_terms_days")
    figures = _customer_figures(work, object_key, {**found, **own}, risks, open_alerts, tasks)
    covered = next((s.explanation.coverage for s in scores if s.explanation.coverage is not None), None)
    scope = Scope(object_key, object_type.title, today, today - timedelta(days=COMPARED_DAYS), found["release"], work.now, 1, 1, covered)
    return CustomerReport(
        scope,
        record_id,
        record_names(work, object_key, [record_id])[record_id],
        found["assessed_at"],
        tuple(_class_line(work, object_key, record_id, c, found, before) for c in _of(work, "classification", object_key)),
        scores,
        tuple(Missing(s.explanation.score.key, f.factor.key, f.factor.title, 1, f.factor.missing) for s in scores for f in s.explanation.factors if f.missing),
        risks,
        tuple(indicator_lines(work, object_key, record_id)),
        open_alerts,
        tuple(r for r in strategies.runs_of(work, object_key, record_id) if r.ended_at is None),
        tuple(t for t in tasks if t.state in ("open", "waiting_approval")),
        _limit(found, own),
        _methods(work, object_key),
        conclude_customer(figures, today),
    )


def _before(then: _Seen, record_id: int) -> Mapping[str, Any]:
    names = list(results.outputs(then.work.catalog, then.object_key))
    row = then.work.session.execute(then.select(*(then.columns[n].label(n) for n in names), where=then.columns["id"] == record_id)).first()
    return dict(row._mapping) if row else {}


def _class_line(work: Work, object_key: str, record_id: int, c: Classification, found: Mapping[str, Any], before: Mapping[str, Any]) -> ClassLine:
    place, titles = {x.key: n for n, x in enumerate(c.classes)}, {x.key: x for x in c.classes}
    value, old = found.get(c.key), before.get(c.key)
    shown = titles.get(value) if value else None
    was = titles.get(old) if old else None
    rise = place[value] - place[old] if value in place and old in place else 0
    why = explain_class(work, object_key, record_id, c.key).sentence
    nothing = Text("未评估", "Not assessed")
    return ClassLine(c.key, c.title, value, shown.title if shown else nothing, shown.color if shown else "", old, was.title if was else None, rise, why)


def _customer_figures(
    work: Work, object_key: str, found: Mapping[str, Any], risks: tuple[RiskLine, ...], open_alerts: tuple[AlertView, ...], tasks: tuple[Task, ...]
) -> CustomerFigures:
    level = level_of(work.catalog, object_key)
    value = found.get(level.key) if level else None
    titles = {c.key: c.title for c in level.classes} if level else {}
    tops = {m.key: m.levels[-1].key for m in work.catalog.all("matrix")}
    score = _risk_score(work, object_key)
    limit = found.get("limit_now")
    exposure = found.get("exposure")
    return CustomerFigures(
        level=value,
        level_top=value == "high",
        extreme=tuple(r.risk_type.title for r in risks if r.level == tops.get(r.risk_type.matrix)),
        overdue_amount=found.get("overdue_amount"),
        max_days_overdue=found.get("max_days_overdue"),
        coverage=found.get(score.coverage_key) if score and score.coverage_key else None,
        revenue_share=found.get("revenue_share_pct"),
        exposure_over_limit=None if limit is None or exposure is None else exposure - limit,
        open_critical=sum(a.severity == "critical" for a in open_alerts),
        late_tasks=sum(t.overdue_days > 0 for t in tasks),
        class_title=titles.get(value) if value else None,
    )


def _own(work: Work, object_key: str, record_id: int, *names: str) -> dict[str, Any]:
    """Fields of the record that are there and not hidden from the actor."""
    now = _Seen(work, object_key, work.at)
    known = [n for n in names if n in work.catalog.get("object", object_key).fields and n not in access.hidden_fields(work, object_key)]
    row = work.session.execute(now.select(*(now.columns[n].label(n) for n in known), where=now.columns["id"] == record_id)).first() if known else None
    return dict(row._mapping) if row else {}


def _limit(found: Mapping[str, Any], own: Mapping[str, Any]) -> SuggestedLimit | None:
    """Left out where the terms are not the actor's to see."""
    if "payment_terms_days" not in own:
        return None
    rating, terms = found.get("credit_rating"), own["payment_terms_days"]
    return suggested_limit(found.get("order_amount_365d"), terms, rating, found.get("equity_latest"), found.get("guaranteed"))
