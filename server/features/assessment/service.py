"""Assessing one, some or all records of an object, by the same pipeline; the results as they are now."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.feature import SYSTEM, Saved, Work
from server.features.assessment import touched
from server.features.assessment.explain import explain_class, indicator_lines, matrix_counts, risk_register, score_history
from server.features.assessment.population import keep_scalars, kept_scalars, population_scalars
from server.features.assessment.replay import explain_score
from server.features.assessment.runs import assess_all, assess_due, last_run
from server.features.assessment.structure import assessed, update_indexes, update_tables
from server.features.assessment.writing import IDS, assess_part, take_turns
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.jobs.ledger import enqueue
from server.storage.part import Part

__all__ = [
    "assess_all", "assess_due", "assess_ids", "explain_class", "explain_score", "indicator_lines", "last_run", "matrix_counts", "on_published", "on_saved",
    "results", "results_of", "risk_register", "score_history",
]  # fmt: skip
AT_PUBLISH = 5000  # a population up to this is assessed in the publishing transaction; a larger one by a job
RUN = "assess"  # the job


def assess_ids(work: Work, object_key: str, ids: Iterable[int]) -> int:
    """Some records, in the caller's transaction. Gives how many changed."""
    wanted = sorted(set(ids))
    take_turns(work, object_key, wanted)
    scalars = kept_scalars(work, object_key)
    parts = [Part(ids=tuple(wanted[i : i + IDS])) for i in range(0, len(wanted), IDS)] if len(wanted) > 1 else [Part.one(i) for i in wanted]
    return sum(assess_part(work, object_key, part, work.at, scalars).changed for part in parts)


def assess_population(work: Work, object_key: str) -> int:
    """Everybody, in the caller's transaction: for small populations, at publish. Gives how many changed."""
    at = work.at
    take_turns(work, object_key, Part().numbers)
    scalars = population_scalars(work, object_key, at)
    keep_scalars(work, object_key, at.today, scalars)
    return assess_part(work, object_key, Part(), at, scalars).changed


# -- Hooks -------------------------------------------------------------------------------------------------------------------


def on_saved(work: Work, saved: Saved) -> None:
    """Results follow every save in its transaction."""
    for object_type in assessed(work.catalog):
        ids = touched.subjects(work, object_type, saved)
        if ids:
            assess_ids(work, object_type.key, ids)


def on_published(work: Work, old: Catalog, new: Catalog) -> None:
    """Tables and indexes follow the documents; a small population is assessed at once, so that nobody sees results of the old rules, a large one by
    a job that begins when the release is live."""
    during = replace(work, catalog=new)
    update_tables(work.session, new)
    update_indexes(work.session, new)
    for object_type in assessed(new):
        table = objects.table(object_type, new)
        some = work.session.scalar(sa.select(sa.func.count()).select_from(sa.select(table.c.id).limit(AT_PUBLISH + 1).subquery()))
        if some and some <= AT_PUBLISH:
            assess_population(during, object_type.key)
        elif some:
            enqueue(work.session, work.now, SYSTEM.username, RUN, {"object": object_type.key}, key=f"{RUN}:{object_type.key}:{new.release}")


# -- Reading -----------------------------------------------------------------------------------------------------------------


def results_of(work: Work, object_key: str, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Current results by record id; records outside the population are not there."""
    table = stored.table(work.catalog, object_key)
    wanted = sorted(set(ids))
    found: dict[int, dict[str, Any]] = {}
    for i in range(0, len(wanted), IDS):
        rows = work.session.execute(sa.select(table).where(table.c.record_id.in_(wanted[i : i + IDS]))).mappings()
        found |= {row["record_id"]: dict(row) for row in rows}
    return found


def results(work: Work, object_key: str, record_id: int) -> dict[str, Any] | None:
    return results_of(work, object_key, [record_id]).get(record_id)
