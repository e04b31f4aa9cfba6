"""Making two records one: finding the other, choosing value by value, and seeing before what moves."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Asked, Form, Id, only, reading, to, writing
from admin_ui.pages.deleted import bound
from admin_ui.pages.records import object_of
from admin_ui.posted import posted, whole
from admin_ui.render import page
from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.kind import ObjectType
from server.features.records import merging
from server.features.records import service as records
from server.features.records.reading import Record

router = APIRouter(include_in_schema=False)
GONE = "gone"  # what an input says for "take the other's value"


@router.get("/o/{object_key}/{record_id:int}/merge", response_class=HTMLResponse)
def choose(request: Request, object_key: str, record_id: Id, q: str = "", other: Asked = None) -> HTMLResponse:
    """Without `other` the search for it, with it the two beside each other."""
    with reading(request) as work:
        object_type = _mergeable(work, object_key)
        record = records.get(work, object_key, record_id)
        if other is None or other == record_id:
            return _search(request, work, object_type, record, q)
    return _compare(request, object_key, record_id, other)


@router.post("/o/{object_key}/{record_id:int}/merge", response_class=HTMLResponse)
def merge(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    control = only(form, "_other", "_version", "_other_version")
    other = whole(control["_other"]) or 0
    taken = [key for key, value in posted(form).items() if value == GONE and not key.startswith("_")]
    try:
        with writing(request) as work:
            _mergeable(work, object_key)
            merging.merge(work, object_key, record_id, other, taken, whole(control["_version"]) or 0, whole(control["_other_version"]) or 0)
    except (Conflict, Invalid) as refused:
        return _compare(request, object_key, record_id, other, refused, frozenset(taken))
    return to(request, f"/o/{object_key}/{record_id}?tab=timeline")


def _mergeable(work: Work, object_key: str) -> ObjectType:
    object_type = object_of(work, object_key)
    if not (access.allowed(work, object_key, "edit") and access.allowed(work, object_key, "delete")):
        raise Forbidden(Text("没有权限合并", "You may not merge records"), Text("合并需要修改和删除的权限", "It takes the right to edit and to delete them"))
    return object_type


def _search(request: Request, work: Work, object_type: ObjectType, record: Record, q: str) -> HTMLResponse:
    text = q.strip()[:200]
    found = merging.candidates(work, object_type.key, record.id, text)
    context: dict[str, Any] = {"record": record, "q": text, "found": found}
    return page(request, work, "pages/merge_search.html", area=f"o/{object_type.key}", object_type=object_type, **context)


def _compare(
    request: Request, object_key: str, kept_id: int, gone_id: int, refused: Conflict | Invalid | None = None, taken: frozenset[str] | None = None
) -> HTMLResponse:
    with reading(request) as work:
        object_type = _mergeable(work, object_key)
        kept, gone = records.get(work, object_key, kept_id), records.get(work, object_key, gone_id)
        try:
            plan = merging.plan(work, object_key, kept_id, gone_id)
        except NotFound:
            raise refused or NotFound(Text("没有这条记录", "There is no such record")) from None
        problems: tuple[Problem, ...] = refused.problems if isinstance(refused, Invalid) else ()
        chosen = {c.field.key for c in plan.choices if c.take_gone} if taken is None else taken
        context: dict[str, Any] = {"kept": kept, "gone": gone, "plan": plan, "moves": [bound(work, r, gone_id) for r in plan.moves], "chosen": chosen}
        status = refused.status if refused else 200
        return page(
            request, work, "pages/merge.html", status=status, area=f"o/{object_key}", object_type=object_type, refused=refused, problems=problems, **context
        )


AREA = Area(router)
