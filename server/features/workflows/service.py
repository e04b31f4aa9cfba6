"""Where a record stands, what can be done with it, and doing it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.expressions.check import Checked, check
from server.expressions.evaluate import evaluate
from server.expressions.types import BOOLEAN, Type
from server.feature import Work
from server.features.access import service as access
from server.features.audit import service as audit
from server.features.calendars.engine import working_time
from server.features.records import service as records
from server.features.strategies.subjects import Subjects, may_see, record_names, subjects, visible
from server.features.workflows.engine import Mover, due_at, missing_fields, role_refusal, transitions_from
from server.features.workflows.instances import add_step, begin, on_saved, pinned, show_state, workflows_of
from server.features.workflows.kind import State, Transition, Workflow
from server.features.workflows.tables import workflow_instances, workflow_steps
from server.features.workflows.telling import tell_step
from server.fields.registry import FIELD_TYPES

__all__ = ["Instance", "on_saved", "start", "state_of", "take", "waiting_for_me"]

COMMENT_LIMIT = 4000
WAITING_LIMIT = 300


@dataclass(frozen=True)
class Step:
    at: datetime
    by: str
    source: State
    target: State
    transition: Text
    decision: str
    comment: str


@dataclass(frozen=True)
class Available:
    """A transition that leaves the present state. `blocked` says why the actor cannot take it now."""

    key: str
    title: Text
    target: State
    decision: str
    needs_comment: bool
    missing: tuple[str, ...]  # titles are the object's; keys of required fields that are empty
    blocked: Text | None
    for_me: bool  # the actor has the role, whatever else blocks


@dataclass(frozen=True)
class Instance:
    id: int
    object: str
    record_id: int
    workflow: str
    title: Text
    release: int
    state: State
    states: tuple[State, ...]
    entered_at: datetime
    due_at: datetime | None
    overdue: bool
    submitted_by: str | None
    step: int
    history: tuple[Step, ...]
    transitions: tuple[Available, ...]


@dataclass(frozen=True)
class Waiting:
    object: str
    record_id: int
    record_name: str
    workflow: str
    title: Text
    state: State
    is_approval: bool
    entered_at: datetime
    due_at: datetime | None
    overdue: bool
    submitted_by: str | None


# -- Reading -----------------------------------------------------------------------------------------------------------------


def state_of(work: Work, object_key: str, record_id: int, workflow_key: str = "") -> Instance | None:
    """None when the object has no workflow, or the record is older than it and was not saved since."""
    if not may_see(work, object_key, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    row = _row(work, object_key, record_id, workflow_key)
    workflow = pinned(work, row.workflow, row.release) if row else None
    if row is None or workflow is None:
        return None
    state = _state(workflow, row.state)
    return Instance(
        row.id,
        object_key,
        record_id,
        workflow.key,
        workflow.title,
        row.release,
        state,
        tuple(workflow.states.values()),
        row.entered_at,
        row.due_at,
        _overdue(work, row),
        row.submitted_by,
        row.step,
        _history(work, workflow, row.id),
        _available(work, workflow, row, state),
    )


def waiting_for_me(work: Work) -> tuple[Waiting, ...]:
    """Records whose next step the actor may take: approvals first, then by due time. Drafts wait for their maker only."""
    c = workflow_instances.c
    groups = work.session.execute(sa.select(c.object, c.workflow, c.release, c.state).where(c.final.is_(False)).distinct()).all()
    found: list[Waiting] = []
    for group in groups:
        workflow = pinned(work, group.workflow, group.release)
        if workflow is None or work.catalog.get("object", group.object) is None or group.state not in workflow.states:
            continue
        found += _waiting(work, workflow, group)
    found.sort(key=lambda w: (not w.is_approval, w.due_at is None, w.due_at or w.entered_at, w.record_id))
    return tuple(found[:WAITING_LIMIT])


def _waiting(work: Work, workflow: Workflow, group: Any) -> list[Waiting]:
    state = workflow.states[group.state]
    subject = subjects(work, group.object)
    c = workflow_instances.c
    query = (
        sa.select(workflow_instances)
        .join(subject.table, subject.table.c.id == c.record_id)
        .where(c.object == group.object, c.workflow == group.workflow, c.release == group.release, c.state == group.state, visible(work, subject))
        .order_by(c.due_at, c.id)
        .limit(WAITING_LIMIT)
    )
    if state.type == "initial":
        query = query.where(c.started_by == work.actor.username)
    titles = _role_titles(work)
    rows = [r for r in work.session.execute(query) if _for_me(work, workflow, state, r, titles)]
    names = record_names(work, group.object, [r.record_id for r in rows])
    return [
        Waiting(
            group.object,
            r.record_id,
            names.get(r.record_id, ""),
            workflow.key,
            workflow.title,
            state,
            state.type == "approval",
            r.entered_at,
            r.due_at,
            _overdue(work, r),
            r.submitted_by,
        )
        for r in rows
    ]


def _for_me(work: Work, workflow: Workflow, state: State, row: sa.Row[Any], titles: Mapping[str, Text]) -> bool:
    if work.actor.is_system:
        return False
    offered = [t for t in transitions_from(workflow, state.key) if t.decision or state.type != "approval"]
    return any(role_refusal(t, state, _mover(work, row), titles) is None for t in offered)


def _row(work: Work, object_key: str, record_id: int, workflow_key: str, lock: bool = False) -> sa.Row[Any] | None:
    c = workflow_instances.c
    query = sa.select(workflow_instances).where(c.object == object_key, c.record_id == record_id).order_by(c.final, c.id)
    if workflow_key:
        query = query.where(c.workflow == workflow_key)
    return work.session.execute(query.with_for_update() if lock else query).first()


def _state(workflow: Workflow, key: str) -> State:
    return workflow.states.get(key) or State(key, Text(key, key))


def _overdue(work: Work, row: sa.Row[Any]) -> bool:
    return row.due_at is not None and not row.final and row.due_at < work.now


def _history(work: Work, workflow: Workflow, instance_id: int) -> tuple[Step, ...]:
    transitions = {t.key: t for t in workflow.transitions}
    steps = []
    for row in work.session.execute(sa.select(workflow_steps).where(workflow_steps.c.instance_id == instance_id).order_by(workflow_steps.c.step)):
        values = row._mapping
        taken = transitions.get(row.transition)
        title = taken.title if taken else Text(row.transition, row.transition)
        decision = taken.decision if taken else ""
        steps.append(Step(row.at, row.by, _state(workflow, values["from"]), _state(workflow, values["to"]), title, decision, row.comment))
    return tuple(steps)


def _mover(work: Work, row: sa.Row[Any]) -> Mover:
    askers = {name for name in (row.started_by, row.asked_by, row.submitted_by) if name and name != "system"}
    return Mover(work.actor.username, work.actor.roles, work.actor.is_system, askers)


def _role_titles(work: Work) -> Mapping[str, Text]:
    return {role.key: role.title for role in work.catalog.all("role")}


def _available(work: Work, workflow: Workflow, row: sa.Row[Any], state: State) -> tuple[Available, ...]:
    offered = transitions_from(workflow, state.key)
    if not offered:
        return ()
    subject = subjects(work, workflow.object, deep=True)
    hidden = access.hidden_fields(work, workflow.object)
    titles, found = _role_titles(work), []
    for transition in offered:
        refusal = role_refusal(transition, state, _mover(work, row), titles)
        judged = _judge(work, subject, transition, row.record_id)
        missing = tuple(key for key in judged.missing if key not in hidden)
        blocked = refusal or judged.refusal
        target = _state(workflow, transition.target)
        found.append(
            Available(
                transition.key,
                transition.title,
                target,
                transition.decision,
                transition.comment,
                missing,
                blocked,
                refusal is None and not work.actor.is_system,
            )
        )
    return tuple(found)


# -- Doing -------------------------------------------------------------------------------------------------------------------


def start(work: Work, object_key: str, record_id: int) -> None:
    """Begin the object's workflows for a record that is older than they are."""
    if not may_see(work, object_key, record_id, "edit"):
        raise Forbidden(Text("没有权限进行此操作", "You are not allowed to do this"))
    for workflow in workflows_of(work, object_key):
        if _row(work, object_key, record_id, workflow.key) is None:
            begin(work, workflow, [record_id])


