"""Strategies that run: started and stopped with the results of their subjects, or by hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Conflict, Forbidden, NotFound, Text
from server.expressions.sql import moment
from server.feature import Work
from server.features.access import service as access
from server.features.alerts import service as alert_service
from server.features.alerts.tables import NOT_BEGUN
from server.features.audit import service as audit
from server.features.strategies import assignment
from server.features.strategies.engine import ARM, START, Met, Run, decide, due_on
from server.features.strategies.kind import Measure, Strategy
from server.features.strategies.subjects import Subjects, may_see, subjects
from server.features.strategies.tables import strategy_runs, task_events, tasks
from server.features.strategies.telling import tell_measures
from server.storage.bulk import next_ids
from server.storage.part import Part, within


@dataclass(frozen=True)
class StrategyRun:
    id: int
    strategy: str
    title: Text
    object: str
    record_id: int
    started_at: datetime
    by: str
    alert_id: int | None
    release: int
    level: str | None
    values: Mapping[str, Any]
    ended_at: datetime | None
    end_reason: str | None


def follow_results(work: Work, object_key: str, part: Part) -> None:
    """Start and stop what the new results ask for. One statement finds the subjects for which something is to be done; mostly nobody."""
    strategies = {s.key: s for s in _strategies(work, object_key)}
    if not strategies:
        return
    starting: dict[str, list[int]] = defaultdict(list)
    stopping: dict[str, list[int]] = defaultdict(list)
    arming: list[int] = []
    for row in work.session.execute(_differences(work, object_key, part.by_ids), part.bound | moment(work.at)).mappings():
        for n, key in enumerate(strategies):
            run = None if row[f"run_{n}"] is None else Run(row[f"run_{n}"], bool(row[f"armed_{n}"]))
            decision = decide(Met(bool(row[f"when_{n}"]), bool(row[f"stop_{n}"]), bool(row["in_population"])), run)
            if decision == START:
                starting[key].append(row["id"])
            elif decision == ARM and run is not None:
                arming.append(run.id)
            elif decision and run is not None:
                stopping[decision].append(run.id)
    if arming:
        work.session.execute(sa.update(strategy_runs).where(strategy_runs.c.id.in_(arming)).values(armed=True))
    for reason, run_ids in sorted(stopping.items()):
        _end(work, run_ids, reason)
    for key, record_ids in sorted(starting.items()):
        begin(work, strategies[key], sorted(record_ids))


def _strategies(work: Work, object_key: str) -> tuple[Strategy, ...]:
    return tuple(s for s in work.catalog.all("strategy") if s.object == object_key)


def _differences(work: Work, object_key: str, by_ids: bool) -> sa.Select[Any]:
    """Subjects for which a strategy should start, stop or be armed, with all that `decide` asks; made once for a release."""
    memo = ("strategies.differences", object_key, by_ids)
    if memo not in work.catalog.memo:
        found = Subjects(work.catalog, object_key, None)
        source = found.source
        columns: list[sa.ColumnElement[Any]] = [found.id, found.in_population.label("in_population")]
        wanted: list[sa.ColumnElement[bool]] = []
        for n, strategy in enumerate(_strategies(work, object_key)):
            run = strategy_runs.alias(f"run_{n}")
            same = (run.c.object == object_key, run.c.record_id == found.id, run.c.strategy == strategy.key, run.c.ended_at.is_(None))
            source = source.outerjoin(run, sa.and_(*same))
            when, stop = found.met(strategy.when) if strategy.when else sa.false(), _stop(found, strategy)
            begins = sa.and_(run.c.id.is_(None), found.in_population, when, sa.not_(stop))
            ends = sa.and_(run.c.id.is_not(None), sa.or_(sa.not_(found.in_population), stop == run.c.armed))
            wanted += [begins, ends]
            columns += [run.c.id.label(f"run_{n}"), run.c.armed.label(f"armed_{n}"), when.label(f"when_{n}"), stop.label(f"stop_{n}")]
        work.catalog.memo[memo] = sa.select(*columns).select_from(source).where(within(found.id, by_ids), sa.or_(*wanted)).order_by(found.id)
    query: sa.Select[Any] = work.catalog.memo[memo]
    return query


def _stop(found: Subjects, strategy: Strategy) -> sa.ColumnElement[bool]:
    if strategy.stop:
        return found.met(strategy.stop)
    return sa.not_(found.met(strategy.when)) if strategy.when else sa.false()


def end_removed(work: Work, new: Catalog) -> None:
    """Runs of strategies that the new release does not have any more."""
    c = strategy_runs.c
    known = {(s.object, s.key) for s in new.all("strategy")}
    rows = work.session.execute(sa.select(c.object, c.strategy).where(c.ended_at.is_(None)).distinct()).all()
    for object_key, key in rows:
        if (object_key, key) not in known:
            same = sa.and_(c.object == object_key, c.strategy == key, c.ended_at.is_(None))
            _end(work, work.session.scalars(sa.select(c.id).where(same)).all(), "removed")


def begin(work: Work, strategy: Strategy, record_ids: Sequence[int], alert_id: int | None = None, armed: bool = True) -> list[int]:
    """Open a run for each subject and its measures as tasks. Two at once for one subject: the unique index lets one through."""
    found = subjects(work, strategy.object)
    names = sorted(n for n in found.checked(strategy.when).names if "." not in n) if strategy.when else []
    holders = assignment.user_fields(work.catalog, strategy.object)
    columns: list[sa.ColumnElement[Any]] = [found.id]
    columns += [found.columns[n].label(f"value_{i}") for i, n in enumerate(names)]
    columns += [(found.met(m.when) if m.when else sa.true()).label(f"measure_{i}") for i, m in enumerate(strategy.measures)]
    columns += [found.columns[f].label(f"holder_{i}") for i, f in enumerate(holders)]
    rows = work.session.execute(sa.select(*columns).select_from(found.source).where(found.id.in_(record_ids), found.alive).order_by(found.id)).all()
    level_name = _level_name(found, names)
    values = [{n: _plain(row._mapping[f"value_{i}"]) for i, n in enumerate(names)} for row in rows]
    runs = _insert_runs(work, strategy, [(row.id, v, v.get(level_name or "")) for row, v in zip(rows, values, strict=True)], alert_id, armed)
    made: list[dict[str, Any]] = []
    for row in rows:
        people = {f: row._mapping[f"holder_{i}"] for i, f in enumerate(holders)}
        for i, m in enumerate(strategy.measures):
            if row._mapping[f"measure_{i}"]:
                made.append(measure_task(work, strategy, row.id, runs[row.id], m, *assignment.resolve(m.assignee, people)))
    if made:
        numbered = [{**task, "id": task_id} for task, task_id in zip(made, next_ids(work.session, tasks, len(made)), strict=True)]
        work.session.execute(sa.insert(tasks), numbered)
        tell_measures(work, strategy, numbered)
    audit.record_many(work, "start_strategy", strategy.object, [(i, {"strategy": strategy.key, "run": run}) for i, run in sorted(runs.items())])
    return [runs[row.id] for row in rows]


def _insert_runs(work: Work, strategy: Strategy, subjects_: Sequence[tuple[int, Mapping[str, Any], Any]], alert_id: int | None, armed: bool) -> dict[int, int]:
    """Run ids by record."""
    rows = [
        {
            "strategy": strategy.key,
            "object": strategy.object,
            "record_id": record_id,
            "started_at": work.now,
            "by": work.actor.username,
            "alert_id": alert_id,
            "release": work.catalog.release,
            "level": level if isinstance(level, str) else None,
            "values": values,
            "armed": armed,
        }
        for record_id, values, level in subjects_
    ]
    if not rows:
        return {}
    made = work.session.execute(sa.insert(strategy_runs).returning(strategy_runs.c.record_id, strategy_runs.c.id), rows)
    return {row.record_id: row.id for row in made}


def measure_task(work: Work, strategy: Strategy, record_id: int, run_id: int, m: Measure, assignee: str | None, role: str | None) -> dict[str, Any]:
    checklist = m.checklist or Text("", "")
    return {
        "kind": "measure",
        "object": strategy.object,
        "record_id": record_id,
        "title_zh": m.title.zh,
        "title_en": m.title.en,
        "checklist_zh": checklist.zh,
        "checklist_en": checklist.en,
        "strategy_run_id": run_id,
        "measure": m.key,
        "repeat_days": m.due_days if m.repeats else None,
        "assignee": assignee,
        "role": role,
        "due_on": due_on(work.now, m.due_days, work.zone),
        "state": "open",
        "approver": m.approver or None,
        "note": "",
        "created_at": work.now,
        "created_by": work.actor.username,
    }


def _level_name(found: Subjects, names: Sequence[str]) -> str | None:
    """The first name of the condition that is a class or a level."""
    return next((n for n in names if n in found.columns.results and found.scope.names[n].options), None)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _end(work: Work, run_ids: Sequence[int], reason: str, note: str = "") -> None:
    """Close runs; what was still to do in them is superseded, what waits for approval stays."""
    c = strategy_runs.c
    changes = {"ended_at": work.now, "ended_by": work.actor.username, "end_reason": reason}
    work.session.execute(sa.update(strategy_runs).where(c.id.in_(run_ids), c.ended_at.is_(None)).values(**changes))
    open_tasks = sa.select(tasks.c.id).where(tasks.c.strategy_run_id.in_(run_ids), tasks.c.state == "open")
    supersede(work, work.session.scalars(open_tasks).all(), reason)
    ended = work.session.execute(sa.select(c.id, c.object, c.record_id, c.strategy).where(c.id.in_(run_ids)).order_by(c.id)).all()
    for object_key in sorted({r.object for r in ended}):
        detail = [(r.record_id, {"strategy": r.strategy, "run": r.id, "reason": reason, "note": note}) for r in ended if r.object == object_key]
        audit.record_many(work, "end_strategy", object_key, detail)


def supersede(work: Work, task_ids: Sequence[int], note: str) -> None:
    """Close open tasks that lost their ground; each says why in its history."""
    if not task_ids:
        return
    work.session.execute(sa.update(tasks).where(tasks.c.id.in_(task_ids), tasks.c.state == "open").values(state="superseded"))
    events = [{"task_id": i, "at": work.now, "by": work.actor.username, "what": "superseded", "note": note} for i in task_ids]
    work.session.execute(sa.insert(task_events), events)


def start(work: Work, strategy_key: str, object_key: str, record_id: int, alert_id: int | None = None) -> int:
    """Start a strategy by hand."""
    access.require(work, "tasks")
    strategy = work.catalog.get("strategy", strategy_key)
    if strategy is None or strategy.object != object_key:
        raise NotFound(Text("没有这个应对策略", "There is no such strategy"))
    if not may_see(work, object_key, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    if strategy_key in _running_keys(work, object_key, record_id):
        raise _running()
    found = subjects(work, object_key)
    holds = work.session.scalar(sa.select(_stop(found, strategy)).select_from(found.source).where(found.id == record_id))
    try:
        (run_id,) = begin(work, strategy, [record_id], alert_id, armed=not holds)
    except sa.exc.IntegrityError:
        raise _running() from None
    if alert_id is not None:
        _take_up(work, alert_id)
    return run_id


def _take_up(work: Work, alert_id: int) -> None:
    """Who starts a strategy for an alert has begun to work on it."""
    if access.may(work, "alerts") and alert_service.get_alert(work, alert_id).state in NOT_BEGUN:
        alert_service.take_up(work, alert_id)


def _running_keys(work: Work, object_key: str, record_id: int) -> frozenset[str]:
    c = strategy_runs.c
    same = sa.and_(c.object == object_key, c.record_id == record_id, c.ended_at.is_(None))
    return frozenset(work.session.scalars(sa.select(c.strategy).where(same)))


def _running() -> Conflict:
    return Conflict(Text("这个应对策略已在执行", "This strategy is already running"))


def stop(work: Work, run_id: int, note: str) -> None:
    """End a run by hand, with a reason."""
    access.require(work, "tasks")
    run = get_run(work, run_id)
    if not note.strip():
        raise Conflict(Text("请说明结束的原因", "Please say why it ends"))
    if run.ended_at is not None:
        raise Conflict(Text("这个应对策略已经结束", "This strategy has already ended"))
    _end(work, [run_id], "by_hand", note.strip())


def get_run(work: Work, run_id: int) -> StrategyRun:
    row = work.session.execute(sa.select(strategy_runs).where(strategy_runs.c.id == run_id)).first()
    if row is None or not may_see(work, row.object, row.record_id):
        raise NotFound(Text("没有这次应对", "There is no such run"))
    return _run(work, row)


def runs_of(work: Work, object_key: str, record_id: int) -> tuple[StrategyRun, ...]:
    """Running first, then the ended ones, newest first."""
    if not may_see(work, object_key, record_id):
        raise Forbidden(Text("没有权限查看这条记录", "You may not see this record"))
    c = strategy_runs.c
    query = sa.select(strategy_runs).where(c.object == object_key, c.record_id == record_id).order_by(c.ended_at.is_not(None), c.id.desc())
    return tuple(_run(work, row) for row in work.session.execute(query))


def startable(work: Work, object_key: str, record_id: int, alert: str = "") -> tuple[Strategy, ...]:
    """Strategies that may be started by hand now; with `alert` (a rule's key) only those meant for it."""
    if not access.may(work, "tasks") or not may_see(work, object_key, record_id):
        return ()
    running = _running_keys(work, object_key, record_id)
    return tuple(s for s in _strategies(work, object_key) if s.key not in running and (not alert or alert in s.alerts))


def running_counts(work: Work) -> Mapping[str, int]:
    """How many subjects each strategy runs for now."""
    query = sa.select(strategy_runs.c.strategy, sa.func.count()).where(strategy_runs.c.ended_at.is_(None)).group_by(strategy_runs.c.strategy)
    return {row[0]: row[1] for row in work.session.execute(query)}


def _run(work: Work, row: sa.Row[Any]) -> StrategyRun:
    strategy = work.catalog.get("strategy", row.strategy)
    title = strategy.title if strategy else Text(row.strategy, row.strategy)
    covered = access.hidden_fields(work, row.object) | access.masked_fields(work, row.object)
    return StrategyRun(
        row.id,
        row.strategy,
        title,
        row.object,
        row.record_id,
        row.started_at,
        row.by,
        row.alert_id,
        row.release,
        row.level,
        {name: value for name, value in row._mapping["values"].items() if name not in covered},
        row.ended_at,
        row.end_reason,
    )
