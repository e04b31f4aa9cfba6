"""The studio's door for outside JSON Schemas: pasted or read from a file, they become draft objects, or are told where they cannot."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.documents import document_url
from admin_ui.edge import reading, writing
from admin_ui.posted import posted
from admin_ui.render import page
from server.config import drafts
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.objects.outside.importing import import_schema
from server.features.objects.outside.making import key_of

router = APIRouter(include_in_schema=False)
AREA = Area(router)
LONGEST = 2_000_000


@router.get("/studio/import", response_class=HTMLResponse)
def import_page(request: Request) -> HTMLResponse:
    with reading(request, "studio") as work:
        return _page(request, work, {})


@router.post("/studio/import", response_class=HTMLResponse)
def import_it(request: Request, form: Mapping[str, str] = Depends(posted)) -> Response:
    text, title = form.get("schema", "")[:LONGEST], form.get("title", "").strip()
    key = form.get("key", "").strip() or key_of(title)
    try:
        with writing(request, "studio") as work:
            catalog = drafts.draft_catalog(work)
            made = import_schema(text, key, catalog, title)
            taken = [b["key"] for b in made.bodies if catalog.document("object", b["key"])]
            if made.problems or taken:
                raise Invalid([*made.problems, *(_taken(k) for k in taken)])
            for body in made.bodies:
                drafts.save_draft(work, "object", body["key"], body)
    except Invalid as refused:
        with reading(request, "studio") as work:
            return _page(request, work, form, refused.problems)
    return RedirectResponse(document_url("object", made.bodies[0]["key"]), 303)


def _taken(key: str) -> Problem:
    return Problem("/key", Text(f"已有对象“{key}”", f"There is an object “{key}” already"), Text("换一个键", "Choose another key"), code="taken")


def _page(request: Request, work: Work, form: Mapping[str, str], problems: Sequence[Problem] = ()) -> HTMLResponse:
    return page(request, work, "pages/schema_import.html", area="studio", status=422 if problems else 200, form=form, problems=problems)