def take(work: Work, object_key: str, record_id: int, transition_key: str, comment: str = "", version: int | None = None, workflow_key: str = "") -> Instance:
    """Take a transition with all its effects, or nothing. `version`: of the record as the actor saw it."""
    if not may_see(work, object_key, record_id):
        raise NotFound(Text("没有这条记录", "There is no such record"))
    row = _row(work, object_key, record_id, workflow_key, lock=True)
    workflow = pinned(work, row.workflow, row.release) if row else None
    if row is None or workflow is None:
        raise NotFound(Text("这条记录没有流程", "This record has no workflow"))
    state = _state(workflow, row.state)
    transition = next((t for t in workflow.transitions if t.key == transition_key), None)
    if transition is None:
        raise NotFound(Text("流程中没有这一步", "The workflow has no such step"))
    if row.state not in transition.sources:
        raise Conflict(Text(f"记录已处于“{state.title.zh}”,请刷新", f"The record is in the state “{state.title.en}” now; please reload"))
    comment = _comment(transition, comment)
    refusal = role_refusal(transition, state, _mover(work, row), _role_titles(work))
    if refusal:
        raise Forbidden(refusal)
    subject = subjects(work, object_key, deep=True)
    _refuse_stale(work, subject, record_id, version)
    judged = _judge(work, subject, transition, record_id)
    if judged.missing:
        raise Invalid([_required(work, object_key, key) for key in judged.missing])
    if judged.refusal:
        raise Conflict(judged.refusal)
    _apply(work, workflow, row, transition, comment, _effects(work, subject, transition, record_id))
    found = state_of(replace(work, actor=work.actor), object_key, record_id, workflow.key) if may_see(work, object_key, record_id) else None
    if found is None:
        raise NotFound(Text("这条记录没有流程", "This record has no workflow"))
    return found


