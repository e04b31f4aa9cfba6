"""Where a request becomes a unit of work, for pages and for the API: who asks, in which language, under which release; one transaction each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import sqlalchemy as sa
from fastapi import Path, Query, Request

from server.clock import now
from server.errors import AppError, NotSignedIn, Text
from server.feature import SYSTEM, Actor, Work
from server.features.access import roles, sessions
from server.features.access.people import LOCALES
from server.settings import Settings
from server.storage.session import Database

LOCALE_COOKIE = "weatherglass_locale"

# Numbers in addresses, within what the databases hold: beyond there is no such record.
Id = Annotated[int, Path(ge=0, le=2**63 - 1)]
Asked = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
ReleaseNumber = Annotated[int, Path(ge=0, le=2**31 - 1)]


class BadMedia(AppError):
    """The body is not of a kind that this address takes."""

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
    return accepted_locale(request) or _settings(request).locale


def accepted_locale(request: Request) -> str:
    """The first of our languages in Accept-Language; "" when it names none."""
    for part in request.headers.get("accept-language", "").split(","):
        language = part.split(";")[0].strip().lower()
        if language.startswith("zh"):
            return "zh_CN"
        if language.startswith("en"):
            return "en"
    return ""


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


@contextmanager
def reading(request: Request, capability: str | None = None, *, cause: str = "form") -> Iterator[Work]:
    """Only looks: a consistent snapshot, as the signed-in person. Refuses who lacks the capability."""
    database: Database = request.app.state.database
    with database.read() as connection:
        work, keep = _signed_in(request, connection, cause)
        if capability:
            roles.require(work, capability)
        yield work
    if keep:
        with database.write() as connection:
            sessions.touch(connection, token_of(request), now())


@contextmanager
def writing(request: Request, capability: str | None = None, *, cause: str = "form", brief: bool = True) -> Iterator[Work]:
    """Changes something: committed when the block ends, nothing is kept when it raises. `brief`: takes milliseconds."""
    database: Database = request.app.state.database
    with database.write(brief=brief) as connection:
        work, keep = _signed_in(request, connection, cause)
        if keep:
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


def _signed_in(request: Request, connection: sa.Connection, cause: str) -> tuple[Work, bool]:
    """With whether the session is to be kept from running out."""
    settings = _settings(request)
    holder = sessions.holder(connection, token_of(request), now(), settings.session_hours)
    if holder is None:
        raise NotSignedIn(Text("请先登录", "Please sign in"))
    return _work(request, connection, holder.actor, cause), holder.touch_due


def _work(request: Request, connection: sa.Connection, actor: Actor, cause: str = "form") -> Work:
    state = request.app.state
    return Work(connection, actor, state.catalogs(connection), now(), _settings(request).zone, state.hooks, cause)
