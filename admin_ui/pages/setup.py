"""The very first page: the first administrator, and the shipped template when nothing is published yet."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, anonymous, as_system, locale_of, only, to
from admin_ui.pages.login import signed_in
from admin_ui.render import bare
from server.config.publish import publish_first
from server.errors import Conflict, Invalid, Problem, Text
from server.features.access import people

router = APIRouter(include_in_schema=False)


@router.get("/setup", response_class=HTMLResponse)
def setup_page(request: Request) -> Response:
    with anonymous(request) as work:
        if not people.needs_setup(work.session):
            return to(request, "/login")
        return bare(request, work.actor.locale, "pages/setup.html", values={}, problems={})


@router.post("/setup", response_class=HTMLResponse)
def set_up(request: Request, form: Form) -> Response:
    values = only(form, "username", "name", "password", "again")
    with anonymous(request) as work:
        if not people.needs_setup(work.session):
            raise Conflict(Text("已经设置过管理员，请直接登录", "The administrator was already made; please sign in"))
        empty = work.catalog.release == 0
    try:
        if values["password"] != values["again"]:
            raise Invalid([Problem("again", Text("两次输入的密码不同", "The two passwords differ"))])
        if empty:
            with as_system(request) as work:
                publish_first(work, request.app.state.settings.template)
        with anonymous(request, write=True) as work:
            people.first_admin(work, values["username"], values["name"] or values["username"], values["password"], work.actor.locale)
    except Invalid as refused:
        problems = {p.path: p for p in reversed(refused.problems)}
        shown = {k: v for k, v in values.items() if k in {"username", "name"}}
        return bare(request, locale_of(request), "pages/setup.html", status=422, values=shown, problems=problems)
    return signed_in(request, values["username"], values["password"], "/")


AREA = Area(router)
