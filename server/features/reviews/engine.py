"""What metrics may name, when a metric is red, and the periods of reviews. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from server.config.catalog import Catalog
from server.errors import Problem, Text
from server.expressions.types import BOOLEAN, DATE, DATETIME, INTEGER, TEXT, Name, Scope
from server.features.alerts.tables import STATES as ALERT_STATES
from server.features.reviews.kind import Metric
from server.features.strategies.scopes import subject_scope

# Populations that are no objects: alerts and tasks, with these names.
POPULATIONS: Mapping[str, Scope] = {
    "alert": Scope(
        {
            "rule": Name(TEXT, False, Text("规则", "Rule")),
            "object": Name(TEXT, False, Text("对象", "Object")),
            "record_id": Name(INTEGER, False, Text("记录", "Record")),
            "severity": Name(TEXT, False, Text("严重程度", "Severity"), options=("info", "warning", "critical")),
            "state": Name(TEXT, False, Text("状态", "State"), options=ALERT_STATES),
            "opened_at": Name(DATETIME, False, Text("触发时间", "Opened")),
            "due_at": Name(DATETIME, False, Text("响应期限", "Response due")),
            "acknowledged_at": Name(DATETIME, True, Text("确认时间", "Acknowledged")),
            "closed_at": Name(DATETIME, True, Text("关闭时间", "Closed")),
            "close_reason": Name(TEXT, True, Text("关闭原因", "Why closed")),
            "verdict": Name(TEXT, True, Text("判定", "Verdict"), options=("right", "false", "late")),
            "suppressed": Name(BOOLEAN, False, Text("被抑制", "Suppressed")),
        }
    ),
    "task": Scope(
        {
            "kind": Name(TEXT, False, Text("类型", "Kind"), options=("measure", "response", "follow_up")),
            "object": Name(TEXT, False, Text("对象", "Object")),
            "record_id": Name(INTEGER, True, Text("记录", "Record")),
            "state": Name(TEXT, False, Text("状态", "State"), options=("open", "waiting_approval", "done", "superseded", "cancelled")),
            "measure": Name(TEXT, True, Text("措施", "Measure")),
            "strategy": Name(TEXT, True, Text("应对策略", "Strategy")),
            "assignee": Name(TEXT, True, Text("负责人", "Assignee")),
            "role": Name(TEXT, True, Text("角色", "Role")),
            "due_on": Name(DATE, False, Text("到期日", "Due")),
            "created_at": Name(DATETIME, False, Text("创建时间", "Created")),
            "done_at": Name(DATETIME, True, Text("完成时间", "Done")),
            "approved_at": Name(DATETIME, True, Text("批准时间", "Approved")),
        }
    ),
}


def metric_scope(catalog: Catalog, source: str) -> Scope:
    """Names a metric over this population may use; an object of the same key goes before a system population."""
    if catalog.get("object", source) is not None:
        return subject_scope(catalog, source)
    return POPULATIONS.get(source, Scope())


def is_red(value: float | None, target: float, better: str, decimals: int) -> bool:
    """Whether the target is missed, by the value as it is shown. What could not be worked out is not red: it is not known."""
    if value is None:
        return False
    shown = round(value, decimals)
    return shown > target if better == "lower" else shown < target


def metric_value(metric: Metric, numerator: float | None, denominator: float | None) -> float | None:
    """A sum over nothing is 0 above the line and unknown below it."""
    if metric.denominator is None:
        return None if numerator is None else round(numerator * metric.scale, metric.decimals)
    if not denominator:
        return None
    return round((numerator or 0.0) / denominator * metric.scale, metric.decimals)


@dataclass(frozen=True)
class Period:
    """`key` is 2026-03, 2026-Q1 or 2026; `last` is its last day."""

    key: str
    first: date
    last: date


MONTHS = {"month": 1, "quarter": 3, "year": 12}


def period_of(cadence: str, day: date) -> Period:
    months = MONTHS[cadence]
    start = date(day.year, (day.month - 1) // months * months + 1, 1)
    return Period(_key(cadence, start), start, _add_months(start, months) - timedelta(days=1))


def period_named(cadence: str, key: str) -> Period | Problem:
    """The period with this key, or what is wrong with it."""
    year, _, part = key.strip().upper().partition("-")
    known = {"month": [f"{m:02}" for m in range(1, 13)], "quarter": ["Q1", "Q2", "Q3", "Q4"], "year": [""]}[cadence]
    if not (year.isascii() and year.isdigit() and len(year) == 4 and int(year) >= 1900 and part in known):
        example = {"month": "2026-03", "quarter": "2026-Q1", "year": "2026"}[cadence]
        return Problem("period", Text(f"没有期间“{key[:20]}”,例如 {example}", f"There is no period “{key[:20]}”; an example: {example}"), code="bad_period")
    return period_of(cadence, date(int(year), known.index(part) * MONTHS[cadence] + 1, 1))


def before(cadence: str, period: Period) -> Period:
    return period_of(cadence, period.first - timedelta(days=1))


def _key(cadence: str, start: date) -> str:
    return {"month": f"{start.year}-{start.month:02}", "quarter": f"{start.year}-Q{(start.month + 2) // 3}", "year": str(start.year)}[cadence]


def _add_months(day: date, months: int) -> date:
    index = day.month - 1 + months
    return date(day.year + index // 12, index % 12 + 1, 1)
