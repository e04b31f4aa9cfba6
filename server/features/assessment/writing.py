"""Results of some records or of a range of them: worked out, and written where they differ."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import NotFound, Text
from server.expressions.sql import moment
from server.expressions.types import At
from server.feature import Assessed, Work
from server.features.assessment.ageing import aged, ageing, on_day
from server.features.assessment.engine import compile_pipeline, in_population, outputs
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.features.objects.kind import ObjectType
from server.storage.changes import database_kind, insert_changed, staged
from server.storage.dialects import Instant
from server.storage.part import Part, within
from server.storage.turns import in_turn

Element = sa.ColumnElement[Any]
IDS = 500  # records assessed by one statement after a save


def take_turns(work: Work, object_key: str, ids: Iterable[int]) -> None:
    """Two who save rows of one record at once each see their own row only: the second looks after the first has committed."""
    in_turn(work.session, f"assess {object_key}", ids)


@dataclass(frozen=True)
class Done:
    records: int
    changed: int
    tally: Mapping[str, int]


def assess_part(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None]) -> Done:
    """Writes the results that differ, their history, and removes those of records that left the population; then the hooks."""
    return _tell(work, object_key, part, _keep(work, object_key, part, at, scalars))


def follow_time(work: Work, object_key: str, part: Part, due: Sequence[int], at: At, scalars: Mapping[str, float | None]) -> Done:
    """A range of which only the `due` records can have other results than stored ones: these are worked out again, the ages of the others grow."""
    changed = set[int]()
    for i in range(0, len(due), IDS):
        changed |= _keep(work, object_key, Part(ids=tuple(due[i : i + IDS])), at, scalars)
    growing = work.catalog.once(("assessment.growing", object_key), lambda: _growing(work.catalog, object_key))
    if growing is not None:
        work.session.execute(growing, {"run_as_of": at.today, "run_now": work.now, **part.bound})
    done = _tell(work, object_key, part, changed)
    return replace(done, tally={**done.tally, "due": len(due)})


def assess_past(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None]) -> Done:
    """All of a past day's results, as rows of the history: a day asked for stands whole, whatever is written around it later."""
    history = stored.history_table(work.catalog, object_key)
    written = _write(work, object_key, part, at, scalars, history, compare=list(outputs(work.catalog, object_key)))
    of_day = sa.select(sa.func.count()).select_from(history).where(within(history.c.record_id, part.by_ids), history.c.as_of == at.today)
    return Done(work.session.scalar(of_day, part.bound) or 0, len(written), {})


def _tell(work: Work, object_key: str, part: Part, changed: set[int]) -> Done:
    records = 1 if part.is_one and changed else work.session.scalar(_keeping(work, object_key, part.by_ids).count, part.bound) or 0
    tally: Counter[str] = Counter()
    if records or changed:
        for hook in work.hooks.on_assessed:
            tally.update(hook(work, Assessed(object_key, part, frozenset(changed))) or {})
    return Done(records, len(changed), tally)


def _keep(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None]) -> set[int]:
    """Brings the results of the part up to date; gives the ids of those that are not what they were, their age apart."""
    keeping = _keeping(work, object_key, part.by_ids)
    names = [*outputs(work.catalog, object_key), "as_of"]  # each row says on which day it was worked out
    written = _write(work, object_key, part, at, scalars, stored.table(work.catalog, object_key), compare=names)
    changed = set(work.session.scalars(keeping.fresh, {"run_now": work.now, **part.bound})) if written else set[int]()
    if written and part.is_one:
        return changed  # the one record has results: it is there, and nobody left
    return changed | set(work.session.scalars(keeping.leaving, {**moment(at), **part.bound}))


