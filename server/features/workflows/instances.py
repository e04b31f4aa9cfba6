"""Instances begin when records are made, stay under the release they began with, and keep the record's state field in step."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from server.config.releases import catalog_at
from server.errors import Conflict, Text
from server.feature import Merged, Saved, Work
from server.features.calendars.engine import working_time
from server.features.objects.engine import tables
from server.features.records import service as records
from server.features.workflows.engine import due_at
from server.features.workflows.kind import State, Workflow
from server.features.workflows.tables import workflow_instances, workflow_steps

STATE_FIELD = "status"  # an object that has it, with the states among its options, shows the state there
BY_PEOPLE = ("form", "import", "api", "restore")


def on_saved(work: Work, saved: Saved) -> None:
    workflows = workflows_of(work, saved.object)
    if not workflows:
        return
    _refuse_closed(work, saved)
    for workflow in workflows:
        known = set(work.session.scalars(sa.select(_c.record_id).where(_c.object == saved.object, _c.workflow == workflow.key, _c.record_id.in_(saved.ids))))
        fresh = [i for i in saved.ids if i not in known]
        if fresh:
            begin(work, workflow, fresh)


_c = workflow_instances.c


def workflows_of(work: Work, object_key: str) -> tuple[Workflow, ...]:
    return tuple(w for w in work.catalog.all("workflow") if w.object == object_key)


def pinned(work: Work, workflow: str, release: int) -> Workflow | None:
    """The workflow as it was in the release an instance began under."""
    found: Workflow | None = catalog_at(work.session, work.catalog, release).get("workflow", workflow)
    return found


def _refuse_closed(work: Work, saved: Saved) -> None:
    """In a state that is not editable people change nothing but by transitions."""
    changed = [i for i in saved.ids if saved.before.get(i) and saved.changed.get(i)]
    if work.cause not in BY_PEOPLE or work.actor.is_system or not changed:
        return
    for row in work.session.execute(sa.select(workflow_instances).where(_c.object == saved.object, _c.record_id.in_(changed))):
        workflow = pinned(work, row.workflow, row.release)
        state = workflow.states.get(row.state) if workflow else None
        if state is not None and not state.editable:
            raise Conflict(Text(f"在“{state.title.zh}”状态下不能修改", f"It cannot be changed while it is in the state “{state.title.en}”"))


def merge_objections(work: Work, merged: Merged) -> Iterator[Text]:
    """Of two records that become one, the one that goes is not under way, and the kept one may be changed by people."""
    for row in work.session.execute(sa.select(workflow_instances).where(_c.object == merged.object, _c.record_id.in_((merged.kept, merged.gone)))):
        workflow = pinned(work, row.workflow, row.release)
        state = workflow.states.get(row.state) if workflow else None
        if workflow is None or state is None:
            continue
        if row.record_id == merged.gone and not row.final and state.key != workflow.initial.key:
            yield Text(
                f"要并入的记录还在流程“{workflow.title.zh}”的“{state.title.zh}”状态，请先走完或退回",
                f"The record that would go is in the workflow {workflow.title.en}, state “{state.title.en}”; let it end or return first",
            )
        if row.record_id == merged.kept and not state.editable:
            yield Text(f"保留的记录在“{state.title.zh}”状态下不能修改", f"The kept record cannot be changed while it is in the state “{state.title.en}”")


def begin(work: Work, workflow: Workflow, record_ids: Sequence[int]) -> None:
    """A record whose state field only the system can write, and which already names a state (moved in from elsewhere), begins there."""
    states = _written_states(work, workflow, record_ids)
    rows: list[dict[str, Any]] = []
    for record_id in record_ids:
        if record_id not in states:
            continue  # deleted meanwhile
        state, creator = states[record_id]
        rows.append(
            {
                "object": workflow.object,
                "record_id": record_id,
                "workflow": workflow.key,
                "release": work.catalog.release,
                "state": state.key,
                "final": state.type == "final",
                "entered_at": work.now,
                "due_at": due_at(work.now, state.sla_days, working_time(work.catalog, work.zone)),
                "started_at": work.now,
                "started_by": creator,
                "step": 0,
            }
        )
    if not rows:
        return
    work.session.execute(sa.insert(workflow_instances), rows)
    for row in rows:
        show_state(work, workflow, row["record_id"], workflow.states[row["state"]])


def _written_states(work: Work, workflow: Workflow, record_ids: Sequence[int]) -> dict[int, tuple[State, str]]:
    table = tables(work.catalog)[workflow.object]
    column = table.c[STATE_FIELD] if _has_state_field(work, workflow) else sa.null()
    trusted = _has_state_field(work, workflow) and (work.actor.is_system or work.catalog.get("object", workflow.object).fields[STATE_FIELD].readonly)
    query = sa.select(table.c.id, column.label("state"), table.c.created_by).where(table.c.id.in_(record_ids), table.c.deleted_at.is_(None))
    found = {}
    for row in work.session.execute(query):
        state = workflow.states.get(row.state) if trusted and row.state else None
        found[row.id] = (state or workflow.initial, row.created_by)
    return found


def _has_state_field(work: Work, workflow: Workflow) -> bool:
    field = work.catalog.get("object", workflow.object).fields.get(STATE_FIELD)
    return field is not None and not field.computed and not field.derived and {o.key for o in field.options} >= {workflow.initial.key}


def show_state(work: Work, workflow: Workflow, record_id: int, state: State, values: dict[str, Any] | None = None) -> None:
    """Write the state (and what else a transition sets) into the record; nothing is written where nothing differs."""
    wanted = dict(values or {})
    if _has_state_field(work, workflow) and state.key in {o.key for o in work.catalog.get("object", workflow.object).fields[STATE_FIELD].options}:
        table = tables(work.catalog)[workflow.object]
        if work.session.scalar(sa.select(table.c[STATE_FIELD]).where(table.c.id == record_id)) != state.key:
            wanted[STATE_FIELD] = state.key
    if wanted:
        records.write_system(replace(work, cause="workflow"), workflow.object, record_id, wanted)


def add_step(work: Work, instance_id: int, step: int, source: str, target: str, transition: str, comment: str) -> None:
    work.session.execute(
        sa.insert(workflow_steps).values(
            {
                "instance_id": instance_id,
                "step": step,
                "at": work.now,
                "by": work.actor.username,
                "from": source,
                "to": target,
                "transition": transition,
                "comment": comment,
            }
        )
    )
