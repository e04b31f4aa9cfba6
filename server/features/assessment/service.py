"""Assessing one, some or all records of an object, by the same pipeline; the results as they are now."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Invalid, NotFound, Problem, Text
from server.expressions.sql import moment
from server.expressions.types import At
from server.feature import SYSTEM, Assessed, Saved, Work
from server.features.assessment import pace, touched
from server.features.assessment.engine import (
    Pipeline,
    compile_marks,
    compile_pipeline,
    compile_scalars,
    in_population,
    outputs,
    scalar_levels,
    scope,
    scoped,
)  # fmt: skip
from server.features.assessment.explain import explain_class, indicator_lines, matrix_counts, risk_register, score_history
from server.features.assessment.replay import explain_score
from server.features.assessment.structure import assessed, update_indexes, update_tables
from server.features.assessment.tables import assessment_runs, population_values
from server.features.indicators.kind import Indicator
from server.features.indicators.ranking import PERCENTS, mark_name, mark_names
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.features.objects.kind import ObjectType
from server.jobs.ledger import enqueue
from server.storage.changes import database_kind, insert_changed, staged, upsert
from server.storage.dialects import Instant
from server.storage.turns import in_turn, span

__all__ = [
    "Summary", "assess_all", "assess_ids", "explain_class", "explain_score", "indicator_lines", "last_run", "matrix_counts", "on_published", "on_saved",
    "results", "results_of", "risk_register", "score_history",
]  # fmt: skip
Element = sa.ColumnElement[Any]
OpenWork = Callable[[], AbstractContextManager[Work]]
IDS = 500  # records assessed by one statement after a save
HIGHEST = 2**62
AT_PUBLISH = 5000  # a population up to this is assessed in the publishing transaction; a larger one by a job
RUN = "assess"  # the job


@dataclass(frozen=True)
class Summary:
    records: int
    changed: int
    alerts_opened: int
    alerts_cleared: int
    seconds: float
    as_of: date
    release: int
    resumed: bool = False


@dataclass(frozen=True)
class Part:
    """Which records: some ids, or a range of them."""

    ids: tuple[int, ...] = ()
    low: int = -1
    high: int = HIGHEST

    def of(self, column: Element) -> Element:
        return column.in_(self.ids) if self.ids else sa.and_(column > self.low, column <= self.high)

    @property
    def numbers(self) -> Iterable[int]:
        return self.ids or span(self.low, self.high)

    @property
    def is_one(self) -> bool:
        return self.high - self.low == 1

    @property
    def bound(self) -> dict[str, Any]:
        return {"ids": list(self.ids)} if self.ids else {"low": self.low, "high": self.high}


# -- The whole population ----------------------------------------------------------------------------------------------------


def assess_all(
    open_work: OpenWork, object_key: str = "customer", as_of: date | None = None, progress: Callable[[int, int], None] | None = None, chunk: int | None = None
) -> Summary:
    """Assesses everybody in chunks of ids, each a transaction that also moves the run's cursor: a killed run is continued by the next call.

    A past `as_of` writes that day's rows of the history and touches neither current results nor alerts.
    """
    began = time.monotonic()
    with open_work() as work:
        run, resumed = _begin(work, object_key, as_of)
    done, total, chunks = run["done"], run["total"], pace.Pace(chunk)
    while True:
        if progress:
            progress(done, max(total, done))
        with chunks.step(open_work) as work:
            more, done = _chunk(work, run["id"], chunks.size)
        if not more:
            break
    with open_work() as work:
        row = work.session.execute(sa.select(assessment_runs).where(assessment_runs.c.id == run["id"])).mappings().one()
    return Summary(
        row["done"],
        row["changed"],
        row["tally"].get("alerts_opened", 0),
        row["tally"].get("alerts_cleared", 0),
        time.monotonic() - began,
        row["as_of"],
        row["release"],
        resumed,
    )


def _begin(work: Work, object_key: str, as_of: date | None) -> tuple[Mapping[str, Any], bool]:
    """The run that was cut off, when it meant the same; else a new one with the population's values worked out."""
    object_type = subject(work.catalog, object_key)
    today = work.at.today
    day = as_of or today
    if day > today:
        raise Invalid([Problem("as_of", Text("不能评估未来的日期", "A day to come cannot be assessed"), code="future")])
    runs = assessment_runs.c
    same = sa.and_(runs.as_of == day, runs.release == work.catalog.release, runs.past == (day < today))
    cut = (
        work.session.execute(sa.select(assessment_runs).where(runs.object == object_key, runs.state == "running", same).order_by(runs.id.desc()))
        .mappings()
        .first()
    )
    ended = sa.update(assessment_runs).where(runs.object == object_key, runs.state == "running").values(state="abandoned", finished_at=work.now)
    work.session.execute(ended.where(runs.id != cut["id"]) if cut else ended)
    if cut:
        return dict(cut), True
    at = At.end_of(day, work.zone) if day < today else work.at
    table = objects.table(object_type, work.catalog)
    total = work.session.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.deleted_at.is_(None))) or 0
    scalars = population_scalars(work, object_key, at)
    if day == today:
        _keep_scalars(work, object_key, day, scalars)
    row = {
        "object": object_key, "as_of": day, "at": at.instant, "release": work.catalog.release, "past": day < today, "state": "running", "cursor": -1,
        "total": total, "done": 0, "changed": 0, "tally": {}, "scalars": scalars, "started_at": work.now, "by": work.actor.username,
    }  # fmt: skip
    made = work.session.execute(sa.insert(assessment_runs).values(**row).returning(assessment_runs.c.id)).scalar_one()
    return {**row, "id": made}, False


