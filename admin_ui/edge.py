"""Where a request becomes a unit of work: who asks, in which language, under which release; one transaction each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from admin_ui.render import LOCALES
from server.clock import now
from server.errors import AppError, NotSignedIn, Text
from server.feature import SYSTEM, Actor, Work
from server.features.access import roles, sessions
from server.registry import HOOKS
from server.settings import Settings
from server.storage.session import Database

LOCALE_COOKIE = "weatherglass_locale"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
FORM_FIELDS, FORM_FILES = 20_000, 0  # the form of a large object document has thousands of small inputs; the body limit holds before this
DAYS_KEPT = 7


# Numbers in addresses, within what the databases hold: beyond there is no such record.
Id = Annotated[int, Path(ge=0, le=2**63 - 1)]
Asked = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
ReleaseNumber = Annotated[int, Path(ge=0, le=2**31 - 1)]


class BadMedia(AppError):
    status = 415


def session_cookie(request: Request) -> str:
    return "__Host-weatherglass" if _settings(request).secure_cookies else "weatherglass_session"


def token_of(request: Request) -> str:
    return request.cookies.get(session_cookie(request), "")


def locale_of(request: Request) -> str:
    """The language before somebody is known: the switch, then what the browser prefers, then the setting."""
    chosen = request.cookies.get(LOCALE_COOKIE)
    if chosen in LOCALES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        language = part.split(";")[0].strip().lower()
        if language.startswith("zh"):
            return "zh_CN"
        if language.startswith("en"):
            return "en"
    return _settings(request).locale


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


@contextmanager
def reading(request: Request, capability: str | None = None) -> Iterator[Work]:
    """A page that only looks: a consistent snapshot, as the signed-in person. Refuses who lacks the capability."""
    database: Database = request.app.state.database
    keep = False
    with database.read() as connection:
        work = _signed_in(request, connection)
        keep = sessions.touch_due(connection, token_of(request), work.now)
        if capability:
            roles.require(work, capability)
        yield work
    if keep:
        with database.write() as connection:
            sessions.touch(connection, token_of(request), now())


@contextmanager
def writing(request: Request, capability: str | None = None) -> Iterator[Work]:
    """A page that changes something: committed when the block ends, nothing is kept when it raises."""
    database: Database = request.app.state.database
    with database.write() as connection:
        work = _signed_in(request, connection)
        sessions.touch(connection, token_of(request), work.now)
        if capability:
            roles.require(work, capability)
        yield work


@contextmanager
def anonymous(request: Request, *, write: bool = False) -> Iterator[Work]:
    """Work of nobody: sign-in and set-up. It has no rights."""
    database: Database = request.app.state.database
    with database.write() if write else database.read() as connection:
        yield _work(request, connection, Actor("", "", (), locale_of(request)))


@contextmanager
def as_system(request: Request) -> Iterator[Work]:
    """The product's own work, e.g. publishing the shipped template at first start."""
    database: Database = request.app.state.database
    with database.write() as connection:
        yield _work(request, connection, replace(SYSTEM, locale=locale_of(request)))


def _signed_in(request: Request, connection: Any) -> Work:
    settings = _settings(request)
    actor = sessions.actor_of(connection, token_of(request), now(), settings.session_hours)
    if actor is None:
        raise NotSignedIn(Text("请先登录", "Please sign in"))
    return _work(request, connection, actor)


def _work(request: Request, connection: Any, actor: Actor) -> Work:
    return Work(connection, actor, request.app.state.catalogs(connection), now(), _settings(request).zone, HOOKS)


def is_partial(request: Request) -> bool:
    """htmx asks for a part of a page."""
    return request.headers.get("hx-request-type") == "partial"


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def to(request: Request, path: str) -> Response:
    """After a write: look at the result."""
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)


def local_path(path: str, default: str = "/") -> str:
    """A path inside this site, or the default: nobody is sent elsewhere after signing in."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(c < " " or c == "\\" for c in path):
        return default
    return path


async def read_form(request: Request) -> FormData:
    """The posted form. Other kinds of bodies are refused before they are read."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media and media not in FORM_TYPES:
        raise BadMedia(Text("只接受表单数据", "Only form data is accepted here"))
    return await request.form(max_fields=FORM_FIELDS, max_files=FORM_FILES)


Form = Annotated[FormData, Depends(read_form)]


def texts(form: FormData) -> dict[str, str]:
    """The form as text, the last of each name."""
    return {key: value for key, value in form.items() if isinstance(value, str)}


def only(form: FormData, *names: str) -> Mapping[str, Any]:
    """Some members of a form; what was not sent is empty."""
    values = texts(form)
    return {name: values.get(name, "") for name in names}