@dataclass(frozen=True)
class _Judged:
    missing: tuple[str, ...]
    refusal: Text | None


def _judge(work: Work, subject: Subjects, transition: Transition, record_id: int) -> _Judged:
    """Required fields and the guard. A guard that cannot be read or is unknown refuses."""
    fields = work.catalog.get("object", subject.object_key).fields
    required = [key for key in transition.require if key in fields]
    gone = [key for key in transition.require if key not in fields]
    guard = _checked(subject, transition.guard, BOOLEAN) if transition.guard else None
    values = subject.fetch(work.session, record_id, {*required, *(guard.names if guard else ())})
    missing = missing_fields(transition, values)
    if transition.guard and (guard is None or evaluate(guard, values, work.at) is not True):
        return _Judged(missing, transition.guard_message or Text("条件未满足", "Its condition is not met"))
    if missing or gone:
        titles = [fields[key].title if key in fields else Text(key, key) for key in missing]
        return _Judged(missing, Text(f"请先填写:{'、'.join(t.zh for t in titles)}", f"Please fill in first: {', '.join(t.en for t in titles)}"))
    return _Judged((), None)


def _checked(subject: Subjects, source: str, expect: Type | None = None) -> Checked | None:
    """None when the text of an older release names what is not there any more."""
    checked, _ = check(source, subject.scope, expect)
    return checked


def _required(work: Work, object_key: str, key: str) -> Problem:
    field = work.catalog.get("object", object_key).fields.get(key)
    title = field.title if field else Text(key, key)
    return Problem(key, Text(f"请先填写“{title.zh}”", f"Please fill in “{title.en}” first"), code="required")


