"""Signing in and out, and the switch of language."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area
from admin_ui.edge import DAYS_KEPT, LOCALE_COOKIE, Form, anonymous, local_path, locale_of, only, session_cookie, to, token_of, writing
from admin_ui.render import bare
from server.errors import AppError, NotSignedIn, Text
from server.features.access import people, sessions
from server.features.access.people import LOCALES
from server.settings import Settings

router = APIRouter(include_in_schema=False)
YEAR = 365 * 86400


@router.get("/login", response_class=HTMLResponse)
def login_page(request: Request, next: str = "/") -> Response:
    with anonymous(request) as work:
        if people.needs_setup(work.session):
            return to(request, "/setup")
        return bare(request, work.actor.locale, "pages/login.html", username="", refusal=None, next=local_path(next))


@router.post("/login", response_class=HTMLResponse)
def login(request: Request, form: Form) -> Response:
    values = only(form, "username", "password", "next")
    return signed_in(request, values["username"], values["password"], local_path(values["next"]))


def signed_in(request: Request, username: str, password: str, next_path: str) -> Response:
    """Compare outside the writing transaction (a hash takes its time on purpose), then begin the session."""
    settings: Settings = request.app.state.settings
    address = request.client.host if request.client else ""
    with anonymous(request) as work:
        tried = sessions.attempt(work, username, password, address)
    with anonymous(request, write=True) as work:
        outcome = sessions.finish(work, tried)
    if not outcome.token:
        status = 429 if outcome.wait_seconds else 401
        return bare(request, locale_of(request), "pages/login.html", status=status, username=username, refusal=outcome.refusal, next=next_path)
    response = RedirectResponse(next_path, 303)
    response.set_cookie(session_cookie(request), outcome.token, max_age=DAYS_KEPT * 86400, httponly=True, samesite="lax", secure=settings.secure_cookies)
    return response


@router.post("/logout")
def logout(request: Request) -> Response:
    response = RedirectResponse("/login", 303)
    try:
        with writing(request) as work:
            sessions.logout(work, token_of(request))
    except NotSignedIn:
        pass
    response.delete_cookie(session_cookie(request), httponly=True, samesite="lax", secure=request.app.state.settings.secure_cookies)
    return response


@router.post("/locale")
def switch_language(request: Request, form: Form) -> Response:
    """For the person when signed in, and for this browser in any case."""
    values = only(form, "locale", "back")
    if values["locale"] not in LOCALES:
        raise AppError(Text("没有这种语言", "There is no such language"))
    try:
        with writing(request) as work:
            people.set_locale(work, values["locale"])
    except NotSignedIn:
        pass
    response = RedirectResponse(local_path(values["back"]), 303)
    response.set_cookie(LOCALE_COOKIE, values["locale"], max_age=YEAR, samesite="lax", secure=request.app.state.settings.secure_cookies)
    return response


AREA = Area(router)
