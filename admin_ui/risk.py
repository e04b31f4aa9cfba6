"""The risk tab: what makes the score, how it went, the indicators, the register of risks, the reason for the class."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from admin_ui.formats import Formats
from admin_ui.subjects import Subject, class_of
from server.errors import Text
from server.expressions.tree import tree_of
from server.feature import Work
from server.features.assessment import explain
from server.features.assessment.explain import ClassExplanation, IndicatorLine, RiskLine
from server.features.assessment.replay import FactorLine, ScoreExplanation, explain_score
from server.features.classification.kind import Classification
from server.features.matrix.kind import Matrix
from server.features.objects import results as outputs_of
from server.features.objects.kind import ObjectType
from server.features.scoring.kind import Score

NO_SIGN = Text("没有迹象", "no sign of it")
MONTHS_SHOWN = 366  # days of the score line
FACTORS_SHOWN = 6
BIG_PERCENT = 1000  # beyond it a percentage tells less than the difference
WHOLE_FROM = 10_000  # amounts from here on are shown without their cents


@dataclass(frozen=True)
class FactorView:
    """One bar: `share` of the widest possible, `full` how wide it could be."""

    line: FactorLine
    group: Text | None
    value: str
    width: float
    full: float
    most: float  # what it could add at most
    bad: bool


@dataclass(frozen=True)
class ScoreView:
    explanation: ScoreExplanation
    factors: tuple[FactorView, ...]
    first: int  # how many are shown at once
    missing: int


@dataclass(frozen=True)
class IndicatorView:
    line: IndicatorLine
    value: str
    prev: str
    change: str
    tone: str  # good, bad or ""


@dataclass(frozen=True)
class Place:
    """Where the risk types lie in one matrix: rows from the most likely to the least."""

    matrix: Matrix
    rows: tuple[tuple[tuple[str, tuple[RiskLine, ...]], ...], ...]  # level key, the risks in the cell


@dataclass(frozen=True)
class ClassView:
    classification: Classification
    key: str | None
    explanation: ClassExplanation


@dataclass(frozen=True)
class RiskView:
    score: ScoreView | None
    others: tuple[tuple[Score, Any], ...]
    chart: Mapping[str, Any] | None
    indicators: tuple[IndicatorView, ...]
    register: tuple[RiskLine, ...]
    reasons: Mapping[str, Text]  # risk type -> what was met
    places: tuple[Place, ...]
    classes: tuple[ClassView, ...]


def risk_view(work: Work, object_type: ObjectType, record_id: int, lead: Subject, results: Mapping[str, Any] | None) -> RiskView | None:
    """None when the record is outside the population."""
    if results is None:
        return None
    key = object_type.key
    formats = Formats(work.actor.locale, work.zone)
    register = tuple(explain.risk_register(work, key, record_id))
    classes = tuple(ClassView(c, results.get(c.key), explain.explain_class(work, key, record_id, c.key)) for c in (lead.main, lead.level) if c)
    return RiskView(
        score_view(work, key, record_id, lead.score, formats) if lead.score else None,
        tuple((s, results.get(s.key)) for s in lead.scores if s is not lead.score),
        chart(work, key, record_id, lead, formats) if lead.score else None,
        tuple(indicator_views(explain.indicator_lines(work, key, record_id), formats)),
        register,
        {line.risk_type.key: reason(line) for line in register},
        tuple(places(work, register)),
        classes,
    )


# -- Score -------------------------------------------------------------------------------------------------------------------


def score_view(work: Work, object_key: str, record_id: int, score: Score, formats: Formats) -> ScoreView:
    found = explain_score(work, object_key, record_id, score.key)
    weights = sum(line.weight for line in found.factors) or 1.0
    shares = {line.factor.key: 100 * line.weight / weights for line in found.factors}
    widest = max(shares.values(), default=1.0) or 1.0
    groups = {g.key: g.title for g in score.groups}
    lines = sorted(found.factors, key=lambda line: -_weight_of(line, score, shares[line.factor.key]))
    drawn = [_factor_view(work, object_key, line, score, groups, shares[line.factor.key], widest, formats) for line in lines]
    views = tuple(sorted(drawn, key=lambda v: not v.bad))  # what speaks against the record first
    telling = sum(1 for v in views if v.bad)
    return ScoreView(found, views, max(FACTORS_SHOWN, min(telling, 9)), sum(1 for line in found.factors if line.missing))


def _weight_of(line: FactorLine, score: Score, most: float) -> float:
    """How much a factor speaks against the record: what it adds to a risk, what it lacks of a good score."""
    return line.contribution if score.better == "down" else most - line.contribution


def _factor_view(
    work: Work, object_key: str, line: FactorLine, score: Score, groups: Mapping[str, Text], most: float, widest: float, formats: Formats
) -> FactorView:
    points = line.points or 0.0
    bad = points >= score.reason_points if score.better == "down" else points < score.reason_points
    return FactorView(
        line,
        groups.get(line.factor.group),
        value_text(work, object_key, line.factor.value, line.value, formats),
        round(100 * line.contribution / widest, 2),
        round(100 * most / widest, 2),
        most,
        bad and line.weight > 0 and not line.missing,
    )


def value_text(work: Work, object_key: str, name: str, value: Any, formats: Formats) -> str:
    """A value as its output or field shows it."""
    if value is None:
        return Text("没有数据", "no data").of(formats.locale)
    output = outputs_of.names(work.catalog, object_key).get(name.strip())
    if output and output.options:
        return dict(output.options).get(value, Text(str(value), str(value))).of(formats.locale)
    object_type: ObjectType | None = work.catalog.get("object", object_key)
    field = object_type.fields.get(name.strip()) if object_type else None
    if field and field.options:
        return next((o.title.of(formats.locale) for o in field.options if o.key == value), str(value))
    if isinstance(value, bool):
        return (Text("是", "yes") if value else Text("否", "no")).of(formats.locale)
    if isinstance(value, int | float):
        unit = output.unit if output else field.unit if field else ""
        return formats.quantity(round(value, 2) if output is None else value, "" if unit == "count" else unit, output.decimals if output else None)
    return formats.date(value) if isinstance(value, date) else str(value)


# -- The line over time ------------------------------------------------------------------------------------------------------


def chart(work: Work, object_key: str, record_id: int, lead: Subject, formats: Formats) -> dict[str, Any] | None:
    """Data for the score line; None while there are fewer than two points."""
    score = lead.score
    assert score is not None
    since = work.at.today - timedelta(days=MONTHS_SHOWN)
    history = [(day, value) for day, value in explain.score_history(work, object_key, record_id, score.key) if value is not None]
    before = [(since, value) for day, value in history if day < since][-1:]
    points = [*before, *((day, value) for day, value in history if day >= since)]
    if not points:
        return None
    if points[-1][0] < work.at.today:
        points.append((work.at.today, points[-1][1]))
    if len(points) < 2:
        return None
    values = [float(v) for _, v in points]
    low, high = max(0, int(min(values) // 10 * 10) - 10), min(100, int(max(values) // 10 * 10) + 20)
    marks = [{"value": at, "label": label.of(formats.locale), "kind": "border"} for at, label in borders(lead, score) if low < at < high]
    return {
        "type": "line",
        "title": score.title.of(formats.locale),
        "x": [day.isoformat() for day, _ in points],
        "y": values,
        "min": low,
        "max": high,
        "step": True,
        "last": formats.number(values[-1], score.decimals),
        "marks": marks,
        "locale": formats.locale,
        "points": [(formats.date(day), formats.number(value, score.decimals)) for day, value in points],
    }


def borders(lead: Subject, score: Score) -> tuple[tuple[float, Text], ...]:
    """Where a class begins: numbers that a classification's conditions compare the score with."""
    found: dict[float, Text] = {}
    for classification in lead.classifications:
        for row in classification.rows:
            for number in _compared(row.when, score.key):
                klass = class_of(classification, row.value)
                found.setdefault(number, klass.title if klass else classification.title)
    return tuple(sorted(found.items()))


