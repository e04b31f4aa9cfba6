"""Tasks: measures of strategies, first responses to alerts, follow-ups made by hand."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.alerts import service as alert_service
from server.features.alerts.tables import alerts
from server.features.audit import service as audit
from server.features.strategies.runs import measure_task
from server.features.strategies.subjects import may_see, of_visible_records, record_names, visible_ids
from server.features.strategies.tables import strategy_runs, task_events, tasks
from server.features.strategies.telling import tell_approver, tell_doer, tell_task

STATES = ("open", "waiting_approval", "done", "superseded", "cancelled")
PENDING = ("open", "waiting_approval")
LIMIT = 500
NOTE_LIMIT = 4000


@dataclass(frozen=True)
class Task:
    id: int
    kind: str
    object: str
    record_id: int | None
    record_name: str
    record_seen: bool  # the actor may open the record
    title: Text
    checklist: Text
    strategy_run_id: int | None
    strategy: str | None
    strategy_title: Text | None
    measure: str
    alert_id: int | None
    review_id: int | None
    assignee: str | None
    role: str | None
    due_on: date
    state: str
    approver: str | None
    approved_by: str | None
    approved_at: datetime | None
    done_at: datetime | None
    done_by: str | None
    note: str
    created_at: datetime
    created_by: str
    overdue_days: int  # 0: not overdue
    repeats: bool
    mine: bool  # the actor may complete it
    may_approve: bool
    may_manage: bool  # reassign, move, cancel


@dataclass(frozen=True)
class TaskEvent:
    at: datetime
    by: str
    what: str
    note: str


# -- Reading -----------------------------------------------------------------------------------------------------------------


def my_tasks(work: Work) -> tuple[Task, ...]:
    """What the actor should do, the most urgent first: tasks given to them, to one of their roles, or to nobody about records they may see."""
    return _tasks(work, sa.and_(tasks.c.state == "open", _grounded(), _is_mine(work)), order=(tasks.c.due_on, tasks.c.id))


def my_task_counts(work: Work) -> tuple[int, int]:
    """(open, of these late), for the badge."""
    late = sa.func.coalesce(sa.func.sum(sa.case((tasks.c.due_on < work.at.today, 1), else_=0)), 0)
    row = work.session.execute(sa.select(sa.func.count(), late).select_from(tasks).where(tasks.c.state == "open", _grounded(), _is_mine(work))).one()
    return int(row[0]), int(row[1])


def my_approvals(work: Work) -> tuple[Task, ...]:
    """Measures done by others that wait for the actor's word."""
    waits = sa.and_(tasks.c.state == "waiting_approval", tasks.c.approver.in_(work.actor.roles), tasks.c.done_by != work.actor.username)
    return _tasks(work, waits, order=(tasks.c.due_on, tasks.c.id))


def tasks_of(work: Work, object_key: str, record_id: int) -> tuple[Task, ...]:
    """All tasks about a record: open ones by due date, then the others, newest first."""
    if not may_see(work, object_key, record_id):
        raise Forbidden(Text("没有权限查看这条记录", "You may not see this record"))
    of_record = sa.and_(tasks.c.object == object_key, tasks.c.record_id == record_id)
    found = _tasks(work, of_record, order=(tasks.c.id.desc(),))
    pending = sorted((t for t in found if t.state in PENDING), key=lambda t: (t.due_on, t.id))
    return tuple(pending) + tuple(t for t in found if t.state not in PENDING)


def list_tasks(
    work: Work, *, state: str = "", assignee: str = "", kind: str = "", overdue: bool = False, review_id: int | None = None, alert_id: int | None = None
) -> tuple[Task, ...]:
    """Tasks of everybody, as far as the actor may see their records. `state` "" is all pending ones, "all" every one."""
    access.require(work, "tasks")
    conditions: list[sa.ColumnElement[bool]] = []
    if state in ("", "open"):
        conditions.append(_grounded())
    if state != "all":
        conditions.append(tasks.c.state == state if state else tasks.c.state.in_(PENDING))
    for column, value in ((tasks.c.assignee, assignee), (tasks.c.kind, kind), (tasks.c.review_id, review_id), (tasks.c.alert_id, alert_id)):
        if value:
            conditions.append(column == value)
    if overdue:
        conditions += [tasks.c.due_on < work.at.today, tasks.c.state == "open"]
    conditions.append(of_visible_records(work, tasks))
    return tuple(t for t in _tasks(work, sa.and_(*conditions), order=(tasks.c.due_on, tasks.c.id)) if _visible(work, t))


