"""Forms that anybody with the link may fill in, without signing in: the form, its live rules, sending, thanks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, anonymous, only
from admin_ui.pages.record_forms import live_parts
from admin_ui.record_forms import build, raw_of
from admin_ui.render import bare, fragment
from server.errors import Invalid, Problem
from server.feature import Work
from server.features.forms import links
from server.features.forms import service as forms
from server.features.forms.engine import Plan
from server.features.forms.links import Link
from server.features.objects.kind import ObjectType

router = APIRouter(include_in_schema=False)
TRAP = "_website"  # people do not see this input; what fills it in is a robot


@contextmanager
def visiting(request: Request, token: str, *, write: bool = False) -> Iterator[tuple[Work, Link]]:
    """Work of somebody who came by a public link: with the rights of that link and no others, whoever may be signed in."""
    with anonymous(request, write=write) as work:
        link = links.opened(work, token)
        yield replace(work, actor=links.visitor(work, link)), link


@router.get("/f/{token}", response_class=HTMLResponse)
def public_form(request: Request, token: str) -> HTMLResponse:
    with visiting(request, token) as (work, link):
        return _page(request, work, link, {})


@router.post("/f/{token}", response_class=HTMLResponse)
def send(request: Request, token: str, form: Form) -> Response:
    address = request.client.host if request.client else ""
    try:
        with visiting(request, token, write=True) as (work, link):
            if only(form, TRAP)[TRAP]:
                links.trapped(work, link, address)
            else:
                links.send(work, link, raw_of(_object(work, link), form), address)
    except Invalid as refused:
        with visiting(request, token) as (work, link):
            return _page(request, work, link, raw_of(_object(work, link), form), refused.problems)
    return RedirectResponse(f"/f/{token}/thanks", 303)


@router.get("/f/{token}/thanks", response_class=HTMLResponse)
def thanks(request: Request, token: str) -> HTMLResponse:
    with visiting(request, token) as (work, link):
        return bare(request, work.actor.locale, "pages/public_thanks.html", form_type=link.form)


@router.post("/f/{token}/live", response_class=HTMLResponse)
def live(request: Request, token: str, form: Form) -> HTMLResponse:
    with visiting(request, token) as (work, link):
        return live_parts(request, work, _object(work, link), _plan(work, link), form, source=f"/f/{token}/options")


@router.get("/f/{token}/options", response_class=HTMLResponse)
def options(request: Request, token: str, into: str = "") -> HTMLResponse:
    """Records of an offered reference, by name."""
    with visiting(request, token) as (work, link):
        text = request.query_params.get("_q_" + into, "").strip()[:100]
        found = links.offers(work, link, into, text)
        object_type = _object(work, link)
        return fragment(request, work, "parts/options.html", found=found, into=into, object_type=object_type, q=text, may_create=False)


def _object(work: Work, link: Link) -> ObjectType:
    assert link.form is not None
    found: ObjectType = work.catalog.get("object", link.form.object)
    return found


def _plan(work: Work, link: Link) -> Plan:
    assert link.form is not None
    return forms.named(forms.public_plan(work, _object(work, link), link.form), link.preset)


def _page(request: Request, work: Work, link: Link, raw: dict[str, Any], problems: tuple[Problem, ...] = ()) -> HTMLResponse:
    object_type, plan = _object(work, link), _plan(work, link)
    state, _ = forms.state(work, object_type, plan, raw or forms.start(plan, {}))
    made = build(work, object_type, plan, state, problems, is_new=True, source=f"/f/{link.token}/options")
    status = 422 if problems else 200
    return bare(request, work.actor.locale, "pages/public_form.html", status=status, form=made, form_type=link.form, token=link.token, trap=TRAP)


AREA = Area(router)
