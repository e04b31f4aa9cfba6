"""Why a record has its class and its levels, its indicators beside their past, and where the population lies in the matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import NotFound, Text
from server.expressions.explain import Trace, explain, sentence
from server.expressions.types import BOOLEAN, At
from server.feature import Work
from server.features.access.service import row_filter
from server.features.assessment.ageing import between
from server.features.assessment.engine import outputs, scope
from server.features.assessment.replay import replay_of
from server.features.classification.engine import Rows, rows_of
from server.features.classification.kind import Classification, Row
from server.features.indicators.kind import Indicator
from server.features.indicators.wording import sentence as sentence_of
from server.features.indicators.wording import window_words
from server.features.matrix.engine import impact_name, likelihood_name
from server.features.matrix.kind import RiskType
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.features.objects.step import Values, expression

OTHERWISE = Text("以上条件都不满足", "None of the conditions above is met")


# -- Classes and levels ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RowLine:
    """A row that was looked at. `met` None: not assessable, something it needs is unknown."""

    row: Row
    met: bool | None
    sentence: Text


class ClassExplanation(NamedTuple):
    value: str | None  # key of the class
    row: int | None  # which row was met
    sentence: Text
    trace: Trace | None
    lines: tuple[RowLine, ...]  # the rows up to the one met: why not those before


def explain_class(work: Work, object_key: str, record_id: int, classification_key: str) -> ClassExplanation:
    found: Classification | None = work.catalog.get("classification", classification_key)
    if found is None or found.object != object_key:
        raise NotFound(Text(f"没有分类 {classification_key}", f"There is no classification {classification_key}"))
    values, at = replay_of(work, object_key, record_id)
    return rows_explained(work.catalog, object_key, found.rows, values, at)


def rows_explained(catalog: Catalog, object_key: str, rows: Sequence[Row], values: Values, at: At) -> ClassExplanation:
    names = scope(catalog, object_key)
    made: Rows = rows_of(rows, names)
    hit = made.hit(values, at)
    titles = {name: known.title for name, known in names.names.items() if known.title is not None}
    lines = []
    for row, (when, _) in zip(rows if hit is None else rows[: hit + 1], made.rows, strict=False):
        if when is None:
            lines.append(RowLine(row, True, OTHERWISE))
            continue
        words = Text(sentence(when.checked, titles, values, "zh_CN"), sentence(when.checked, titles, values, "en"))
        met = when.run(values, at)
        lines.append(RowLine(row, met if isinstance(met, bool) else None, words))
    when = made.rows[hit][0] if hit is not None else None
    text = lines[-1].sentence if hit is not None else OTHERWISE
    trace = explain(when.checked, values, at) if when is not None else None
    return ClassExplanation(made.value(values, at), hit, text, trace, tuple(lines))


@dataclass(frozen=True)
class RiskLine:
    risk_type: RiskType
    likelihood: str | None
    impact: str | None
    level: str | None
    why_likelihood: Text
    why_impact: Text

    @property
    def why(self) -> Text:
        return Text(f"{self.why_likelihood.zh};{self.why_impact.zh}", f"{self.why_likelihood.en}; {self.why_impact.en}")


def risk_register(work: Work, object_key: str, record_id: int) -> list[RiskLine]:
    """Every risk type of the record, the highest level first."""
    values, at = replay_of(work, object_key, record_id)
    lines = []
    for risk_type in (r for r in work.catalog.all("risk_type") if r.object == object_key):
        likely = rows_explained(work.catalog, object_key, risk_type.likelihood, values, at)
        grave = rows_explained(work.catalog, object_key, risk_type.impact, values, at)
        level = values.get(risk_type.key)
        lines.append(RiskLine(risk_type, values.get(likelihood_name(risk_type)), values.get(impact_name(risk_type)), level, likely.sentence, grave.sentence))
    ranks = {(m.key, level.key): level.rank for m in work.catalog.all("matrix") for level in m.levels}
    return sorted(lines, key=lambda line: -ranks.get((line.risk_type.matrix, line.level), 0))


@dataclass(frozen=True)
class Cell:
    count: int
    exposure: float


def matrix_counts(work: Work, object_key: str, risk_type: str | None = None, weigh: str = "exposure") -> dict[tuple[str, str], Cell]:
    """How many records lie in each cell, of one risk type or of all together, among those the actor may read; with the sum of `weigh`."""
    record, found = objects.tables(work.catalog)[object_key].alias("r"), stored.table(work.catalog, object_key).alias("x")
    allowed = row_filter(work, object_key, "read", objects.value_columns(work.catalog, object_key, record, work.at))
    amount = found.c[weigh] if weigh in found.c else sa.literal(0.0, sa.Double())
    counts: dict[tuple[str, str], Cell] = {}
    for r in work.catalog.all("risk_type"):
        if r.object != object_key or (risk_type and r.key != risk_type):
            continue
        likely, grave = found.c[likelihood_name(r)], found.c[impact_name(r)]
        query = sa.select(likely, grave, sa.func.count(), sa.func.coalesce(sa.func.sum(amount), 0.0))
        query = query.join_from(found, record, record.c.id == found.c.record_id).where(allowed, likely.is_not(None), grave.is_not(None)).group_by(likely, grave)
        for likelihood, impact, count, exposure in work.session.execute(query):
            cell = counts.get((likelihood, impact), Cell(0, 0.0))
            counts[likelihood, impact] = Cell(cell.count + count, round(cell.exposure + float(exposure), 2))
    return counts


# -- Indicators and history --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IndicatorLine:
    key: str
    title: Text
    value: Any
    prev: Any
    change: Any
    change_pct: float | None
    unit: str
    decimals: int
    window: Text  # in two words
    alarm: bool  # its alarm condition is met
    better: str
    has_prev: bool
    meaning: Text  # what was counted, over which days


def indicator_lines(work: Work, object_key: str, record_id: int) -> list[IndicatorLine]:
    names = scope(work.catalog, object_key)
    alarms = {i.key: expression(i.alarm, names, BOOLEAN) for i in work.catalog.all("indicator") if i.object == object_key and i.alarm}
    values, at = replay_of(work, object_key, record_id, (name for alarm in alarms.values() for name in alarm.names))
    lines = []
    for i in work.catalog.all("indicator"):
        if i.object != object_key or (i.over_population and not i.ranks):
            continue
        indicator: Indicator = i
        key = indicator.key
        lines.append(
            IndicatorLine(
                key,
                indicator.title,
                values.get(key),
                values.get(f"{key}_prev"),
                values.get(f"{key}_change"),
                values.get(f"{key}_change_pct"),
                indicator.unit,
                indicator.decimals,
                window_words(indicator.window),
                key in alarms and alarms[key].met(values, at),
                indicator.better,
                indicator.previous is not None,
                sentence_of(work.catalog, indicator, at.today),
            )
        )
    return lines


def score_history(work: Work, object_key: str, record_id: int, name: str) -> list[tuple[date, Any]]:
    """The values of one output over time, oldest first; each holds until the next."""
    output = outputs(work.catalog, object_key).get(name)
    if output is None:
        raise NotFound(Text(f"没有 {name}", f"There is no {name}"))
    table = stored.history_table(work.catalog, object_key)
    rows = work.session.execute(sa.select(table.c.as_of, table.c[name]).where(table.c.record_id == record_id).order_by(table.c.as_of))
    found = [(row[0], row[1]) for row in rows]
    return between(found, work.at.today) if output.ages else found
