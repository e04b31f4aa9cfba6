"""Creating and editing a record. The form follows the rules while it is filled in, says all errors at once, and never loses what was typed."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, Id, local_path, only, reading, to, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import whole
from admin_ui.record_forms import RecordForm, build, levels, moved, prefill, raw_of
from admin_ui.render import fragment, page
from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.kind import ObjectType
from server.features.records import service as records
from server.features.records.reading import Record
from server.features.records.rights import rights

router = APIRouter(include_in_schema=False)


@router.get("/o/{object_key}/new", response_class=HTMLResponse)
def new(request: Request, object_key: str) -> HTMLResponse:
    with reading(request) as work:
        object_type = _writable(work, object_key, "create")
        raw = prefill(object_type, request.query_params)
        if object_type.owner_field and object_type.owner_field not in raw:
            raw[object_type.owner_field] = work.actor.username
        state = records.form(work, object_key, raw)
        return _form_page(request, work, object_type, build(work, object_type, state, is_new=True), back=request.query_params.get("_back", ""))


@router.post("/o/{object_key}/new", response_class=HTMLResponse)
def create(request: Request, object_key: str, form: Form) -> Response:
    control = only(form, "_back")
    try:
        with writing(request) as work:
            object_type = object_of(work, object_key)
            record_id = records.create(work, object_key, raw_of(object_type, form))
    except Invalid as refused:
        return _again(request, object_key, form, refused.problems)
    return to(request, local_path(control["_back"], f"/o/{object_key}/{record_id}"))


@router.get("/o/{object_key}/{record_id:int}/edit", response_class=HTMLResponse)
def edit(request: Request, object_key: str, record_id: Id) -> HTMLResponse:
    with reading(request) as work:
        object_type = _writable(work, object_key, "edit")
        record = records.get(work, object_key, record_id)
        state = records.form(work, object_key, {}, record_id)
        return _form_page(request, work, object_type, build(work, object_type, state), record, back=request.query_params.get("_back", ""))


@router.post("/o/{object_key}/{record_id:int}/edit", response_class=HTMLResponse)
def update(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    control = only(form, "_version", "_back")
    version = whole(control["_version"]) or 0
    try:
        with writing(request) as work:
            object_type = object_of(work, object_key)
            records.update(work, object_key, record_id, raw_of(object_type, form), version)
    except Invalid as refused:
        return _again(request, object_key, form, refused.problems, record_id, version)
    except Conflict as refused:
        return _conflict(request, object_key, record_id, form, refused)
    return to(request, local_path(control["_back"], f"/o/{object_key}/{record_id}"))


@router.post("/o/{object_key}/form/live", response_class=HTMLResponse)
def live(request: Request, object_key: str, form: Form) -> HTMLResponse:
    """What the rules say about the form as it stands: only the fields that look different now, never the one being typed in."""
    control = only(form, "_record", "_shape", "_focus", "_left")
    record_id = whole(control["_record"])
    with reading(request) as work:
        object_type = object_of(work, object_key)
        state = records.form(work, object_key, raw_of(object_type, form), record_id)
        left = control["_left"]  # the field just left: its errors may be told now
        made = build(work, object_type, state, [p for p in state.problems if p.path == left], is_new=record_id is None)
        changed = (moved(control["_shape"], made.shape) | ({left} & set(state.fields))) - {control["_focus"]}
        return fragment(request, work, "parts/live.html", form=made, changed=changed, object_type=object_type)


@router.get("/o/{object_key}/form/levels", response_class=HTMLResponse)
def region_levels(request: Request, object_key: str, field: str = "") -> HTMLResponse:
    """The selects of a region field after one of them was changed."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        found = object_type.fields.get(field)
        if found is None or found.type != "region" or field in rights(work, object_key).hidden:
            raise NotFound(Text("没有这个字段", "There is no such field"))
        return fragment(request, work, "parts/levels.html", f=levels(work, found, request.query_params.getlist(field)), object_type=object_type)


@router.post("/o/{object_key}/{record_id:int}/refresh", response_class=HTMLResponse)
def refresh(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    """Copies what snapshots hold anew from the records referred to."""
    version = only(form, "_version")["_version"]
    with writing(request) as work:
        records.refresh(work, object_key, record_id, whole(version) or 0)
    return to(request, f"/o/{object_key}/{record_id}?tab=facts")


def _writable(work: Work, object_key: str, action: str) -> ObjectType:
    object_type = object_of(work, object_key)
    if not access.allowed(work, object_key, action):
        raise Forbidden(Text("没有权限进行此操作", "You may not do this"))
    return object_type


def _again(request: Request, object_key: str, form: Any, problems: tuple[Problem, ...], record_id: int | None = None, version: int = 0) -> HTMLResponse:
    """The same form with what was typed and everything that is wrong with it."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        record = records.get(work, object_key, record_id) if record_id is not None else None
        state = records.form(work, object_key, raw_of(object_type, form), record_id)
        made = build(work, object_type, state, problems, is_new=record_id is None)
        return _form_page(request, work, object_type, made, record, status=422, version=version, back=only(form, "_back")["_back"])


def _conflict(request: Request, object_key: str, record_id: int, form: Any, refused: Conflict) -> HTMLResponse:
    """Somebody saved meanwhile: what was typed stays, beside it stands what they saved."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        try:
            record = records.get(work, object_key, record_id)
        except NotFound:
            raise refused from None
        raw = raw_of(object_type, form)
        state = records.form(work, object_key, raw, record_id)
        stored = records.form(work, object_key, {}, record_id)
        theirs = {k: record.display.get(k, "") for k, s in state.fields.items() if k in raw and s.entry != stored.fields[k].entry and not s.readonly}
        made = build(work, object_type, state, (), theirs)
        return _form_page(request, work, object_type, made, record, status=409, conflict=refused, back=only(form, "_back")["_back"])


def _form_page(
    request: Request,
    work: Work,
    object_type: ObjectType,
    form: RecordForm,
    record: Record | None = None,
    *,
    status: int = 200,
    version: int = 0,
    conflict: Conflict | None = None,
    back: str = "",
) -> HTMLResponse:
    at = version or (record.version if record else 0)
    cancel = local_path(back, f"/o/{object_type.key}/{record.id}" if record else f"/o/{object_type.key}")
    return page(
        request, work, "pages/form.html", status=status, area=f"o/{object_type.key}",
        object_type=object_type, form=form, record=record, version=at, conflict=conflict, back=local_path(back, ""), cancel=cancel,
    )  # fmt: skip


AREA = Area(router)
