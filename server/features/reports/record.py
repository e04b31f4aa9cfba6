"""The risk assessment report of one customer. Names of documents it speaks of are those of the shipped template, as in company.py."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server.errors import NotFound, Text
from server.expressions.types import At
from server.feature import Work
from server.features.access import service as access
from server.features.alerts import service as alerts
from server.features.alerts.service import AlertView
from server.features.assessment.explain import RiskLine, explain_class, indicator_lines, risk_register
from server.features.assessment.replay import explain_score
from server.features.assessment.service import results as results_of_record
from server.features.classification.kind import Classification
from server.features.objects import results
from server.features.reports.engine import (
    CustomerFigures,
    SuggestedLimit,
    conclude_customer,
    suggested_limit,
)
from server.features.reports.population import COMPARED_DAYS, Seen, documents_of, methods, risk_score
from server.features.reports.report import ClassLine, CustomerReport, Missing, Scope, ScoreLine
from server.features.reviews.facts import level_of
from server.features.strategies import service as strategies
from server.features.strategies.subjects import may_see, record_names
from server.features.strategies.tasks import Task


def customer_report(work: Work, object_key: str, record_id: int) -> CustomerReport:
    access.require(work, "reports")
    object_type = work.catalog.get("object", object_key)
    if object_type is None or not object_type.assessed or not may_see(work, object_key, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    found = results_of_record(work, object_key, record_id)
    if found is None:
        raise NotFound(Text("这条记录还没有评估结果", "This record has no results yet"))
    today = work.at.today
    then = Seen(work, object_key, At.end_of(today - timedelta(days=COMPARED_DAYS), work.zone))
    before = _before(then, record_id)
    scores = tuple(ScoreLine(explain_score(work, object_key, record_id, s.key), before.get(s.key)) for s in documents_of(work, "score", object_key))
    open_alerts = tuple(alerts.of_record(work, object_key, record_id))
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
        tuple(_class_line(work, object_key, record_id, c, found, before) for c in documents_of(work, "classification", object_key)),
        scores,
        tuple(Missing(s.explanation.score.key, f.factor.key, f.factor.title, 1, f.factor.missing) for s in scores for f in s.explanation.factors if f.missing),
        risks,
        tuple(indicator_lines(work, object_key, record_id)),
        open_alerts,
        tuple(r for r in strategies.runs_of(work, object_key, record_id) if r.ended_at is None),
        tuple(t for t in tasks if t.state in ("open", "waiting_approval")),
        _limit(found, own),
        methods(work, object_key),
        conclude_customer(figures, today),
    )


def _before(then: Seen, record_id: int) -> Mapping[str, Any]:
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
    score = risk_score(work, object_key)
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
    now = Seen(work, object_key, work.at)
    known = [n for n in names if n in work.catalog.get("object", object_key).fields and n not in access.hidden_fields(work, object_key)]
    row = work.session.execute(now.select(*(now.columns[n].label(n) for n in known), where=now.columns["id"] == record_id)).first() if known else None
    return dict(row._mapping) if row else {}


def _limit(found: Mapping[str, Any], own: Mapping[str, Any]) -> SuggestedLimit | None:
    """Left out where the terms are not the actor's to see."""
    if "payment_terms_days" not in own:
        return None
    rating, terms = found.get("credit_rating"), own["payment_terms_days"]
    return suggested_limit(found.get("order_amount_365d"), terms, rating, found.get("equity_latest"), found.get("guaranteed"))
