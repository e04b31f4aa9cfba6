"""Refusals of the API as problem details (RFC 9457), in the reader's language: what, where (a JSON pointer into the body, or a parameter), and what to do."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from server.errors import AppError, Invalid, NotSignedIn, Problem, Stale, Text, Unavailable
from server.features.web.edge import accepted_locale, locale_of

log = logging.getLogger("weatherglass")
MEDIA = "application/problem+json"
PREFIX = "/api"


@dataclass(frozen=True)
class Kind:
    """One sort of refusal: `code` is stable and names its part of the help page."""

    status: int
    code: str
    title: Text


KINDS = (
    Kind(400, "malformed", Text("请求无法理解", "The request could not be understood")),
    Kind(401, "not_signed_in", Text("没有登录", "Nobody is signed in")),
    Kind(403, "forbidden", Text("没有权限", "Not allowed")),
    Kind(404, "not_found", Text("没有这个地址或记录", "There is no such address or record")),
    Kind(405, "method", Text("这个地址不接受这种方法", "This address does not take this method")),
    Kind(409, "conflict", Text("与现状冲突", "Conflicts with how things stand")),
    Kind(412, "stale", Text("记录已被别人修改", "The record was changed meanwhile")),
    Kind(413, "too_large", Text("内容太大", "The content is too large")),
    Kind(415, "media_type", Text("不接受这种内容类型", "This kind of content is not taken here")),
    Kind(422, "invalid", Text("输入有误，没有保存", "The input has problems; nothing was saved")),
    Kind(428, "precondition", Text("缺少 If-Match", "If-Match is missing")),
    Kind(429, "too_many", Text("请求太多", "Too many requests")),
    Kind(500, "internal", Text("服务器出了错，已记录", "Something went wrong on our side; it was logged")),
    Kind(503, "unavailable", Text("暂时不可用", "Not available at present")),
)
BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in KINDS}
SENTENCES: Mapping[int, tuple[Text, Text | None]] = {
    403: (Text("这个请求来自另一个网站，没有执行", "This request came from another site; nothing was done"), None),
    404: (BY_STATUS[404].title, Text("地址列在 /help/api", "The addresses are listed at /help/api")),
    405: (BY_STATUS[405].title, Text("可用的方法在 Allow 头里", "The Allow header lists those it takes")),
    413: (Text("请求体超过上限", "The body is over the limit"), Text("分几次发送", "Send it in several parts")),
    500: (BY_STATUS[500].title, Text("请重试；仍然出错时请告诉管理员出错的时间", "Try again; if it persists tell your administrator the time it happened")),
}


class Malformed(AppError):
    """What came is not what the protocol says: broken JSON, an unreadable header."""

    status = 400


class PreconditionRequired(AppError):
    """A change that does not say which version it changes."""

    status = 428


class TooMany(AppError):
    status = 429

    def __init__(self, message: Text, wait: int) -> None:
        super().__init__(message, Text(f"请 {wait} 秒后再试", f"Try again in {wait} seconds"))
        self.wait = wait


def is_api(path: str) -> bool:
    return path == PREFIX or path.startswith(PREFIX + "/")


def reply_locale(request: Request) -> str:
    """What the caller accepts; a caller who does not say gets the language of the person or the setting."""
    return accepted_locale(request) or getattr(request.state, "locale", "") or locale_of(request)


def answer(request: Request, error: Exception) -> Response:
    """Any exception that ends a request of the API, as an answer."""
    if isinstance(error, AppError):
        problems = error.problems if isinstance(error, Invalid) else ()
        response = refusal(request, status_of(error), error.message, error.hint, problems)
        if isinstance(error, TooMany):
            response.headers["retry-after"] = str(error.wait)
        if isinstance(error, Unavailable):
            response.headers["retry-after"] = "3"
        if isinstance(error, NotSignedIn):
            response.headers["www-authenticate"] = 'Session realm="Weatherglass"'
        return response
    if isinstance(error, HTTPException):
        response = plain_refusal(request, error.status_code)
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        if error.status_code == 405:
            response.headers["allow"] = ", ".join(_methods(request))
        return response
    if isinstance(error, RequestValidationError):  # only numbers in paths are left to FastAPI
        return plain_refusal(request, 404)
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return plain_refusal(request, 500)


def _methods(request: Request) -> list[str]:
    """All that this address takes; the router itself knows only those of the first route that fits."""
    routes: Iterable[APIRoute] = request.app.state.api_routes
    path = request.url.path.removeprefix(PREFIX)
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods or ()})


def status_of(error: AppError) -> int:
    return 412 if isinstance(error, Stale) else error.status


def plain_refusal(request: Request, status: int) -> Response:
    sentence, hint = SENTENCES.get(status, (BY_STATUS.get(status, BY_STATUS[400]).title, None))
    return refusal(request, status, sentence, hint)


def refusal(request: Request, status: int, message: Text, hint: Text | None = None, problems: Iterable[Problem] = ()) -> Response:
    locale = reply_locale(request)
    body = details(status, message, hint, problems, locale, request.url.path)
    language = "zh-CN" if locale.startswith("zh") else "en"
    return Response(encoded(body), status, media_type=MEDIA, headers={"content-language": language, "vary": "Accept-Language"})


def details(status: int, message: Text, hint: Text | None, problems: Iterable[Problem], locale: str, instance: str = "", at: str = "") -> dict[str, Any]:
    """A problem object. `at`: the pointer to the part of the body that the problems' paths begin from."""
    kind = BY_STATUS.get(status, BY_STATUS[400])
    body: dict[str, Any] = {"type": f"/help/api#{kind.code}", "title": kind.title.of(locale), "status": status, "detail": message.of(locale), "code": kind.code}
    if hint:
        body["hint"] = hint.of(locale)
    if instance:
        body["instance"] = instance
    found = [place(p, locale, at) for p in problems]
    if found:
        body["errors"] = found
    return body


def place(problem: Problem, locale: str, at: str = "") -> dict[str, Any]:
    """One finding. A path "?limit" is a parameter of the address, else it is a pointer into the body."""
    where: dict[str, Any] = {"parameter": problem.path[1:]} if problem.path.startswith("?") else {"pointer": at + pointer(problem.path)}
    said = {"code": problem.code or "invalid", "detail": problem.message.of(locale)}
    span = {} if problem.start is None else {"start": problem.start, "end": problem.end}
    return {**where, **said, **span, **({"hint": problem.hint.of(locale)} if problem.hint else {}), "severity": problem.severity}


def pointer(path: str) -> str:
    return path if not path or path.startswith("/") else "/" + path.replace("~", "~0").replace("/", "~1")


def encoded(value: Any) -> bytes:
    """JSON as UTF-8. Half characters that a caller sent are written as escapes: an answer can always be sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "backslashreplace")
