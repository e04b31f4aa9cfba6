"""Refusals and bugs as pages in the reader's language; a part of a page gets a part."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from admin_ui.edge import anonymous, is_htmx, locale_of, reading
from admin_ui.guard import SECURITY_HEADERS
from admin_ui.render import bare, page
from server.errors import AppError, Invalid, NotSignedIn, Text, Unavailable
from server.features.access import people
from server.features.files.limits import size_text

log = logging.getLogger("weatherglass")

SENTENCES = {
    400: Text("请求无法理解", "The request could not be understood"),
    403: Text("没有权限进行此操作", "You are not allowed to do this"),
    404: Text("没有这个页面或记录", "There is no such page or record"),
    405: Text("这个地址不接受这种请求", "This address does not take this kind of request"),
    413: Text("内容太大", "The content is too large"),
    415: Text("只接受表单数据", "Only form data is accepted here"),
    422: Text("地址中的参数有误", "Something in the address is wrong"),
    500: Text("服务器出了错，已记录", "Something went wrong on our side; it was logged"),
}
HINTS = {
    404: Text("它可能已被删除，或者您无权查看。", "It may have been deleted, or you may not be allowed to see it."),
    500: Text("请重试；仍然出错时请告诉管理员出错的时间。", "Try again; if it persists tell your administrator the time it happened."),
}


def answer(request: Request, error: Exception) -> Response:
    """Any exception that ends a request of a page, as an answer."""
    if isinstance(error, NotSignedIn):
        return _not_signed_in(request)
    if isinstance(error, AppError):
        return refusal(request, error.status, error.message, error.hint, error.problems if isinstance(error, Invalid) else ())
    if isinstance(error, HTTPException):
        return _http(request, error)
    if isinstance(error, RequestValidationError):
        return refusal(request, 422, SENTENCES[422], None)
    return _bug(request, error)


def _not_signed_in(request: Request) -> Response:
    with anonymous(request) as work:
        place = "/setup" if people.needs_setup(work.session) else "/login"
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    comes_back = request.method == "GET" or request.url.path.endswith(("/new", "/edit"))  # a form that was sent too late is opened again: its draft is kept
    if place == "/login" and comes_back and back != "/" and not is_htmx(request):
        place += "?next=" + quote(back, safe="")
    if is_htmx(request) and request.url.path.endswith(("/form/live", "/form/draft")):
        return HTMLResponse("", 401)  # nobody is torn out of a form that is being filled in; it says that the session has ended
    if is_htmx(request):
        return HTMLResponse("", 401, headers={"HX-Redirect": place})
    return RedirectResponse(place, 303)


def _http(request: Request, error: HTTPException) -> Response:
    response = refusal(request, error.status_code, SENTENCES.get(error.status_code, SENTENCES[400]), HINTS.get(error.status_code))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _bug(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    locale = locale_of(request)
    sentence, hint = SENTENCES[500].of(locale), HINTS[500].of(locale)
    return PlainTextResponse(f"{sentence}\n{hint}\n", 500, headers=SECURITY_HEADERS)


def refusal(request: Request, status: int, message: Text, hint: Text | None = None, problems: tuple[object, ...] = ()) -> Response:
    """For htmx a note in the corner, else a page in the shell (bare when nobody is signed in)."""
    context: dict[str, Any] = {"message": message, "hint": hint, "problems": problems, "code": status}
    if is_htmx(request):
        response = bare(request, locale_of(request), "parts/refusal.html", status=status, **context)
        response.headers["HX-Retarget"] = "#notes"
        response.headers["HX-Reswap"] = "beforeend"
        return response
    if status != Unavailable.status:
        with _perhaps(), reading(request) as work:
            return page(request, work, "pages/error.html", status=status, **context)
    return bare(request, locale_of(request), "pages/error.html", status=status, **context)


@contextmanager
def _perhaps() -> Iterator[None]:
    """Nobody signed in, or no release that can be read: the page stands without its shell."""
    try:
        yield
    except AppError:
        pass


def plain_refusal(request: Request, status: int, limit: int) -> Response:
    """A refusal before any page was reached. `limit`: bytes this address takes."""
    hint = Text("这个请求来自另一个网站，没有执行。", "This request came from another site; nothing was done.") if status == 403 else HINTS.get(status)
    if status == 413:
        most = size_text(limit)
        hint = Text(f"这里一次最多提交 {most}。", f"At most {most} may be sent here at once.")
    return refusal(request, status, SENTENCES[status], hint)
