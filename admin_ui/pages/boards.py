"""Moving a card of a board: a change of its record, or a step of its workflow; what may not be moved says why."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui import listing
from admin_ui.area import Area
from admin_ui.boards import is_workflow, lanes_of
from admin_ui.edge import Form, Id, only, reading, writing
from admin_ui.lists import List, list_of
from admin_ui.pages.lists import context_of
from admin_ui.posted import whole
from admin_ui.render import fragment
from server.errors import AppError, Conflict, Invalid, NotFound, Text
from server.features.records import service as records
from server.features.records.batches import said
from server.features.records.rights import rights
from server.features.workflows import service as workflows
from server.features.workflows.service import Available

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Moved:
    text: Text
    refused: bool = False


@dataclass(frozen=True)
class Ask:
    """A step of a workflow that wants a comment, or of which there are several."""

    id: int
    name: str
    to: str
    version: int
    title: Text
    steps: tuple[Available, ...]


class _Asking(Exception):
    def __init__(self, ask: Ask) -> None:
        self.ask = ask


@router.post("/o/{object_key}/{record_id:int}/move", response_class=HTMLResponse)
def move(request: Request, object_key: str, record_id: Id, form: Form) -> HTMLResponse:
    """The board of this address after the card went to lane `to`, or as it was with the reason."""
    sent = only(form, "to", "version", "transition", "comment")
    moved, ask, status = None, None, 200
    try:
        with writing(request) as work:
            moved = _move(list_of(request, work, object_key), record_id, sent["to"], whole(sent["version"]) or 0, sent["transition"], sent["comment"])
    except _Asking as asking:
        ask = asking.ask
    except NotFound:
        raise
    except AppError as refused:
        with reading(request) as work:
            object_type = list_of(request, work, object_key).object_type
            text = said(object_type, refused.problems) if isinstance(refused, Invalid) else refused.message
        moved, status = Moved(text, refused=True), 422
    with reading(request) as work:
        context, _ = context_of(list_of(request, work, object_key))
        return fragment(request, work, "parts/listing.html", status=status, **{**context, "moved": moved, "ask": ask})


def _move(it: List, record_id: int, to: str, version: int, transition: str, comment: str) -> Moved:
    name, key = it.state.by, it.object_type.key
    known = lanes_of(it, name)
    title = next((lane for lane_key, lane, _ in known[1] if lane_key == to), None) if known and name in it.names else None
    if known is None or (title is None and to):
        raise Conflict(Text("没有这一列", "There is no such lane"))
    record = records.get(it.work, key, record_id)
    if is_workflow(it.work, key, name):
        _step(it, record, to, version, transition, comment)
    elif name not in it.object_type.fields:
        raise Conflict(Text(f"“{known[0].zh}”由规则算出，不能手动移动", f"{known[0].en} follows from rules and cannot be moved by hand"))
    elif not listing.is_editable(it.object_type.fields[name], rights(it.work, key)):
        raise Conflict(Text(f"“{known[0].zh}”不能在这里修改", f"{known[0].en} cannot be changed here"))
    else:
        records.update(it.work, key, record_id, {name: to}, version)
    there = title or Text("未填", "None")
    return Moved(Text(f"{record.name} 已移到“{there.zh}”", f"{record.name} is in {there.en} now"))


def _step(it: List, record: records.Record, to: str, version: int, transition: str, comment: str) -> None:
    """The step of the workflow that leads to a state, if the person may take it now."""
    key = it.object_type.key
    instance = workflows.state_of(it.work, key, record.id)
    if instance is None:
        raise Conflict(Text("这条记录还没有进入流程", "This record is in no workflow yet"))
    if instance.state.key == to:
        return
    target = next((s for s in instance.states if s.key == to), None)
    leading = [t for t in instance.transitions if t.target.key == to]
    if target is None or not leading:
        goal = target.title if target else Text("未填", "None")
        here = instance.state.title
        raise Conflict(Text(f"流程里没有从“{here.zh}”到“{goal.zh}”的一步", f"The workflow has no step from {here.en} to {goal.en}"))
    open_ = [t for t in leading if t.for_me and t.blocked is None]
    if not open_:
        raise Conflict(leading[0].blocked or Text("这一步不归您走", "This step is not yours to take"))
    chosen = next((t for t in open_ if t.key == transition), open_[0] if len(open_) == 1 else None)
    if chosen is None or (chosen.needs_comment and not comment.strip()):
        raise _Asking(Ask(record.id, record.name, to, record.version, (chosen or open_[0]).title, tuple(open_)))
    workflows.take(it.work, key, record.id, chosen.key, comment, version)


AREA = Area(router)