def _write(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None], table: sa.Table, *, compare: Sequence[str]) -> set[int]:
    """Works out the part and writes the rows that differ; gives their ids."""
    pipeline = compile_pipeline(work.catalog, object_key, by_ids=part.by_ids)
    memo = ("assessment.writing", table.name, part.by_ids, database_kind(work.session))
    statement: sa.Executable | None = work.catalog.memo.get(memo)
    if statement is None:
        query = pipeline.query.add_columns(
            sa.bindparam("run_release", type_=sa.Integer()).label("release"),
            sa.bindparam("run_as_of", type_=sa.Date()).label("as_of"),
            sa.bindparam("run_now", type_=Instant()).label("assessed_at"),
        )
        statement = work.catalog.memo[memo] = insert_changed(work.session, table, query, compare=compare)
    bound = pipeline.parameters(at, scalars, run_release=work.catalog.release, run_as_of=at.today, run_now=work.now, **part.bound)
    if part.is_one:
        return set(work.session.scalars(statement, bound))
    with staged(work.session):
        return set(work.session.scalars(statement, bound))


# -- Statements --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keeping:
    """What is done to the results of a part beside writing them: `leaving` takes out those of records that left the population, `fresh` copies
    what was just written into the history where it says something new, `count` tells how many have results."""

    leaving: sa.Executable
    fresh: sa.Executable
    count: sa.Select[Any]


def _keeping(work: Work, object_key: str, by_ids: bool) -> Keeping:
    memo = ("assessment.keeping", object_key, by_ids, database_kind(work.session))
    found: Keeping = work.catalog.once(memo, lambda: _made_keeping(work, object_key, by_ids))
    return found


def _made_keeping(work: Work, object_key: str, by_ids: bool) -> Keeping:
    table, history = stored.table(work.catalog, object_key), stored.history_table(work.catalog, object_key)
    names = list(outputs(work.catalog, object_key))
    object_type = subject(work.catalog, object_key)
    records = objects.table(object_type, work.catalog)
    members = sa.select(records.c.id).where(*in_population(work.catalog, object_type, records), within(records.c.id, by_ids))
    mine = within(table.c.record_id, by_ids)
    rows = sa.select(table.c.record_id, table.c.as_of, table.c.release, table.c.assessed_at, *(table.c[n] for n in names))
    fresh = rows.where(mine, table.c.assessed_at == sa.bindparam("run_now", type_=Instant()), ~_known(work.catalog, object_key))
    return Keeping(
        sa.delete(table).where(mine, table.c.record_id.not_in(members)).returning(table.c.record_id),
        insert_changed(work.session, history, fresh, compare=names),
        sa.select(sa.func.count()).select_from(table).where(mine),
    )


def _known(catalog: Catalog, object_key: str) -> sa.ColumnElement[bool]:
    """Whether the newest row of a result's history says the same, ages grown since."""
    table, history = stored.table(catalog, object_key), stored.history_table(catalog, object_key)
    then, last = history.alias("h"), history.alias("l")
    newest = sa.select(sa.func.max(last.c.as_of)).where(last.c.record_id == table.c.record_id, last.c.as_of <= table.c.as_of).correlate(table).scalar_subquery()
    same = (table.c[name].is_not_distinct_from(value) for name, value in on_day(catalog, object_key, then, table.c.as_of).items())
    return sa.exists().where(then.c.record_id == table.c.record_id, then.c.as_of == newest, *same).correlate(table)


def _growing(catalog: Catalog, object_key: str) -> sa.Update | None:
    """Ages of a range, brought to a day."""
    table, names = stored.table(catalog, object_key), ageing(catalog, object_key)
    if not names:
        return None
    day = sa.bindparam("run_as_of", type_=sa.Date())
    grown = {name: aged(catalog, table.c[name], table.c.as_of, day) for name in names}
    older = (table.c.as_of < day, sa.or_(*(table.c[name].is_not(None) for name in names)))
    return (
        sa.update(table)
        .where(within(table.c.record_id, False), *older)
        .values({**grown, "as_of": day, "assessed_at": sa.bindparam("run_now", type_=Instant())})
    )


def subject(catalog: Catalog, object_key: str) -> ObjectType:
    object_type: ObjectType | None = catalog.get("object", object_key)
    if object_type is None or not object_type.assessed:
        raise NotFound(Text(f"对象 {object_key} 不参与评估", f"The object {object_key} is not assessed"))
    return object_type
