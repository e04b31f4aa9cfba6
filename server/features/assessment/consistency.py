"""Whether stored results are what the rules give: a sample worked out anew. Saves keep results up by finding what they touch; this finds what they missed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.expressions.types import At
from server.feature import Work
from server.features.assessment.engine import compile_pipeline, outputs
from server.features.assessment.population import kept_scalars
from server.features.assessment.runs import last_run
from server.features.assessment.service import results_of
from server.features.assessment.writing import IDS
from server.features.objects import results as stored
from server.storage.changes import staged

MOST_SHOWN = 20
GUESSES = 4  # ids guessed for each one wanted: some were never given, some left the population


@dataclass(frozen=True)
class Sample:
    """`different`: record id -> names of the results that are not as stored, of at most MOST_SHOWN records."""

    checked: int
    different: dict[int, list[str]]


def compare_sample(work: Work, object_key: str, size: int = IDS) -> Sample | None:
    """Records that have results and were chosen at random. None before today's run: until then results are those of an earlier day.

    What the time of day alone changes (`now()`) is left out: it is as it was when the record was assessed.
    """
    run = last_run(work, object_key)
    if run is None or run["as_of"] != work.at.today or run["release"] != work.catalog.release:
        return None
    ids = _some_ids(work, object_key, size)
    if not ids:
        return Sample(0, {})
    kept, fresh, earlier = (
        results_of(work, object_key, ids),
        _worked_out(work, object_key, ids, work.at),
        _worked_out(work, object_key, ids, At(run["at"], work.zone)),
    )
    different = {}
    for record_id in ids:
        now, then, old = (values.get(record_id, {}) for values in (fresh, earlier, kept))
        wrong = [name for name in outputs(work.catalog, object_key) if old.get(name) != now.get(name) and now.get(name) == then.get(name)]
        if wrong:
            different[record_id] = wrong
    return Sample(len(ids), dict(list(different.items())[:MOST_SHOWN]))


def _some_ids(work: Work, object_key: str, size: int) -> list[int]:
    """Few: all. Many: those of guessed ids that are there."""
    column = stored.table(work.catalog, object_key).c.record_id
    low, high = work.session.execute(sa.select(sa.func.min(column), sa.func.max(column))).one()
    if low is None:
        return []
    span = range(low, high + 1)
    guessed = random.sample(span, min(len(span), size * GUESSES))
    found: list[int] = []
    for i in range(0, len(guessed), IDS):
        found += work.session.scalars(sa.select(column).where(column.in_(guessed[i : i + IDS])))
    return sorted(found[:size])


def _worked_out(work: Work, object_key: str, ids: list[int], at: At) -> Mapping[int, Mapping[str, Any]]:
    pipeline = compile_pipeline(work.catalog, object_key, by_ids=True)
    with staged(work.session):
        rows = work.session.execute(pipeline.query, pipeline.parameters(at, kept_scalars(work, object_key), ids=ids)).mappings()
        return {row["record_id"]: dict(row) for row in rows}