def _chunk(work: Work, run_id: int, chunk: int) -> tuple[bool, int]:
    runs = assessment_runs.c
    run = work.session.execute(sa.select(assessment_runs).where(runs.id == run_id).with_for_update()).mappings().one()
    if run["state"] != "running" or run["release"] != work.catalog.release:
        return False, run["done"]
    table = objects.table(subject(work.catalog, run["object"]), work.catalog)
    ids = sa.select(table.c.id).where(table.c.id > run["cursor"]).order_by(table.c.id).limit(chunk).subquery()
    count, last = work.session.execute(sa.select(sa.func.count(), sa.func.max(ids.c.id))).one()
    part = Part(low=run["cursor"], high=last if count == chunk else HIGHEST)
    at = At(run["at"], work.zone)
    _take_turns(work, run["object"], part.numbers)
    done = assess_past(work, run["object"], part, at, run["scalars"]) if run["past"] else assess_part(work, run["object"], part, at, run["scalars"])
    finished = count < chunk
    tally = Counter(run["tally"])
    tally.update(done.tally)
    values = {"cursor": part.high, "done": run["done"] + done.records, "changed": run["changed"] + done.changed, "tally": dict(tally)}
    values |= {"state": "done", "finished_at": work.now} if finished else {}
    work.session.execute(sa.update(assessment_runs).where(runs.id == run_id).values(**values))
    return not finished, values["done"]


def assess_population(work: Work, object_key: str) -> int:
    """Everybody, in the caller's transaction: for small populations, at publish. Gives how many changed."""
    at = work.at
    _take_turns(work, object_key, Part().numbers)
    scalars = population_scalars(work, object_key, at)
    _keep_scalars(work, object_key, at.today, scalars)
    return assess_part(work, object_key, Part(), at, scalars).changed


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


def _keep_scalars(work: Work, object_key: str, day: date, scalars: Mapping[str, float | None]) -> None:
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


# -- A part of it ------------------------------------------------------------------------------------------------------------


def _take_turns(work: Work, object_key: str, ids: Iterable[int]) -> None:
    """Two who save rows of one record at once each see their own row only: the second looks after the first has committed."""
    in_turn(work.session, f"assess {object_key}", ids)


@dataclass(frozen=True)
class Done:
    records: int
    changed: int
    tally: Mapping[str, int]


def assess_ids(work: Work, object_key: str, ids: Iterable[int]) -> int:
    """Some records, in the caller's transaction. Gives how many changed."""
    wanted = sorted(set(ids))
    _take_turns(work, object_key, wanted)
    scalars = kept_scalars(work, object_key)
    parts = [Part(ids=tuple(wanted[i : i + IDS])) for i in range(0, len(wanted), IDS)] if len(wanted) > 1 else [Part(low=i - 1, high=i) for i in wanted]
    return sum(assess_part(work, object_key, part, work.at, scalars).changed for part in parts)


