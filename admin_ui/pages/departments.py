"""Settings: the organisation's departments."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, reading, to, writing
from admin_ui.pages.settings import tabs_of
from admin_ui.posted import posted
from admin_ui.render import page
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.access import departments as access

router = APIRouter(include_in_schema=False)
BLANK = {"key": "", "title_zh": "", "title_en": "", "parent": ""}


def _page(request: Request, work: Work, problems: tuple[Problem, ...] = (), typed: Mapping[str, str] | None = None, editing: str = "") -> HTMLResponse:
    return page(
        request, work, "pages/departments.html", area="settings", status=422 if problems else 200, problems=problems, typed={**BLANK, **(typed or {})},
        blank=BLANK, editing=editing, departments=access.departments(work), heads=access.heads(work), tabs=tabs_of(work), tab="departments",
    )  # fmt: skip


@router.get("/settings/departments", response_class=HTMLResponse)
def departments_page(request: Request, edit: str = "") -> HTMLResponse:
    with reading(request, "people") as work:
        return _page(request, work, editing=edit)


@router.post("/settings/departments", response_class=HTMLResponse)
def add(request: Request, form: Form) -> Response:
    typed = posted(form)
    try:
        with writing(request, "people") as work:
            access.add_department(work, typed.get("key", ""), _title(typed), typed.get("parent", ""))
    except Invalid as refused:
        with reading(request, "people") as work:
            return _page(request, work, refused.problems, typed)
    return to(request, "/settings/departments")


@router.post("/settings/departments/{key}", response_class=HTMLResponse)
def change(request: Request, key: str, form: Form) -> Response:
    typed = posted(form)
    try:
        with writing(request, "people") as work:
            access.change_department(work, key, _title(typed), typed.get("parent", ""), bool(typed.get("open")))
    except Invalid as refused:
        with reading(request, "people") as work:
            return _page(request, work, refused.problems, {**typed, "key": key}, key)
    return to(request, "/settings/departments")


def _title(typed: Mapping[str, str]) -> Text:
    return Text(typed.get("title_zh", ""), typed.get("title_en", ""))


AREA = Area(router)