def _comment(transition: Transition, comment: str) -> str:
    text = comment.strip()
    if transition.comment and not text:
        raise Invalid([Problem("comment", Text("请填写意见", "Please give a reason"), code="required")])
    if len(text) > COMMENT_LIMIT:
        raise Invalid([Problem("comment", Text(f"意见最多 {COMMENT_LIMIT} 个字符", f"At most {COMMENT_LIMIT} characters"), code="too_long")])
    return text


def _refuse_stale(work: Work, subject: Subjects, record_id: int, version: int | None) -> None:
    current = work.session.scalar(sa.select(subject.table.c.version).where(subject.id == record_id))
    if version is not None and current != version:
        raise Conflict(Text("记录已被他人修改,请刷新后再操作", "Somebody changed the record meanwhile; please reload"))


@dataclass(frozen=True)
class _Effects:
    own: dict[str, Any]
    others: tuple[tuple[str, int, dict[str, Any]], ...]  # object, record, values


def _effects(work: Work, subject: Subjects, transition: Transition, record_id: int) -> _Effects:
    """What the transition writes, worked out from the record as it is before any of it is written."""
    own = _values(work, subject, subject.object_key, dict(transition.sets or {}), record_id)
    others = []
    for through, sets in transition.updates:
        field = work.catalog.get("object", subject.object_key).fields.get(through)
        target = subject.fetch(work.session, record_id, [through])[through] if field is not None else None
        if field is None or target is None:
            title = field.title if field else Text(through, through)
            raise Conflict(Text(f"“{title.zh}”为空,无法继续", f"“{title.en}” is empty: it cannot go on"))
        others.append((field.reference, int(target), _values(work, subject, field.reference, dict(sets), record_id)))
    return _Effects(own, tuple(others))


def _values(work: Work, subject: Subjects, object_key: str, sets: Mapping[str, str], record_id: int) -> dict[str, Any]:
    """Expressions over the record as values of the fields they are for."""
    fields = work.catalog.get("object", object_key).fields
    values = {}
    for key, source in sets.items():
        checked = _checked(subject, source)
        if checked is None or key not in fields:
            raise Conflict(Text(f"流程要写入的“{key}”已不存在,请联系管理员", f"The workflow writes “{key}”, which is not there any more; ask an administrator"))
        result = evaluate(checked, subject.fetch(work.session, record_id, checked.names), work.at)
        values[key] = FIELD_TYPES[fields[key].type].from_expression(fields[key], result)
    return values


def _apply(work: Work, workflow: Workflow, row: sa.Row[Any], transition: Transition, comment: str, effects: _Effects) -> None:
    target = workflow.states[transition.target]
    changes: dict[str, Any] = {
        "state": target.key,
        "final": target.type == "final",
        "entered_at": work.now,
        "due_at": due_at(work.now, target.sla_days, working_time(work.catalog, work.zone)),
        "step": row.step + 1,
    }
    if workflow.states[row.state].type == "initial":
        changes["asked_by"] = work.actor.username
    if target.type == "approval":
        changes["submitted_by"] = work.actor.username
    c = workflow_instances.c
    moved = work.session.execute(sa.update(workflow_instances).where(c.id == row.id, c.step == row.step).values(**changes))
    if not moved.rowcount:
        raise Conflict(Text("记录已被他人处理,请刷新", "Somebody took a step meanwhile; please reload"))
    add_step(work, row.id, row.step + 1, row.state, target.key, transition.key, comment)
    show_state(work, workflow, row.record_id, target, effects.own)
    for object_key, record_id, values in effects.others:
        records.write_system(replace(work, cause="workflow"), object_key, record_id, values)
    detail = {"workflow": workflow.key, "from": row.state, "to": target.key, "transition": transition.key, "comment": comment}
    audit.record(work, "workflow_step", row.object, row.record_id, detail)
    tell_step(work, workflow, row, transition, target, comment)
