"""Stored results worked out again in Python: what a record's steps saw at their moment, and each score factor by factor."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import NotFound, Text
from server.expressions.sql import moment
from server.expressions.types import At
from server.feature import Work
from server.features.assessment.engine import Seen, scope, steps
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.features.objects.step import Values, expression
from server.features.objects.wording import filled, option_titles, plain, plain_number
from server.features.scoring.engine import coverage_of, factor_value, points_of, total_of
from server.features.scoring.kind import Band, Factor, Score

NO_DATA = Text("(无数据)", " (no data)")


# -- What was seen -----------------------------------------------------------------------------------------------------------


def read_values(work: Work, object_key: str, ids: Iterable[int], names: Iterable[str], at: At | None = None) -> dict[int, dict[str, Any]]:
    """Fields and results of records of the population as expressions see them, with `id`."""
    wanted = sorted(set(names) - {"id"})
    memo = ("assessment.read_values", object_key, tuple(wanted))
    query: sa.Select[Any] | None = work.catalog.memo.get(memo)
    if query is None:
        record, found = objects.tables(work.catalog)[object_key].alias("r"), stored.table(work.catalog, object_key).alias("x")
        seen = Seen(work.catalog, object_key, record, found)
        columns = [seen[name].label(f"v{i}") for i, name in enumerate(wanted)]
        query = sa.select(record.c.id, *columns).join_from(record, found, found.c.record_id == record.c.id)
        query = work.catalog.memo[memo] = query.where(record.c.id.in_(sa.bindparam("ids", expanding=True)))
    rows = work.session.execute(query, {"ids": sorted(set(ids)), **moment(at or work.at)})
    return {row[0]: {"id": row[0], **dict(zip(wanted, row[1:], strict=True))} for row in rows}


class Replay(NamedTuple):
    values: Mapping[str, Any]
    at: At  # the moment the results were made


def replay_of(work: Work, object_key: str, record_id: int, more: Iterable[str] = ()) -> Replay:
    """All that the steps of a record read (and `more` names), and its results, as of its last assessment."""
    table = stored.table(work.catalog, object_key)
    assessed_at = work.session.scalar(sa.select(table.c.assessed_at).where(table.c.record_id == record_id))
    if assessed_at is None:
        raise NotFound(Text("此记录没有评估结果", "This record has no results"))
    at = At(assessed_at, work.zone)
    given = stored.names(work.catalog, object_key)
    made = steps(work.catalog, object_key)
    names = {name for step in made.values() for name in step.reads if not name.startswith("@")} | given.keys() | set(more)
    return Replay(read_values(work, object_key, [record_id], names, at)[record_id], at)


# -- Scores ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FactorLine:
    factor: Factor
    value: Any
    points: float | None  # None: blocks the score
    weight: float  # 0 when skipped
    contribution: float  # its share of the total: the contributions add up to it
    missing: bool
    reason: Text | None  # filled in, when it is one
    better_band: Text | None  # what would lift it to the next better points


@dataclass(frozen=True)
class ScoreExplanation:
    score: Score
    total: float | None
    coverage: float | None
    factors: tuple[FactorLine, ...]

    @property
    def reasons(self) -> tuple[Text, ...]:
        """The factors that weigh most, largest first."""
        lines = sorted((f for f in self.factors if f.reason is not None), key=lambda f: -f.weight * (f.points or 0))
        return tuple(f.reason for f in lines[: self.score.reason_count] if f.reason is not None)


def explain_score(work: Work, object_key: str, record_id: int, score_key: str) -> ScoreExplanation:
    values, at = replay_of(work, object_key, record_id)
    score: Score | None = work.catalog.get("score", score_key)
    if score is None or score.object != object_key:
        raise NotFound(Text(f"没有评分 {score_key}", f"There is no score {score_key}"))
    return score_of(work.catalog, score, values, at)


def score_of(catalog: Catalog, score: Score, values: Values, at: At) -> ScoreExplanation:
    """The score worked out again from the values of its factors."""
    names = scope(catalog, score.object)
    found = {f.key: factor_value(expression(f.value, names), values, at) for f in score.factors}
    points = {f.key: points_of(f, found[f.key]) for f in score.factors}
    weights = sum(p.weight for p in points.values())
    lines = []
    for f in score.factors:
        p = points[f.key]
        share = p.weight * (p.points or 0.0) / weights if weights else 0.0
        is_reason = f.reason is not None and p.points is not None and p.weight > 0 and p.points >= score.reason_points
        reason = _reason(catalog, score, f, found[f.key]) if is_reason else None
        lines.append(FactorLine(f, found[f.key], p.points, p.weight, share, p.missing, reason, _better(score, f, p.points, p.missing)))
    return ScoreExplanation(score, total_of(score, found), coverage_of(score, found), tuple(lines))


def _reason(catalog: Catalog, score: Score, factor: Factor, value: Any) -> Text:
    text = factor.reason or factor.title
    if value is None:
        return Text(factor.title.zh + NO_DATA.zh, factor.title.en + NO_DATA.en)
    options = option_titles(catalog, score.object, [factor.value.strip()]).get(factor.value.strip(), {})
    return filled(text, {"value": value}, {"value": options})


def _better(score: Score, factor: Factor, points: float | None, missing: bool) -> Text | None:
    """The nearest band with better points, as a condition."""
    up = score.better == "up"
    if missing:
        return Text("补充数据", "Fill in the data") if points is None or factor.missing in ("neutral", "worst") else None
    better = [b for b in factor.bands if b.op and points is not None and (b.points > points if up else b.points < points)]
    if not better:
        return None
    nearest = min(better, key=lambda b: b.points) if up else max(better, key=lambda b: b.points)
    return _band_text(nearest)


def _band_text(band: Band) -> Text:
    value = plain_number(band.value) if isinstance(band.value, int | float) and not isinstance(band.value, bool) else plain(band.value, {}, "en")
    op = {">=": "≥", "<=": "≤", "==": "="}.get(band.op, band.op)
    points = plain_number(band.points)
    return Text(f"{op} {value} 时为 {points} 分", f"{op} {value} gives {points} points")


def reasons(catalog: Catalog, object_key: str, values: Values, at: At) -> tuple[Text, ...]:
    """The reasons of the object's risk scores (those of which 0 is best)."""
    found = (s for s in catalog.all("score") if s.object == object_key and s.better != "up")
    return tuple(reason for s in found for reason in score_of(catalog, s, values, at).reasons)
