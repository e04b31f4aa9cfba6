"""Settings: the public links of forms: made, looked at, copied, revoked."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, Id, reading, texts, to, writing
from admin_ui.pages.settings import tabs_of
from admin_ui.posted import whole
from admin_ui.render import page
from server.errors import Invalid, Problem, Text
from server.feature import Work
from server.features.access import people
from server.features.forms import links
from server.features.forms.kind import FormType
from server.features.records.reading import reference_names

router = APIRouter(include_in_schema=False)
DAYS = 90  # a new link is open for, unless another day is chosen


@router.get("/settings/forms", response_class=HTMLResponse)
def links_page(request: Request, form: str = "") -> HTMLResponse:
    """`form`: the one a new link is made for; further parameters name the records it is about."""
    with reading(request, links.CAPABILITY) as work:
        chosen = next((f for f in links.public_forms(work) if f.key == form), None)
        typed: dict[str, str] = dict(request.query_params) | ({"title": _title(work, chosen, request.query_params)} if chosen else {})
        typed.setdefault("expires_on", (work.at.today + timedelta(days=DAYS)).isoformat())
        return _page(request, work, chosen, typed)


@router.post("/settings/forms", response_class=HTMLResponse)
def make(request: Request, form: Form) -> Response:
    typed = texts(form)
    try:
        with writing(request, links.CAPABILITY) as work:
            links.make(work, typed.get("form", ""), typed.get("title", ""), _day(typed), _most(typed), typed)
    except Invalid as refused:
        with reading(request, links.CAPABILITY) as work:
            chosen = next((f for f in links.public_forms(work) if f.key == typed.get("form")), None)
            return _page(request, work, chosen, typed, refused.problems)
    return to(request, "/settings/forms")


@router.post("/settings/forms/{link_id:int}/revoke")
def revoke(request: Request, link_id: Id) -> Response:
    with writing(request, links.CAPABILITY) as work:
        links.revoke(work, link_id)
    return to(request, "/settings/forms")


def _day(typed: Mapping[str, str]) -> date | None:
    text = typed.get("expires_on", "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid([Problem("expires_on", Text("不是日期，请用 年-月-日", "Not a date; write year-month-day"))]) from None


def _most(typed: Mapping[str, str]) -> int | None:
    text = typed.get("most", "").strip()
    return (whole(text) or 0) if text else None


def _title(work: Work, form: FormType, parameters: Mapping[str, str]) -> str:
    """The form's name and the record that the link is for."""
    names = [name for key in parameters for name in _names(work, form, key, parameters[key])]
    return " · ".join([form.title.of(work.actor.locale), *names])


def _names(work: Work, form: FormType, key: str, text: str) -> list[str]:
    field = next((f for f in links.named_by_link(work, form) if f.key == key), None)
    return list(reference_names(work, field.reference, [whole(text) or 0]).values()) if field else []


def _page(request: Request, work: Work, chosen: FormType | None, typed: Mapping[str, str], problems: tuple[Problem, ...] = ()) -> HTMLResponse:
    by_field: dict[str, list[Problem]] = {}
    for problem in problems:
        by_field.setdefault(problem.path, []).append(problem)
    context: dict[str, Any] = {
        "links": links.links(work),
        "forms": links.public_forms(work),
        "chosen": chosen,
        "named": [(f, (_names(work, chosen, f.key, typed.get(f.key, "")) or [""])[0]) for f in links.named_by_link(work, chosen)] if chosen else [],
        "typed": typed,
        "wrong": by_field,
        "base": str(request.base_url).rstrip("/"),
        "people": people.user_names(work),
        "tabs": tabs_of(work),
        "tab": "forms",
    }
    return page(request, work, "pages/form_links.html", area="settings", status=422 if problems else 200, **context)


AREA = Area(router)