def tasks_of_review(work: Work, review_id: int) -> tuple[Task, ...]:
    """Follow-up actions of a review; who may see the review may see them."""
    return _tasks(work, tasks.c.review_id == review_id, order=(tasks.c.due_on, tasks.c.id))


def get_task(work: Work, task_id: int) -> Task:
    found = _tasks(work, tasks.c.id == task_id)
    if not found or not _visible(work, found[0]):
        raise NotFound(Text("没有这项任务", "There is no such task"))
    return found[0]


def task_history(work: Work, task_id: int) -> tuple[TaskEvent, ...]:
    get_task(work, task_id)
    c = task_events.c
    rows = work.session.execute(sa.select(c.at, c.by, c.what, c.note).where(c.task_id == task_id).order_by(c.id))
    return tuple(TaskEvent(*row) for row in rows)


def overdue_count(work: Work) -> int:
    """How many tasks are late, for figures of the whole company."""
    late = sa.select(sa.func.count()).select_from(tasks).where(tasks.c.state == "open", tasks.c.due_on < work.at.today)
    return int(work.session.scalar(late) or 0)


# -- Doing -------------------------------------------------------------------------------------------------------------------


def create_task(
    work: Work,
    *,
    title: Text | str,
    due_on: date,
    assignee: str = "",
    role: str = "",
    object: str = "",
    record_id: int | None = None,
    kind: str = "follow_up",
    checklist: Text | str = "",
    alert_id: int | None = None,
    review_id: int | None = None,
    approver: str = "",
) -> int:
    """A task made by hand. Without assignee and role it is the maker's own."""
    access.require(work, "tasks")
    if object and record_id is not None and not may_see(work, object, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    title, checklist = _both(title), _both(checklist)
    problems = _problems(work, title, due_on, assignee, role)
    if problems:
        raise Invalid(problems)
    row: dict[str, Any] = {
        "kind": kind,
        "object": object,
        "record_id": record_id,
        "title_zh": title.zh,
        "title_en": title.en,
        "checklist_zh": checklist.zh,
        "checklist_en": checklist.en,
        "measure": "",
        "alert_id": alert_id,
        "review_id": review_id,
        "assignee": assignee or (None if role else work.actor.username),
        "role": role or None,
        "due_on": due_on,
        "state": "open",
        "approver": approver or None,
        "note": "",
        "created_at": work.now,
        "created_by": work.actor.username,
    }
    task_id: int = work.session.execute(sa.insert(tasks).values(**row).returning(tasks.c.id)).scalar_one()
    tell_task(work, {**row, "id": task_id})
    audit.record(work, "create_task", object, record_id, {"task": task_id, "title": title.zh, "assignee": assignee, "role": role, "due_on": due_on})
    return task_id


def _problems(work: Work, title: Text, due_on: date, assignee: str, role: str) -> list[Problem]:
    problems = []
    if not title.zh.strip():
        problems.append(Problem("title", Text("请填写任务内容", "Please say what is to be done"), code="required"))
    if max(len(title.zh), len(title.en)) > 300:
        problems.append(Problem("title", Text("任务内容最多 300 个字符", "At most 300 characters"), code="too_long"))
    if not work.at.today - timedelta(days=1) <= due_on <= work.at.today + timedelta(days=3660):
        problems.append(Problem("due_on", Text("到期日应在今天之后、十年之内", "The due date must lie ahead, within ten years"), code="range"))
    if assignee and assignee not in access.user_names(work):
        problems.append(Problem("assignee", Text(f"没有用户 {assignee}", f"There is no user {assignee}"), code="unknown_user"))
    if role and work.catalog.get("role", role) is None:
        problems.append(Problem("role", Text(f"没有角色 {role}", f"There is no role {role}"), code="unknown_role"))
    return problems


def complete_task(work: Work, task_id: int, note: str = "") -> Task:
    """Report a task done. A measure that needs approval waits for it; a repeating one gives the next."""
    access.require(work, "tasks")
    task = get_task(work, task_id)
    if not task.mine:
        raise Forbidden(Text("这不是您的任务", "This task is not yours"))
    state = "waiting_approval" if task.approver else "done"
    changes = {"state": state, "done_at": work.now, "done_by": work.actor.username, "note": _note(note) or task.note}
    _move(work, task, "open", changes, "done", note)
    if state == "done":
        _repeat(work, task)
    else:
        tell_approver(work, task, note.strip())
    _acknowledge(work, task)
    return get_task(work, task_id)


def _acknowledge(work: Work, task: Task) -> None:
    """Who did the first response has taken the alert on."""
    if task.kind != "response" or not access.may(work, "alerts"):
        return
    if work.session.scalar(sa.select(alerts.c.state).where(alerts.c.id == task.alert_id)) == "open":
        alert_service.acknowledge(work, task.alert_id or 0)


def approve_task(work: Work, task_id: int, approve: bool = True, note: str = "") -> Task:
    """Another person than the doer accepts the result, or sends it back with a reason."""
    access.require(work, "tasks")
    task = get_task(work, task_id)
    if task.state != "waiting_approval":
        raise _moved()
    if task.done_by == work.actor.username:
        raise Forbidden(Text("不能批准自己完成的措施", "Nobody approves their own work"))
    if not task.may_approve:
        raise Forbidden(Text("没有权限批准这项措施", "You may not approve this measure"))
    if approve:
        changes: dict[str, Any] = {"state": "done", "approved_by": work.actor.username, "approved_at": work.now}
        _move(work, task, "waiting_approval", changes, "approved", note)
        _repeat(work, task)
    else:
        if not note.strip():
            raise Invalid([Problem("note", Text("退回时请说明原因", "Please say why it goes back"), code="required")])
        _move(work, task, "waiting_approval", {"state": "open", "done_at": None, "done_by": None}, "refused", note)
    tell_doer(work, task, approve, note.strip())
    return get_task(work, task_id)


def reassign(work: Work, task_id: int, assignee: str, note: str = "") -> Task:
    access.require(work, "tasks")
    task = _managed(work, task_id)
    problems = _problems(work, task.title, work.at.today, assignee, "")
    if problems or not assignee:
        raise Invalid(problems or [Problem("assignee", Text("请选择负责人", "Please choose a person"), code="required")])
    _move(work, task, "open", {"assignee": assignee, "role": None}, "reassigned", f"{task.assignee or task.role or '-'} → {assignee} {_note(note)}".strip())
    row = {"id": task.id, "title_zh": task.title.zh, "title_en": task.title.en, "object": task.object, "record_id": task.record_id, "due_on": task.due_on}
    tell_task(work, {**row, "assignee": assignee, "role": None})
    return replace(task, assignee=assignee, role=None)  # it may be out of the actor's sight now


def change_due(work: Work, task_id: int, due_on: date, note: str) -> Task:
    """A measure may be changed per customer, with a reason."""
    access.require(work, "tasks")
    task = _managed(work, task_id)
    problems = _problems(work, task.title, due_on, "", "")
    if not note.strip():
        problems.append(Problem("note", Text("请说明改期的原因", "Please say why the date moves"), code="required"))
    if problems:
        raise Invalid(problems)
    _move(work, task, "open", {"due_on": due_on}, "moved", f"{task.due_on} → {due_on} {_note(note)}")
    return get_task(work, task_id)


def cancel_task(work: Work, task_id: int, note: str) -> Task:
    access.require(work, "tasks")
    task = _managed(work, task_id)
    if not note.strip():
        raise Invalid([Problem("note", Text("请说明取消的原因", "Please say why it is cancelled"), code="required")])
    _move(work, task, "open", {"state": "cancelled"}, "cancelled", note)
    return get_task(work, task_id)


def add_note(work: Work, task_id: int, note: str) -> None:
    access.require(work, "tasks")
    get_task(work, task_id)
    if not note.strip():
        raise Invalid([Problem("note", Text("请填写备注", "Please write something"), code="required")])
    _event(work, task_id, "note", note)


def _managed(work: Work, task_id: int) -> Task:
    task = get_task(work, task_id)
    if not task.may_manage:
        raise Forbidden(Text("没有权限更改这项任务", "You may not change this task"))
    return task


def _move(work: Work, task: Task, expected: str, changes: dict[str, Any], what: str, note: str) -> None:
    """Of two people who act at once, the condition on the state lets one through."""
    moved = work.session.execute(sa.update(tasks).where(tasks.c.id == task.id, tasks.c.state == expected).values(**changes))
    if not moved.rowcount:
        raise _moved()
    _event(work, task.id, what, note)
    audit.record(work, f"task_{what}", task.object, task.record_id, {"task": task.id, "note": _note(note)})


def _moved() -> Conflict:
    return Conflict(Text("任务状态已被他人更改,请刷新", "Somebody changed this task meanwhile; please reload"))


def _event(work: Work, task_id: int, what: str, note: str) -> None:
    work.session.execute(sa.insert(task_events).values(task_id=task_id, at=work.now, by=work.actor.username, what=what, note=_note(note)))


def _note(note: str) -> str:
    text = note.strip()
    if len(text) > NOTE_LIMIT:
        raise Invalid([Problem("note", Text(f"最多 {NOTE_LIMIT} 个字符", f"At most {NOTE_LIMIT} characters"), code="too_long")])
    return text


def _repeat(work: Work, task: Task) -> None:
    """The next round of a repeating measure, while its strategy runs."""
    if not task.repeats or task.strategy_run_id is None:
        return
    run = work.session.execute(sa.select(strategy_runs).where(strategy_runs.c.id == task.strategy_run_id, strategy_runs.c.ended_at.is_(None))).first()
    strategy = work.catalog.get("strategy", run.strategy) if run else None
    measure = next((m for m in strategy.measures if m.key == task.measure), None) if strategy else None
    if run and strategy and measure:
        row = measure_task(work, strategy, run.record_id, run.id, measure, task.assignee, task.role)
        work.session.execute(sa.insert(tasks), [row])


def _both(text: Text | str) -> Text:
    return Text(text.strip(), text.strip()) if isinstance(text, str) else text


# -- Rows --------------------------------------------------------------------------------------------------------------------


def _grounded() -> sa.ColumnElement[bool]:
    """Not a first response to an alert that somebody closed meanwhile: the next assessment marks such a task as superseded."""
    closed = sa.exists().where(alerts.c.id == tasks.c.alert_id, alerts.c.state == "closed")
    return sa.or_(tasks.c.kind != "response", ~closed)


def _is_mine(work: Work) -> sa.ColumnElement[bool]:
    """Given to the actor; or to nobody, for one of their roles or for no role, about a record they may see."""
    for_my_role = sa.or_(tasks.c.role.in_(work.actor.roles), tasks.c.role.is_(None))
    return sa.or_(tasks.c.assignee == work.actor.username, sa.and_(tasks.c.assignee.is_(None), for_my_role, of_visible_records(work, tasks)))


def _unclaimed(work: Work, row: sa.Row[Any], seen: bool) -> bool:
    return row.assignee is None and (row.role is None or row.role in work.actor.roles) and seen and access.may(work, "tasks")


def _visible(work: Work, task: Task) -> bool:
    """One's own tasks, those one made or approves, and those about records one may see."""
    if task.mine or task.may_approve or task.created_by == work.actor.username or work.actor.username in (task.assignee, task.done_by):
        return True
    if task.record_id is None:
        return access.may(work, "tasks") and (task.review_id is None or access.may(work, "reviews"))
    return task.record_seen


def _tasks(work: Work, condition: sa.ColumnElement[bool], order: Sequence[Any] = (tasks.c.id,)) -> tuple[Task, ...]:
    query = (
        sa.select(tasks, strategy_runs.c.strategy)
        .outerjoin(strategy_runs, strategy_runs.c.id == tasks.c.strategy_run_id)
        .where(condition)
        .order_by(*order)
        .limit(LIMIT)
    )
    rows = work.session.execute(query).all()
    ids: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row.record_id is not None:
            ids[row.object].add(row.record_id)
    names = {(key, i): name for key, found in ids.items() for i, name in record_names(work, key, sorted(found)).items()}
    seen = {(key, i) for key, found in ids.items() for i in visible_ids(work, key, found)}
    return tuple(_task(work, row, names.get((row.object, row.record_id), ""), row.record_id is None or (row.object, row.record_id) in seen) for row in rows)


def _task(work: Work, row: sa.Row[Any], record_name: str, seen: bool) -> Task:
    strategy = work.catalog.get("strategy", row.strategy) if row.strategy else None
    me, roles = work.actor.username, work.actor.roles
    handles = access.may(work, "tasks")
    mine = row.state == "open" and (work.actor.is_system or row.assignee == me or _unclaimed(work, row, seen))
    approves = row.state == "waiting_approval" and row.approver in roles and row.done_by != me
    manages = work.actor.is_system or (handles and (mine or row.created_by == me or row.approver in roles or access.may(work, "sign")))
    late = (work.at.today - row.due_on).days if row.state == "open" else 0
    return Task(
        id=row.id,
        kind=row.kind,
        object=row.object,
        record_id=row.record_id,
        record_name=record_name,
        record_seen=seen,
        title=Text(row.title_zh, row.title_en),
        checklist=Text(row.checklist_zh, row.checklist_en),
        strategy_run_id=row.strategy_run_id,
        strategy=row.strategy,
        strategy_title=strategy.title if strategy else None,
        measure=row.measure,
        alert_id=row.alert_id,
        review_id=row.review_id,
        assignee=row.assignee,
        role=row.role,
        due_on=row.due_on,
        state=row.state,
        approver=row.approver,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        done_at=row.done_at,
        done_by=row.done_by,
        note=row.note,
        created_at=row.created_at,
        created_by=row.created_by,
        overdue_days=max(late, 0),
        repeats=row.repeat_days is not None,
        mine=mine,
        may_approve=approves,
        may_manage=manages and row.state == "open",
    )
