"""Runs over a whole population, in chunks that each are a transaction: a run that was cut off is continued by the next."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid, Problem, Text
from server.expressions.sql import moment
from server.expressions.types import At
from server.feature import Work
from server.features.assessment import due, pace
from server.features.assessment.population import keep_scalars, population_scalars
from server.features.assessment.tables import assessment_runs
from server.features.assessment.writing import Done, assess_part, assess_past, follow_time, subject, take_turns
from server.features.objects import engine as objects
from server.storage.part import HIGHEST, Part

OpenWork = Callable[[], AbstractContextManager[Work]]
Progress = Callable[[int, int], None]
Run = Mapping[str, Any]  # a row of assessment_runs
FEW_DUE = 10_000  # records of a transaction that works out few of them
MANY = 2  # where more than one in so many is due, all are worked out: a range costs less than its ids


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
    due: int = 0  # how many of the records were worked out again; of the others it was known that time changes nothing


def assess_all(
    open_work: OpenWork,
    object_key: str = "customer",
    as_of: date | None = None,
    progress: Progress | None = None,
    chunk: int | None = None,
    look: OpenWork | None = None,
) -> Summary:
    """Assesses everybody in chunks of ids, each a transaction that also moves the run's cursor: a killed run is continued by the next call.

    A past `as_of` writes that day's rows of the history and touches neither current results nor alerts. `look` opens work that only reads, so that
    nobody's save waits while the population's values are worked out.
    """
    began = time.monotonic()
    run, resumed = _begin(open_work, look or open_work, object_key, as_of)
    _go_on(open_work, run, None, progress, pace.Pace(chunk))
    return _summary(open_work, run, began, resumed)


def assess_due(open_work: OpenWork, look: OpenWork, object_key: str = "customer", progress: Progress | None = None, chunk: int | None = None) -> Summary:
    """Assesses those whose results can be others now than at the last run of these rules, although nobody wrote anything; everybody where there was none,
    where it cannot be told, or where it is most of them. `look` opens work that only reads."""
    began = time.monotonic()
    with look() as work:
        base = _base(work, object_key)
    run, resumed = _begin(open_work, look, object_key, None, base["at"] if base else None)
    found = None
    if base is not None:
        with look() as work:
            found = _due(work, run, At(base["at"], work.zone))
    _go_on(open_work, run, found, progress, pace.Pace(chunk or (pace.MOST if found is None else FEW_DUE)))
    return _summary(open_work, run, began, resumed)


def _base(work: Work, object_key: str) -> Mapping[str, Any] | None:
    """The last run after which every result stood as of one moment, by the rules of today."""
    run = last_run(work, object_key)
    if run is None or run["release"] != work.catalog.release or run["zone"] != work.zone.key or run["at"] > work.at.instant:
        return None
    return run


def _due(work: Work, run: Run, then: At) -> Sequence[int] | None:
    """Who is due because of source records; None: everybody."""
    if due.records(work.catalog, run["object"]) is None:
        return None
    found = due.subjects(work, subject(work.catalog, run["object"]), then, At(run["at"], work.zone))
    return None if found is None or len(found) * MANY > run["total"] else found


def _begin(open_work: OpenWork, look: OpenWork, object_key: str, as_of: date | None, since: datetime | None = None) -> tuple[Run, bool]:
    """The run that was cut off, when it meant the same; else a new one with the population's values worked out."""
    with open_work() as work:
        meant = _meant(work, object_key, as_of or work.at.today, since)
        cut = _cut_off(work, meant)
    if cut is not None:
        return cut, True
    with look() as work:
        at = At.end_of(meant["as_of"], work.zone) if meant["past"] else work.at
        scalars = population_scalars(work, object_key, at)
    with open_work() as work:
        return _new(work, meant, at, scalars), False


def _meant(work: Work, object_key: str, day: date, since: datetime | None) -> Run:
    subject(work.catalog, object_key)
    today = work.at.today
    if day > today:
        raise Invalid([Problem("as_of", Text("不能评估未来的日期", "A day to come cannot be assessed"), code="future")])
    return {"object": object_key, "as_of": day, "release": work.catalog.release, "past": day < today, "since": since, "zone": work.zone.key}


