"""The workflow of a record: the panel on its page, and taking a transition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Id, local_path, writing
from admin_ui.formats import Formats
from admin_ui.posted import posted, whole
from server.errors import Text
from server.feature import Work
from server.features.access import service as access
from server.features.records import service as records
from server.features.workflows import service as workflows
from server.features.workflows.service import Available, Instance

router = APIRouter()
AREA = Area(router)
FACTS = 8  # fields of a record shown beside an approval


@dataclass(frozen=True)
class Action:
    """A button: `blocked` says why it cannot be pressed, `comment` that a reason must be given, `main` that it is the expected one."""

    key: str
    title: Text
    action: str
    main: bool = False
    comment: bool = False
    blocked: Text | None = None
    target: Text | None = None


@dataclass(frozen=True)
class StepView:
    title: Text
    past: bool
    current: bool


@dataclass(frozen=True)
class HistoryLine:
    title: Text
    by: str
    at: datetime
    comment: str


@dataclass(frozen=True)
class Flow:
    """What templates/parts/workflow.html draws."""

    title: Text
    steps: tuple[StepView, ...]
    actions: tuple[Action, ...]
    history: tuple[HistoryLine, ...]
    due_at: datetime | None
    late: bool
    ended: bool
    waits_for: str
    version: int | None


@dataclass(frozen=True)
class WaitingStep:
    object: str
    record_id: int
    name: str
    workflow: Text
    state: Text
    by: str
    since: datetime
    late: bool
    version: int | None
    actions: tuple[Action, ...]
    facts: tuple[tuple[str, str], ...]


def flow_of(work: Work, object_key: str, record_id: int, version: int | None = None) -> Flow | None:
    """The panel of a record page; None when the record has no workflow."""
    instance = workflows.state_of(work, object_key, record_id)
    if instance is None:
        return None
    people = access.user_names(work)
    been = {step.source.key for step in instance.history} | {step.target.key for step in instance.history}
    steps = tuple(
        StepView(state.title, state.key in been and state.key != instance.state.key, state.key == instance.state.key)
        for state in instance.states
        if state.type != "final" or state.key in been or state.key == instance.state.key
    )
    history = tuple(HistoryLine(s.transition, people.get(s.by, s.by), s.at, s.comment) for s in reversed(instance.history))
    ended = instance.state.type == "final" or not instance.transitions
    return Flow(instance.title, steps, _actions(work, instance), history, instance.due_at, instance.overdue, ended, _waits_for(work, instance), version)


def _actions(work: Work, instance: Instance) -> tuple[Action, ...]:
    """What is mine to do, and why not; steps of other roles are not shown."""
    mine = [t for t in instance.transitions if t.for_me]
    first = next((t.key for t in mine if t.blocked is None and t.decision != "reject" and not t.needs_comment), "")
    return tuple(_action(instance, t, t.key == first) for t in mine)


def _action(instance: Instance, t: Available, main: bool) -> Action:
    path = f"/o/{quote(instance.object)}/{instance.record_id}/workflow/{quote(t.key)}"
    return Action(t.key, t.title, path, main, t.needs_comment, t.blocked, t.target.title)


def _waits_for(work: Work, instance: Instance) -> str:
    roles = {r.key: r.title for r in work.catalog.all("role")}
    names = [roles[key].of(work.actor.locale) for key in instance.state.approvers if key in roles]
    return ", ".join(names) or instance.state.title.of(work.actor.locale)


def waiting(work: Work, facts: bool = True) -> tuple[WaitingStep, ...]:
    """Steps of workflows that wait for me; approvals with what is asked for."""
    found = []
    for w in workflows.waiting_for_me(work):
        if not facts:
            found.append(WaitingStep(w.object, w.record_id, w.record_name, w.title, w.state.title, w.submitted_by or "", w.entered_at, w.overdue, None, (), ()))
            continue
        instance = workflows.state_of(work, w.object, w.record_id, w.workflow)
        record = records.get(work, w.object, w.record_id)
        actions = _actions(work, instance) if instance else ()
        found.append(
            WaitingStep(
                w.object,
                w.record_id,
                w.record_name,
                w.title,
                w.state.title,
                w.submitted_by or "",
                w.entered_at,
                w.overdue,
                record.version,
                actions,
                _facts(work, w.object, record.display),
            )
        )
    return tuple(found)


def _facts(work: Work, object_key: str, display: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The first filled fields of the record, for a decision without opening it; its name stands there already."""
    described = work.catalog.get("object", object_key)
    fields = (field for field in described.fields.values() if field.key != described.name_field)
    formats = Formats(work.actor.locale, work.zone)
    lines = [(field.title.of(work.actor.locale), formats.with_unit(display[field.key], field.unit)) for field in fields if display.get(field.key)]
    return tuple(lines[:FACTS])


@router.post("/o/{object_key}/{record_id}/workflow/{transition}")
def take(request: Request, object_key: str, record_id: Id, transition: str, form: Mapping[str, str] = Depends(posted)) -> Response:
    version = form.get("version", "")
    with writing(request) as work:
        workflows.take(work, object_key, record_id, transition, form.get("comment", ""), whole(version))
    return RedirectResponse(local_path(form.get("next", ""), f"/o/{quote(object_key)}/{record_id}"), 303)