def _compared(source: str, name: str) -> Iterable[float]:
    try:
        nodes = list(ast.walk(tree_of(source.strip() or "True")))
    except SyntaxError:
        return
    for node in nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(s, ast.Name) and s.id == name for s in sides):
                yield from (float(s.value) for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, int | float))


# -- Indicators, risks -------------------------------------------------------------------------------------------------------


def indicator_views(lines: Iterable[IndicatorLine], formats: Formats) -> Iterable[IndicatorView]:
    """Alarming ones first, then those with a value, in the order of their documents."""
    ordered = sorted(lines, key=lambda line: (not line.alarm, line.value is None, not line.has_prev))
    for line in ordered:
        yield _indicator_view(line, formats)


def _indicator_view(line: IndicatorLine, formats: Formats) -> IndicatorView:
    unit = "" if line.unit == "count" else line.unit
    change, tone = "", ""
    if line.change_pct is not None and abs(line.change_pct) < BIG_PERCENT:
        change = formats.number(line.change_pct, 1, sign=True) + "%"
    elif line.change is not None:
        change = formats.number(line.change, 0 if abs(line.change) >= WHOLE_FROM else min(line.decimals, 2), sign=True)
    if line.change and line.better and change:
        tone = "good" if (line.change > 0) == (line.better == "up") else "bad"
    return IndicatorView(
        line,
        _quantity(line.value, unit, line.decimals, formats),
        _quantity(line.prev, unit, line.decimals, formats) if line.has_prev else "",
        change,
        tone,
    )


def _quantity(value: Any, unit: str, decimals: int, formats: Formats) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return formats.date(value) if isinstance(value, date) else formats.number(None) if value is None else str(value)
    return formats.quantity(value, unit, 0 if abs(value) >= WHOLE_FROM else min(decimals, 2))


def reason(line: RiskLine) -> Text:
    """What was met of likelihood and impact; "no sign of it" when neither."""
    met = [why for why in (line.why_likelihood, line.why_impact) if why != explain.OTHERWISE]
    return Text("；".join(w.zh for w in met), "; ".join(w.en for w in met)) if met else NO_SIGN


def places(work: Work, register: Iterable[RiskLine]) -> Iterable[Place]:
    lines = tuple(register)
    for matrix in work.catalog.all("matrix"):
        mine = tuple(line for line in lines if line.risk_type.matrix == matrix.key)
        if mine:
            yield Place(matrix, tuple(_place_row(matrix, i, mine) for i in reversed(range(len(matrix.likelihood)))))


def _place_row(matrix: Matrix, i: int, lines: tuple[RiskLine, ...]) -> tuple[tuple[str, tuple[RiskLine, ...]], ...]:
    likely = matrix.likelihood[i].key
    return tuple(
        (matrix.cells[i][j], tuple(line for line in lines if (line.likelihood, line.impact) == (likely, impact.key))) for j, impact in enumerate(matrix.impact)
    )
