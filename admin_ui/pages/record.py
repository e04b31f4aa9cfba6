"""The page of one record: its tabs, its timeline, and taking earlier values back."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Asked, Form, Id, is_partial, only, reading, to, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import posted_lists, whole
from admin_ui.profile import profile
from admin_ui.render import fragment, page
from admin_ui.subjects import subject
from admin_ui.timeline import About, stream
from server.errors import Forbidden, Invalid, NotFound, Problem, Text
from server.features.access import people
from server.features.access import service as access
from server.features.records import deleting, restoring
from server.features.records import service as records

router = APIRouter(include_in_schema=False)


@router.get("/o/{object_key}/{record_id:int}", response_class=HTMLResponse)
def record_page(request: Request, object_key: str, record_id: Id, tab: str = "", show: str = "", next: str = "") -> Response:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        try:
            record = records.get(work, object_key, record_id)
        except NotFound:
            kept = deleting.kept_record(work, object_key, record_id)
            if kept is not None:  # merged: its address leads to the record that was kept
                return RedirectResponse(f"/o/{object_key}/{kept}", 303)
            gone = deleting.gone(work, object_key, record_id)  # for who may bring it back
            names = people.user_names(work)
            return page(request, work, "pages/gone.html", status=410, area=f"o/{object_key}", object_type=object_type, gone=gone, people=names)
        view = profile(work, object_type, record, tab, show, next)
        return page(request, work, "pages/record.html", area=f"o/{object_key}", view=view, object_type=object_type, record=record)


@router.get("/o/{object_key}/{record_id:int}/timeline", response_class=HTMLResponse)
def timeline(request: Request, object_key: str, record_id: Id, show: str = "", next: str = "") -> Response:
    """More of the stream, for the place where "more" stood."""
    if not is_partial(request):
        return RedirectResponse(f"/o/{object_key}/{record_id}?{request.url.query}&tab=timeline", 303)
    with reading(request) as work:
        object_type = object_of(work, object_key)
        records.get(work, object_key, record_id)
        about = About(work, object_type, record_id, subject(work.catalog, object_key), people.user_names(work))
        return fragment(request, work, "parts/stream_entries.html", stream=stream(about, show, next), object_type=object_type, record_id=record_id)


# -- Taking back -------------------------------------------------------------------------------------------------------------


@router.get("/o/{object_key}/{record_id:int}/restore", response_class=HTMLResponse)
def earlier_version(request: Request, object_key: str, record_id: Id, to: Asked = None) -> HTMLResponse:
    """How the record differs from an earlier version (the last one when none is named); what is ticked is taken back."""
    return _earlier(request, object_key, record_id, to)


@router.post("/o/{object_key}/{record_id:int}/restore")
def restore(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    control = only(form, "_version", "_to")
    version, then = whole(control["_version"]) or 0, whole(control["_to"]) or 0
    fields = posted_lists(form).get("field", [])
    try:
        with writing(request) as work:
            object_of(work, object_key)
            if not fields:
                raise Invalid([Problem("", Text("请勾选要恢复的字段", "Tick the fields to take back"), code="required")])
            restoring.restore(work, object_key, record_id, then, version, fields)
    except Invalid as refused:
        return _earlier(request, object_key, record_id, then, refused.problems, frozenset(fields))
    return to(request, f"/o/{object_key}/{record_id}?tab=history")


def _earlier(
    request: Request, object_key: str, record_id: int, version: int | None, problems: tuple[Problem, ...] = (), ticked: frozenset[str] | None = None
) -> HTMLResponse:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        if not access.allowed(work, object_key, "edit"):
            raise Forbidden(Text("没有权限进行此操作", "You may not do this"))
        record = records.get(work, object_key, record_id)
        version = max(1, record.version - 1) if version is None else version
        found = restoring.differences(work, object_key, record_id, version)
        context: dict[str, Any] = {"record": record, "to": version, "differences": found, "problems": problems, "ticked": ticked}
        status = 422 if problems else 200
        return page(request, work, "pages/restore.html", status=status, area=f"o/{object_key}", object_type=object_type, **context)


AREA = Area(router)
