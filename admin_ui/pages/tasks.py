"""Tasks: mine, everybody's, and the approvals that wait for me; two taps approve on the phone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area, Link
from admin_ui.edge import Id, local_path, reading, writing
from admin_ui.formats import Formats
from admin_ui.pages.workflows import Action, waiting
from admin_ui.posted import posted
from admin_ui.render import page
from server.errors import Text
from server.feature import Work
from server.features.access import service as access
from server.features.strategies import service as strategies
from server.features.strategies.tasks import Task

router = APIRouter()
SHOWN = 100
STATES: Mapping[str, Text] = {
    "open": Text("待办", "open"),
    "waiting_approval": Text("待确认", "waits for consent"),
    "done": Text("已完成", "done"),
    "superseded": Text("已被取代", "superseded"),
    "cancelled": Text("已取消", "cancelled"),
}
KINDS: Mapping[str, Text] = {"measure": Text("应对措施", "measure"), "follow_up": Text("后续行动", "follow-up"), "response": Text("首次响应", "first response")}


@dataclass(frozen=True)
class TaskView:
    id: int
    title: str
    checklist: str
    name: str
    url: str
    why: str
    who: str
    when: str
    late: bool
    state: str
    state_title: Text
    assignee: str
    approver: str
    note: str
    can_complete: bool
    can_approve: bool
    can_reassign: bool
    origin: tuple[tuple[Text, str, str], ...] = ()


@dataclass(frozen=True)
class Waiting:
    """Something that waits for my word, from a workflow or from a measure, drawn alike."""

    object: str
    record_id: int
    name: str
    url: str
    what: str
    by: str
    since: datetime | None
    late: bool
    version: int | None
    actions: tuple[Action, ...]
    facts: tuple[tuple[str, str], ...] = ()


def view_of(work: Work, task: Task, people: Mapping[str, str] | None = None) -> TaskView:
    people = access.user_names(work) if people is None else people
    locale, formats = work.actor.locale, Formats(work.actor.locale, work.zone)
    role = _role(work, task.role)
    done = task.state in {"done", "superseded", "cancelled"}
    why = task.strategy_title or KINDS.get(task.kind, Text(task.kind, task.kind))
    return TaskView(
        id=task.id,
        title=task.title.of(locale),
        checklist=task.checklist.of(locale),
        name=task.record_name,
        url=f"/o/{task.object}/{task.record_id}" if task.object and task.record_id is not None else "",
        why=why.of(locale),
        who=people.get(task.assignee, task.assignee) if task.assignee else role,
        when=formats.date(task.done_at or task.due_on) if done else formats.due(task.due_on, work.at.today),
        late=task.overdue_days > 0,
        state=task.state,
        state_title=STATES.get(task.state, Text(task.state, task.state)),
        assignee=task.assignee or "",
        approver=_role(work, task.approver),
        note=task.note,
        can_complete=task.mine,
        can_approve=task.may_approve,
        can_reassign=task.may_manage,
        origin=_origin(task, people, formats, why.of(locale)),
    )


def _role(work: Work, key: str | None) -> str:
    role = work.catalog.get("role", key) if key else None
    return role.title.of(work.actor.locale) if role else key or ""


def _origin(task: Task, people: Mapping[str, str], formats: Formats, why: str) -> tuple[tuple[Text, str, str], ...]:
    lines: list[tuple[Text, str, str]] = [(Text("种类", "Kind"), why, "")]
    if task.alert_id:
        lines.append((Text("预警", "Alert"), str(task.alert_id), f"/alerts/{task.alert_id}"))
    if task.review_id:
        lines.append((Text("评估", "Review"), str(task.review_id), f"/reviews/{task.review_id}"))
    lines.append((Text("建立", "Made"), f"{people.get(task.created_by, task.created_by)} · {formats.date(task.created_at)}", ""))
    lines.append((Text("到期", "Due"), formats.date(task.due_on), ""))
    if task.done_at:
        lines.append((Text("完成", "Done"), f"{people.get(task.done_by or '', task.done_by or '')} · {formats.datetime(task.done_at)}", ""))
    if task.approved_at:
        lines.append((Text("确认", "Consent"), f"{people.get(task.approved_by or '', task.approved_by or '')} · {formats.datetime(task.approved_at)}", ""))
    return tuple(lines)


def approvals(work: Work) -> tuple[Waiting, ...]:
    """All that waits for my word: steps of workflows, then measures."""
    people, locale = access.user_names(work), work.actor.locale
    found = [
        Waiting(
            w.object,
            w.record_id,
            w.name,
            f"/o/{w.object}/{w.record_id}",
            f"{w.workflow.of(locale)}: {w.state.of(locale)}",
            people.get(w.by, w.by),
            w.since,
            w.late,
            w.version,
            w.actions,
            w.facts,
        )
        for w in waiting(work)
    ]
    for task in strategies.my_approvals(work):
        actions = (
            Action("approve", Text("同意", "Approve"), f"/tasks/{task.id}/approve", main=True),
            Action("return", Text("退回", "Return"), f"/tasks/{task.id}/return", comment=True),
        )
        facts = tuple(
            (k, v) for k, v in (((Text("要做到", "Checklist").of(locale)), task.checklist.of(locale)), (Text("结果", "Result").of(locale), task.note)) if v
        )
        what = f"{task.strategy_title.of(locale)}: {task.title.of(locale)}" if task.strategy_title else task.title.of(locale)
        found.append(
            Waiting(
                "task",
                task.id,
                task.record_name or task.title.of(locale),
                f"/tasks/{task.id}",
                what,
                people.get(task.done_by or "", task.done_by or ""),
                task.done_at,
                False,
                None,
                actions,
                facts,
            )
        )
    return tuple(found)


def waiting_count(work: Work) -> int:
    """For the badge, on every page: by one count and the few approvals of measures. Steps of workflows stand on the desk."""
    return strategies.my_task_counts(work)[0] + len(strategies.my_approvals(work))


AREA = Area(router, (Link("tasks", Text("任务", "Tasks"), "/tasks", "checkbox", "tasks", 40, count=waiting_count, phone=True),))


@router.get("/tasks", response_class=HTMLResponse)
def tasks_page(request: Request, tab: str = "mine") -> HTMLResponse:
    with reading(request, "tasks") as work:
        tab = tab if tab in {"mine", "approvals", "team", "done"} else "mine"
        people = access.user_names(work)
        waits = approvals(work)
        mine = strategies.my_tasks(work)
        lists: Mapping[str, Callable[[], tuple[Task, ...]]] = {
            "mine": lambda: mine,
            "team": lambda: strategies.list_tasks(work),
            "done": lambda: strategies.list_tasks(work, state="done")[::-1],
        }
        every = lists[tab]() if tab in lists else ()
        found = [view_of(work, task, people) for task in every[:SHOWN]]
        tabs = [
            ("mine", Text("我的", "Mine"), len(mine)),
            ("approvals", Text("待我处理", "Waiting for me"), len(waits)),
            ("team", Text("团队", "Team"), None),
            ("done", Text("已完成", "Done"), None),
        ]
        return page(request, work, "pages/tasks.html", area="tasks", tab=tab, tabs=tabs, tasks=found, more=len(every) - len(found), waiting=waits)


@router.get("/tasks/{task_id}", response_class=HTMLResponse)
def task_page(request: Request, task_id: Id) -> HTMLResponse:
    with reading(request, "tasks") as work:
        task = strategies.get_task(work, task_id)
        people = [u for u in access.users(work) if u.active]
        events = [(e, access.user_names(work).get(e.by, e.by)) for e in strategies.task_history(work, task_id)]
        return page(request, work, "pages/task.html", area="tasks", k=view_of(work, task), people=people, events=events)


def _next(form: Mapping[str, Any], default: str) -> Response:
    return RedirectResponse(local_path(str(form.get("next", "")), default), 303)


@router.post("/tasks/{task_id}/complete")
def complete(request: Request, task_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "tasks") as work:
        strategies.complete_task(work, task_id, form.get("note", ""))
    return _next(form, f"/tasks/{task_id}")


@router.post("/tasks/{task_id}/approve")
def approve(request: Request, task_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "tasks") as work:
        strategies.approve_task(work, task_id, True, form.get("note", ""))
    return _next(form, "/tasks?tab=approvals")


@router.post("/tasks/{task_id}/return")
def send_back(request: Request, task_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "tasks") as work:
        strategies.approve_task(work, task_id, False, form.get("note") or form.get("comment", ""))
    return _next(form, "/tasks?tab=approvals")


@router.post("/tasks/{task_id}/reassign")
def reassign(request: Request, task_id: Id, form: Mapping[str, str] = Depends(posted)) -> Response:
    with writing(request, "tasks") as work:
        strategies.reassign(work, task_id, form.get("assignee", ""))
    return RedirectResponse("/tasks", 303)
