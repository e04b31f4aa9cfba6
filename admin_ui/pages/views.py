"""Saved views of lists: keep what the list shows now, change it, share it, let the list open with it."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from admin_ui.address import state_of
from admin_ui.area import Area
from admin_ui.edge import Form, Id, only, to, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import posted_lists
from server.feature import Work
from server.features.access import service as access
from server.features.records import views

router = APIRouter(include_in_schema=False)


@router.post("/o/{object_key}/views")
def create(request: Request, object_key: str, form: Form) -> Response:
    """`state`: what the list shows now, as its query string."""
    sent = only(form, "name", "state", "shared")
    with writing(request) as work:
        object_of(work, object_key)
        view_id = views.create(work, object_key, sent["name"], state_of(sent["state"]), shared=bool(sent["shared"]))
        _opens(work, object_key, view_id, form)
    return to(request, f"/o/{object_key}?view={view_id}")


@router.post("/o/{object_key}/views/{view_id:int}")
def update(request: Request, object_key: str, view_id: Id, form: Form) -> Response:
    """With `state` the view shows what the list shows now; with `name` it is called, shared and opened as the form says."""
    sent = only(form, "name", "state", "shared")
    with writing(request) as work:
        object_of(work, object_key)
        view = views.get(work, object_key, view_id)
        if "state" in form:
            views.update(work, object_key, view_id, state=state_of(sent["state"]))
        if "name" in form:
            if views.may_change(work, view):
                views.update(work, object_key, view_id, name=sent["name"], shared=bool(sent["shared"]))
            _opens(work, object_key, view_id, form)
    return to(request, f"/o/{object_key}?view={view_id}")


@router.post("/o/{object_key}/views/{view_id:int}/delete")
def delete(request: Request, object_key: str, view_id: Id) -> Response:
    with writing(request) as work:
        object_of(work, object_key)
        views.delete(work, object_key, view_id)
    return to(request, f"/o/{object_key}?view=all")


def _opens(work: Work, object_key: str, view_id: int, form: Form) -> None:
    """Whose list opens with it: mine, and for those who may say so that of roles."""
    view = views.get(work, object_key, view_id)
    mine = bool(only(form, "opens")["opens"])
    if mine != (f"user:{work.actor.username}" in view.defaults):
        views.open_with(work, object_key, view_id, mine)
    chosen = posted_lists(form).get("role", [])
    if access.may(work, views.ADMIN) and (chosen or any(holder.startswith("role:") for holder in view.defaults)):
        views.open_roles_with(work, object_key, view_id, chosen)


AREA = Area(router)
