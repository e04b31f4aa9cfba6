"""The values a population has in common: totals, means, and the marks that ranks are read from."""

from collections.abc import Mapping, Sequence
from datetime import date

import sqlalchemy as sa

from server.expressions.types import At
from server.feature import Work
from server.features.assessment.engine import Pipeline, compile_marks, compile_scalars, scalar_levels, scope
from server.features.assessment.tables import population_values
from server.features.indicators.kind import Indicator
from server.features.indicators.ranking import PERCENTS, mark_name, mark_names
from server.storage.changes import staged, upsert
from server.storage.part import Part


def population_scalars(work: Work, object_key: str, at: At) -> dict[str, float | None]:
    """The values all records share, over the whole population as of the moment."""
    known: dict[str, float | None] = {}
    for level in scalar_levels(work.catalog, object_key):
        plain, ranking = [i for i in level if not i.ranks], [i for i in level if i.ranks]
        found = _plain_scalars(work, object_key, plain, at, known) if plain else {}
        found |= _marks(work, object_key, ranking, at, known) if ranking else {}
        known |= found
    return known


def _plain_scalars(work: Work, object_key: str, level: Sequence[Indicator], at: At, known: Mapping[str, float | None]) -> dict[str, float | None]:
    memo = ("assessment.scalars", object_key, tuple(i.key for i in level))
    pipeline: Pipeline = work.catalog.once(memo, lambda: compile_scalars(work.catalog, object_key, level))
    with staged(work.session):
        row = work.session.execute(pipeline.query, pipeline.parameters(at, known, **Part().bound)).mappings().one()
    return {i.key: row[i.key] for i in level}


def _marks(work: Work, object_key: str, level: Sequence[Indicator], at: At, known: Mapping[str, float | None]) -> dict[str, float | None]:
    """The marks of every group; those of a group without anybody are null."""
    memo = ("assessment.marks", object_key, tuple(i.key for i in level))
    pipeline: Pipeline = work.catalog.once(memo, lambda: compile_marks(work.catalog, object_key, level))
    names = scope(work.catalog, object_key)
    found: dict[str, float | None] = {name: None for i in level for name in mark_names(i, names)}
    with staged(work.session):
        for prefix, *marks in work.session.execute(pipeline.query, pipeline.parameters(at, known, **Part().bound)):
            found |= {mark_name(prefix, percent): mark for percent, mark in zip(PERCENTS, marks, strict=True)}
    return found


def keep_scalars(work: Work, object_key: str, day: date, scalars: Mapping[str, float | None]) -> None:
    for key, value in scalars.items():
        upsert(work.session, population_values, {"object": object_key, "key": key, "value": value, "as_of": day, "release": work.catalog.release})


def kept_scalars(work: Work, object_key: str) -> dict[str, float | None]:
    """The population's values of the last full run; those that no run has worked out yet are null."""
    levels = scalar_levels(work.catalog, object_key)
    if not levels:
        return {}
    rows = work.session.execute(sa.select(population_values.c.key, population_values.c.value).where(population_values.c.object == object_key))
    known: dict[str, float | None] = {row.key: row.value for row in rows}
    names = scope(work.catalog, object_key)
    return {key: known.get(key) for level in levels for i in level for key in (mark_names(i, names) if i.ranks else (i.key,))}
