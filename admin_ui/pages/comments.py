"""Comments on a record's page: writing, changing, taking back, choosing whom to mention, and marking mentions as seen."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, Id, is_htmx, only, reading, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import whole
from admin_ui.render import fragment
from admin_ui.subjects import subject
from admin_ui.timeline import BESIDE, PAGE, About, stream
from server.errors import Invalid, Problem
from server.feature import Work
from server.features.access import people
from server.features.comments import service as comments
from server.features.records import service as records

router = APIRouter(include_in_schema=False)
SEEN_AT_ONCE = 200


@router.post("/o/{object_key}/{record_id:int}/comments", response_class=HTMLResponse)
def add(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    """Gives the stream anew with the comment in it, or with what is wrong and all that was typed."""
    given = only(form, "text", "_place")
    problems: tuple[Problem, ...] = ()
    try:
        with writing(request) as work:
            object_of(work, object_key)
            comments.add(work, object_key, record_id, given["text"])
    except Invalid as refused:
        problems = refused.problems
    if not problems and not is_htmx(request):
        return RedirectResponse(f"/o/{object_key}/{record_id}?tab=timeline", 303)
    with reading(request) as work:
        limit = BESIDE if given["_place"] == "beside" else PAGE
        typed = given["text"] if problems else ""
        return _stream(request, work, object_key, record_id, limit, typed, problems)


def _stream(request: Request, work: Work, object_key: str, record_id: int, limit: int, typed: str, problems: tuple[Problem, ...]) -> HTMLResponse:
    object_type = object_of(work, object_key)
    about = About(work, object_type, record_id, subject(work.catalog, object_key), people.user_names(work))
    context: dict[str, Any] = {"stream": stream(about, limit=limit), "object_type": object_type, "record_id": record_id, "beside": limit == BESIDE}
    return fragment(request, work, "parts/stream.html", status=422 if problems else 200, typed=typed, problems=problems, **context)


@router.get("/o/{object_key}/{record_id:int}/comments/{comment_id}/edit", response_class=HTMLResponse)
def editing(request: Request, object_key: str, record_id: Id, comment_id: Id) -> HTMLResponse:
    with reading(request) as work:
        comment = comments.get(work, comment_id)
        return _form(request, work, object_key, record_id, comment_id, comment.text)


@router.get("/o/{object_key}/{record_id:int}/comments/{comment_id}", response_class=HTMLResponse)
def one(request: Request, object_key: str, record_id: Id, comment_id: Id) -> HTMLResponse:
    with reading(request) as work:
        return _comment(request, work, object_key, record_id, comment_id)


@router.post("/o/{object_key}/{record_id:int}/comments/{comment_id}", response_class=HTMLResponse)
def edit(request: Request, object_key: str, record_id: Id, comment_id: Id, form: Form) -> Response:
    text = only(form, "text")["text"]
    try:
        with writing(request) as work:
            comments.edit(work, comment_id, text)
    except Invalid as refused:
        with reading(request) as work:
            return _form(request, work, object_key, record_id, comment_id, text, refused.problems)
    with reading(request) as work:
        return _comment(request, work, object_key, record_id, comment_id)


@router.post("/o/{object_key}/{record_id:int}/comments/{comment_id}/delete", response_class=HTMLResponse)
def delete(request: Request, object_key: str, record_id: Id, comment_id: Id) -> HTMLResponse:
    with writing(request) as work:
        comments.delete(work, comment_id)
    with reading(request) as work:
        return _comment(request, work, object_key, record_id, comment_id)


def _comment(request: Request, work: Work, object_key: str, record_id: int, comment_id: int) -> HTMLResponse:
    object_type = object_of(work, object_key)
    names = people.user_names(work)
    comment = comments.comment_of(work, object_key, record_id, comment_id, names)
    context: dict[str, Any] = {"comment": comment, "by": names.get(comment.by, comment.by), "object_type": object_type, "record_id": record_id}
    return fragment(request, work, "parts/comment.html", **context)


def _form(request: Request, work: Work, object_key: str, record_id: int, comment_id: int, text: str, problems: tuple[Problem, ...] = ()) -> HTMLResponse:
    context: dict[str, Any] = {
        "object_type": object_of(work, object_key),
        "record_id": record_id,
        "comment_id": comment_id,
    }
    return fragment(request, work, "parts/comment_edit.html", status=422 if problems else 200, typed=text, problems=problems, **context)


@router.get("/o/{object_key}/{record_id:int}/people", response_class=HTMLResponse)
def people_to_mention(request: Request, object_key: str, record_id: Id, q: str = "") -> HTMLResponse:
    """Whom a comment may mention, for the picker behind an "@"."""
    with reading(request) as work:
        object_of(work, object_key)
        found = comments.people_to_mention(work, object_key, record_id, q[:60])
        return fragment(request, work, "parts/people.html", found=found)


@router.post("/o/{object_key}/{record_id:int}/seen")
def seen(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    """The person looked at these comments."""
    ids = [i for i in (whole(part) for part in only(form, "ids")["ids"].split(",")[:SEEN_AT_ONCE]) if i is not None]
    with writing(request) as work:
        object_of(work, object_key)
        records.get(work, object_key, record_id)
        comments.seen(work, object_key, record_id, ids)
    return Response(status_code=204)


@router.post("/mentions/seen")
def all_seen(request: Request) -> Response:
    with writing(request) as work:
        comments.all_seen(work)
    return RedirectResponse("/", 303)


AREA = Area(router)