def assess_part(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None]) -> Done:
    """Writes the results that differ, their history, and removes those of records that left the population; then the hooks."""
    table = stored.table(work.catalog, object_key)
    names = list(outputs(work.catalog, object_key))
    memo = ("assessment.keeping", object_key, bool(part.ids), database_kind(work.session))
    keeping: Keeping = work.catalog.once(memo, lambda: _keeping(work, object_key, bool(part.ids), names))
    written = _write(work, object_key, part, at, scalars, table, names)
    if written:
        work.session.execute(keeping.fresh, {"run_now": work.now, **part.bound})
    is_known = bool(written) and part.is_one  # the one record has new results: it is there, and nobody left
    left = set[int]() if is_known else set(work.session.scalars(keeping.leaving, {**moment(at), **part.bound}))
    present = tuple(written) if is_known else tuple(work.session.scalars(keeping.present, part.bound))
    changed = frozenset(written | left)
    told = Assessed(object_key, tuple(sorted({*present, *left})), changed)
    tally: Counter[str] = Counter()
    for hook in work.hooks.on_assessed:
        tally.update(hook(work, told) or {})
    return Done(len(present), len(changed), tally)


def assess_past(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None]) -> Done:
    """All of a past day's results, as rows of the history: a day asked for stands whole, whatever is written around it later."""
    history = stored.history_table(work.catalog, object_key)
    names = list(outputs(work.catalog, object_key))
    written = _write(work, object_key, part, at, scalars, history, names)
    records = work.session.scalar(sa.select(sa.func.count()).select_from(history).where(part.of(history.c.record_id), history.c.as_of == at.today)) or 0
    return Done(records, len(written), {})


def _write(work: Work, object_key: str, part: Part, at: At, scalars: Mapping[str, float | None], table: sa.Table, names: Sequence[str]) -> set[int]:
    """Works out the part and writes the rows that differ; gives their ids."""
    pipeline = compile_pipeline(work.catalog, object_key, by_ids=bool(part.ids))
    memo = ("assessment.writing", table.name, bool(part.ids), database_kind(work.session))
    statement: sa.Executable | None = work.catalog.memo.get(memo)
    if statement is None:
        query = pipeline.query.add_columns(
            sa.bindparam("run_release", type_=sa.Integer()).label("release"),
            sa.bindparam("run_as_of", type_=sa.Date()).label("as_of"),
            sa.bindparam("run_now", type_=Instant()).label("assessed_at"),
        )
        statement = work.catalog.memo[memo] = insert_changed(work.session, table, query, compare=names)
    bound = pipeline.parameters(at, scalars, run_release=work.catalog.release, run_as_of=at.today, run_now=work.now, **part.bound)
    if part.is_one:
        return set(work.session.scalars(statement, bound))
    with staged(work.session):
        return set(work.session.scalars(statement, bound))


@dataclass(frozen=True)
class Keeping:
    """What is done to the results of a part beside writing them: `leaving` takes out those of records that left the population, `fresh` copies
    what was just written into the history, `present` gives who has results."""

    leaving: sa.Executable
    fresh: sa.Executable
    present: sa.Executable


def _keeping(work: Work, object_key: str, by_ids: bool, names: Sequence[str]) -> Keeping:
    table, history = stored.table(work.catalog, object_key), stored.history_table(work.catalog, object_key)
    object_type = subject(work.catalog, object_key)
    records = objects.table(object_type, work.catalog)
    members = sa.select(records.c.id).where(*in_population(work.catalog, object_type, records), scoped(records.c.id, by_ids))
    mine = scoped(table.c.record_id, by_ids)
    rows = sa.select(table.c.record_id, table.c.as_of, table.c.release, table.c.assessed_at, *(table.c[n] for n in names))
    fresh = rows.where(mine, table.c.assessed_at == sa.bindparam("run_now", type_=Instant()))
    return Keeping(
        sa.delete(table).where(mine, table.c.record_id.not_in(members)).returning(table.c.record_id),
        insert_changed(work.session, history, fresh, compare=names),
        sa.select(table.c.record_id).where(mine).order_by(table.c.record_id),
    )


def subject(catalog: Catalog, object_key: str) -> ObjectType:
    object_type: ObjectType | None = catalog.get("object", object_key)
    if object_type is None or not object_type.assessed:
        raise NotFound(Text(f"对象 {object_key} 不参与评估", f"The object {object_key} is not assessed"))
    return object_type


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


def last_run(work: Work, object_key: str) -> Mapping[str, Any] | None:
    """The last finished run of the present day's kind."""
    runs = assessment_runs.c
    query = sa.select(assessment_runs).where(runs.object == object_key, runs.state == "done", runs.past == sa.false())
    row = work.session.execute(query.order_by(runs.id.desc()).limit(1)).mappings().first()
    return None if row is None else dict(row)
