"""Strategies that run: started and stopped with the results of their subjects, or by hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Forbidden, NotFound, Text
from server.feature import Work
from server.features.access import service as access
from server.features.audit import service as audit
from server.features.strategies import assignment
from server.features.strategies.engine import Met, Run, decide, due_on
from server.features.strategies.kind import Measure, Strategy
from server.features.strategies.subjects import Subjects, may_see, subjects
from server.features.strategies.tables import strategy_runs, task_events, tasks


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


def follow_results(work: Work, object_key: str, ids: Sequence[int]) -> None:
    """Start and stop what the new results ask for: two reading statements for all the given subjects."""
    strategies = {s.key: s for s in _strategies(work, object_key)}
    runs = _open_runs(work, object_key, ids)
    if not strategies and not runs:
        return
    found = subjects(work, object_key)
    met = _met(work, found, strategies, ids, runs)
    nothing = {key: Met(False, False, False) for key in strategies}
    starting: dict[str, list[int]] = defaultdict(list)
    stopping: dict[str, list[int]] = defaultdict(list)
    arming: list[int] = []
    for record_id in sorted(met.keys() | runs.keys()):
        decision = decide(met.get(record_id, nothing), runs.get(record_id, ()))
        for run_id, reason in decision.stop:
            stopping[reason].append(run_id)
        arming += decision.arm
        for key in decision.start:
            starting[key].append(record_id)
    if arming:
        work.session.execute(sa.update(strategy_runs).where(strategy_runs.c.id.in_(arming)).values(armed=True))
    for reason, run_ids in sorted(stopping.items()):
        _end(work, run_ids, reason)
    for key, record_ids in sorted(starting.items()):
        begin(work, strategies[key], record_ids)


def _strategies(work: Work, object_key: str) -> tuple[Strategy, ...]:
    return tuple(s for s in work.catalog.all("strategy") if s.object == object_key)


def _open_runs(work: Work, object_key: str, ids: Sequence[int]) -> dict[int, list[Run]]:
    c = strategy_runs.c
    query = sa.select(c.id, c.record_id, c.strategy, c.armed).where(c.object == object_key, c.record_id.in_(ids), c.ended_at.is_(None)).order_by(c.id)
    runs: dict[int, list[Run]] = defaultdict(list)
    for row in work.session.execute(query):
        runs[row.record_id].append(Run(row.id, row.strategy, row.armed))
    return runs


def _met(work: Work, found: Subjects, strategies: Mapping[str, Strategy], ids: Sequence[int], runs: Mapping[int, Any]) -> dict[int, dict[str, Met]]:
    """For each subject that has a strategy to start or a run to look at: what is true of it, by strategy."""
    columns: list[sa.ColumnElement[Any]] = [found.id, found.in_population.label("in_population")]
    starts: list[sa.ColumnElement[bool]] = []
    for number, strategy in enumerate(strategies.values()):
        when = found.met(strategy.when) if strategy.when else sa.false()
        columns += [when.label(f"when_{number}"), _stop(found, strategy).label(f"stop_{number}")]
        starts.append(when)
    looked_at = sa.or_(found.id.in_(list(runs)), *starts)
    query = sa.select(*columns).select_from(found.source).where(found.id.in_(ids), found.alive, looked_at)
    met: dict[int, dict[str, Met]] = {}
    for row in work.session.execute(query):
        values = row._mapping
        met[row.id] = {key: Met(bool(values[f"when_{n}"]), bool(values[f"stop_{n}"]), bool(row.in_population)) for n, key in enumerate(strategies)}
    return met


def _stop(found: Subjects, strategy: Strategy) -> sa.ColumnElement[bool]:
    if strategy.stop:
        return found.met(strategy.stop)
    return sa.not_(found.met(strategy.when)) if strategy.when else sa.false()


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
        work.session.execute(sa.insert(tasks), made)
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
    open_tasks = sa.and_(tasks.c.strategy_run_id.in_(run_ids), tasks.c.state == "open")
    supersede(work, open_tasks, reason)
    ended = work.session.execute(sa.select(c.id, c.object, c.record_id, c.strategy).where(c.id.in_(run_ids)).order_by(c.id)).all()
    for object_key in sorted({r.object for r in ended}):
        detail = [(r.record_id, {"strategy": r.strategy, "run": r.id, "reason": reason, "note": note}) for r in ended if r.object == object_key]
        audit.record_many(work, "end_strategy", object_key, detail)


def supersede(work: Work, condition: sa.ColumnElement[bool], note: str) -> None:
    """Close open tasks that lost their ground; each says why in its history."""
    ids = work.session.scalars(sa.select(tasks.c.id).where(condition)).all()
    if ids:
        work.session.execute(sa.update(tasks).where(tasks.c.id.in_(ids), tasks.c.state == "open").values(state="superseded"))
        work.session.execute(
            sa.insert(task_events), [{"task_id": i, "at": work.now, "by": work.actor.username, "what": "superseded", "note": note} for i in ids]
        )


def start(work: Work, strategy_key: str, object_key: str, record_id: int, alert_id: int | None = None) -> int:
    """Start a strategy by hand."""
    access.require(work, "tasks")
    strategy = work.catalog.get("strategy", strategy_key)
    if strategy is None or strategy.object != object_key:
        raise NotFound(Text("没有这个应对策略", "There is no such strategy"))
    if not may_see(work, object_key, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    if _open_runs(work, object_key, [record_id]) and strategy_key in {r.strategy for r in _open_runs(work, object_key, [record_id])[record_id]}:
        raise _running()
    found = subjects(work, object_key)
    holds = work.session.scalar(sa.select(_stop(found, strategy)).select_from(found.source).where(found.id == record_id))
    try:
        return begin(work, strategy, [record_id], alert_id, armed=not holds)[0]
    except sa.exc.IntegrityError:
        raise _running() from None


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
    running = {r.strategy for r in _open_runs(work, object_key, [record_id]).get(record_id, ())}
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