def _cut_off(work: Work, meant: Run) -> Run | None:
    """The newest run that means this and did not end. All others that did not are abandoned."""
    runs = assessment_runs.c
    unended = (runs.object == meant["object"], runs.state == "running")
    same = (runs[name].is_not_distinct_from(value) for name, value in meant.items())
    cut = work.session.execute(sa.select(assessment_runs).where(*unended, *same).order_by(runs.id.desc())).mappings().first()
    ended = sa.update(assessment_runs).where(*unended).values(state="abandoned", finished_at=work.now)
    work.session.execute(ended.where(runs.id != cut["id"]) if cut else ended)
    return dict(cut) if cut else None


def _new(work: Work, meant: Run, at: At, scalars: Mapping[str, float | None]) -> Run:
    table = objects.table(subject(work.catalog, meant["object"]), work.catalog)
    total = work.session.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.deleted_at.is_(None))) or 0
    if not meant["past"]:
        keep_scalars(work, meant["object"], meant["as_of"], scalars)
    row = {
        **meant, "at": at.instant, "state": "running", "cursor": -1, "total": total, "done": 0, "changed": 0, "tally": {}, "scalars": scalars,
        "started_at": work.now, "by": work.actor.username,
    }  # fmt: skip
    made = work.session.execute(sa.insert(assessment_runs).values(**row).returning(assessment_runs.c.id)).scalar_one()
    return {**row, "id": made}


def _go_on(open_work: OpenWork, run: Run, found: Sequence[int] | None, progress: Progress | None, chunks: pace.Pace) -> None:
    done, total, more = run["done"], run["total"], True
    while more:
        if progress:
            progress(done, max(total, done))
        with chunks.step(open_work) as work:
            more, done = _chunk(work, run["id"], chunks.size, found)


def _chunk(work: Work, run_id: int, size: int, found: Sequence[int] | None) -> tuple[bool, int]:
    runs = assessment_runs.c
    run = dict(work.session.execute(sa.select(assessment_runs).where(runs.id == run_id).with_for_update()).mappings().one())
    if run["state"] != "running" or run["release"] != work.catalog.release:
        return False, run["done"]
    table = objects.table(subject(work.catalog, run["object"]), work.catalog)
    ids = sa.select(table.c.id).where(table.c.id > run["cursor"]).order_by(table.c.id).limit(size).subquery()
    count, last = work.session.execute(sa.select(sa.func.count(), sa.func.max(ids.c.id))).one()
    part = Part(low=run["cursor"], high=last if count == size else HIGHEST)
    take_turns(work, run["object"], part.numbers)
    done = _assess(work, run, part, found)
    finished = count < size
    tally = Counter(run["tally"])
    tally.update(done.tally)
    values = {"cursor": part.high, "done": run["done"] + done.records, "changed": run["changed"] + done.changed, "tally": dict(tally)}
    values |= {"state": "done", "finished_at": work.now} if finished else {}
    work.session.execute(sa.update(assessment_runs).where(runs.id == run_id).values(**values))
    return not finished, values["done"]


def _assess(work: Work, run: Run, part: Part, found: Sequence[int] | None) -> Done:
    object_key, at, scalars = run["object"], At(run["at"], work.zone), run["scalars"]
    if run["past"]:
        return assess_past(work, object_key, part, at, scalars)
    query = None if found is None else due.records(work.catalog, object_key)
    if found is None or query is None:
        return assess_part(work, object_key, part, at, scalars)
    bound = {**moment(at), **part.bound, **due.bound(At(run["since"], work.zone), scalars)}
    ids = sorted({*work.session.scalars(query, bound), *due.of_range(found, part.low, part.high)})
    return follow_time(work, object_key, part, ids, at, scalars)


def _summary(open_work: OpenWork, run: Run, began: float, resumed: bool) -> Summary:
    with open_work() as work:
        row = work.session.execute(sa.select(assessment_runs).where(assessment_runs.c.id == run["id"])).mappings().one()
    tally = row["tally"]
    return Summary(
        row["done"],
        row["changed"],
        tally.get("alerts_opened", 0),
        tally.get("alerts_cleared", 0),
        time.monotonic() - began,
        row["as_of"],
        row["release"],
        resumed,
        tally.get("due", row["done"]),
    )


def last_run(work: Work, object_key: str) -> Mapping[str, Any] | None:
    """The last finished run of the present day's kind."""
    runs = assessment_runs.c
    query = sa.select(assessment_runs).where(runs.object == object_key, runs.state == "done", runs.past == sa.false())
    row = work.session.execute(query.order_by(runs.id.desc()).limit(1)).mappings().first()
    return None if row is None else dict(row)
