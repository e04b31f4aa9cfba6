"""Deleting a record, with what goes along said before; the recycle bin of an object, and bringing back."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.address import Address
from admin_ui.area import Area
from admin_ui.edge import Form, Id, local_path, only, reading, to, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import whole
from admin_ui.render import page
from server.errors import Conflict, Invalid, Text
from server.feature import Work
from server.features.access import people
from server.features.access import service as access
from server.features.alerts import service as alerts
from server.features.records import deleting
from server.features.records import service as records
from server.features.records.liststate import Condition
from server.features.records.moments import Place, place_of
from server.features.records.referring import Reference
from server.features.strategies.tasks import PENDING, tasks_of

router = APIRouter(include_in_schema=False)
SHOWN = 50


@dataclass(frozen=True)
class Bound:
    """Records that refer to one: `url` lists them, "" for who may not."""

    title: Text
    count: int
    url: str


def bound(work: Work, reference: Reference, record_id: int) -> Bound:
    """As a link to the list of them."""
    other, field = reference.object_type, reference.field
    url = Address(other.key).having(Condition(field.key, "eq", str(record_id))).url if access.allowed(work, other.key, "read") else ""
    return Bound(other.plural, reference.count, url)


@router.get("/o/{object_key}/{record_id:int}/delete", response_class=HTMLResponse)
def ask(request: Request, object_key: str, record_id: Id) -> HTMLResponse:
    return _asking(request, object_key, record_id)


@router.post("/o/{object_key}/{record_id:int}/delete", response_class=HTMLResponse)
def delete(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    version = whole(only(form, "_version")["_version"]) or 0
    try:
        with writing(request) as work:
            records.delete(work, object_key, record_id, version)
    except Conflict as refused:
        return _asking(request, object_key, record_id, refused)
    return to(request, f"/o/{object_key}?_deleted={record_id}")


def _asking(request: Request, object_key: str, record_id: int, refused: Conflict | None = None) -> HTMLResponse:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        record = records.get(work, object_key, record_id)
        fate = deleting.fate(work, object_key, record_id)
        context: dict[str, Any] = {
            "record": record,
            "parts": [bound(work, r, record_id) for r in fate.parts],
            "holds": [bound(work, r, record_id) for r in fate.holds],
            "alerts": len(alerts.of_record(work, object_key, record_id)) if object_type.assessed else 0,
            "tasks": sum(1 for k in tasks_of(work, object_key, record_id) if k.state in PENDING and k.strategy_run_id),
            "refused": refused,
        }
        status = refused.status if refused else 200
        return page(request, work, "pages/delete.html", status=status, area=f"o/{object_key}", object_type=object_type, **context)


@router.post("/o/{object_key}/{record_id:int}/undelete", response_class=HTMLResponse)
def undelete(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    try:
        with writing(request) as work:
            records.undelete(work, object_key, record_id)
    except (Conflict, Invalid) as refused:
        with reading(request) as work:
            object_type = object_of(work, object_key)
            gone = deleting.gone(work, object_key, record_id)
            context: dict[str, Any] = {"gone": gone, "people": people.user_names(work), "refused": refused}
            return page(request, work, "pages/gone.html", status=refused.status, area=f"o/{object_key}", object_type=object_type, **context)
    return to(request, local_path(only(form, "_back")["_back"], f"/o/{object_key}/{record_id}"))


@router.get("/o/{object_key}/deleted", response_class=HTMLResponse)
def recycle_bin(request: Request, object_key: str, next: str = "") -> HTMLResponse:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        found = deleting.deleted(work, object_key, place_of(next) if next else None, SHOWN + 1)
        shown = found[:SHOWN]
        more = Place(shown[-1].at, 0, shown[-1].id).text if len(found) > SHOWN else ""
        context: dict[str, Any] = {"found": shown, "more": more, "people": people.user_names(work)}
        return page(request, work, "pages/deleted.html", area=f"o/{object_key}", object_type=object_type, **context)


AREA = Area(router)
