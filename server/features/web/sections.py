"""Routers behind one pattern each: without it a request is held against the pattern of every page and every address of the API, one by one."""

import re

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send


class Section(BaseRoute):
    """What was included, asked only for paths that one of its own fits."""

    def __init__(self, included: BaseRoute, paths: re.Pattern[str]) -> None:
        self.included, self.paths = included, paths

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return self.included.matches(scope) if self.paths.match(path) else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.included.handle(scope, receive, send)


def include(app: FastAPI, router: APIRouter, prefix: str = "") -> None:
    """Like `app.include_router`; the router holds routes alone, no routers."""
    paths = "|".join(_unnamed(route) for route in router.routes)
    app.include_router(router, prefix=prefix)
    app.router.routes[-1] = Section(app.router.routes[-1], re.compile(f"{re.escape(prefix)}(?:{paths})"))


def _unnamed(route: BaseRoute) -> str:
    assert isinstance(route, Route), route
    return re.sub(r"\(\?P<\w+>", "(?:", route.path_regex.pattern.removeprefix("^"))
