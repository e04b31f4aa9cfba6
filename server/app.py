"""The composition root: settings, database, catalogs, pages, guards in one application.

`uvicorn --factory server.app:create_app` runs it; the command `weatherglass serve` does the same.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from admin_ui import errors
from admin_ui.guard import BodyLimits, BoundedBodies, Guard
from admin_ui.live import Live
from admin_ui.registry import PAGES
from admin_ui.render import STATIC, Renderer
from server import settings as settings_module
from server.config.releases import Catalogs
from server.errors import AppError, Unavailable
from server.features.audit.sealer import Sealer
from server.features.files.sweeper import Sweeper
from server.features.notifications.delivery import Courier
from server.features.notifications.outgoing import Outside
from server.features.objects.service import renew_indexes
from server.features.web import problems
from server.features.web.calls import Rate
from server.features.web.sections import include
from server.jobs.background import Background
from server.registry import FEATURES, HOOKS, KINDS
from server.settings import Settings
from server.storage.blobs import BlobStore
from server.storage.migrate import upgrade
from server.storage.session import Database, is_away
from server.worker import job_house

log = logging.getLogger("weatherglass")


class VersionedFiles(StaticFiles):
    """Files whose address changes with their content are kept by browsers for good, others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = path.startswith("vendor/") or scope["query_string"].startswith(b"v=")
        if response.status_code in {200, 304}:
            response.headers["cache-control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    settings = settings or settings_module.load()
    app = FastAPI(title="Weatherglass", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.settings = settings
    app.state.database = database or Database(settings.database_url)
    app.state.catalogs = Catalogs(KINDS)
    app.state.areas = PAGES
    app.state.files = _file_store(settings)
    app.state.renderer = Renderer(settings.zone)
    app.state.hooks = HOOKS
    app.state.rate = Rate(settings.api_rate)
    app.state.outside = Outside(settings.allowed_hosts, settings.public_url.rstrip("/"))
    app.state.live = Live(app.state.database, settings.session_hours)
    for kind in (AppError, HTTPException, RequestValidationError, sa.exc.DBAPIError, sa.exc.TimeoutError, Exception):
        app.add_exception_handler(kind, _refused)
    app.get("/healthz")(_alive)
    app.get("/readyz")(_ready)
    for area in PAGES:
        include(app, area.router)
    apis = [feature.api for feature in FEATURES if feature.api is not None]
    app.state.api_routes = tuple(route for api in apis for route in api.routes if isinstance(route, APIRoute))
    for api in apis:
        include(app, api, problems.PREFIX)
    app.mount("/static", VersionedFiles(directory=Path(STATIC)), name="static")
    limits = BodyLimits(settings.body_limit, {prefix: getattr(settings, name) for area in PAGES for prefix, name in area.body_limits.items()})
    app.add_middleware(BoundedBodies, limits=limits)
    app.add_middleware(Guard, limits=limits, refuse=_turned_away, secure=settings.secure_cookies)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    return app


def _file_store(settings: Settings) -> BlobStore:
    try:
        return BlobStore(settings.files_location)
    except (ImportError, ValueError) as error:
        raise SystemExit(f"setting WEATHERGLASS_FILES: {error}") from error


def _refused(request: Request, error: Exception) -> Response:
    """Callers of the API get problem details, people get pages."""
    if is_away(error):
        log.warning("%s %s: %s", request.method, request.url.path, str(getattr(error, "orig", error)).strip())
        error = Unavailable()
    return problems.answer(request, error) if problems.is_api(request.url.path) else errors.answer(request, error)


def _turned_away(request: Request, status: int, limit: int) -> Response:
    return problems.plain_refusal(request, status) if problems.is_api(request.url.path) else errors.plain_refusal(request, status, limit)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    await run_in_threadpool(upgrade, app.state.database)
    await run_in_threadpool(renew_indexes, app.state.database, app.state.catalogs)
    sealer = Sealer(app.state.database)
    sweeper = Sweeper(app.state.database, app.state.files)
    sealer.start()
    sweeper.start()
    house = job_house(app.state.database, app.state.catalogs, app.state.settings.zone)
    courier = Courier(house.open_work, app.state.outside)
    courier.start()
    jobs = Background(house)
    jobs.start()
    yield
    app.state.live.stop()
    await run_in_threadpool(jobs.stop)
    await run_in_threadpool(courier.stop)
    await run_in_threadpool(sealer.stop)
    await run_in_threadpool(sweeper.stop)
    app.state.database.close()


def _alive() -> dict[str, Any]:
    """The process answers."""
    return {"status": "ok"}


def _ready(request: Request) -> Response:
    """The database answers and something is published."""
    try:
        with request.app.state.database.read() as connection:
            release = request.app.state.catalogs(connection).release
    except sa.exc.SQLAlchemyError:
        return JSONResponse({"status": "no database"}, 503)
    return JSONResponse({"status": "ok", "release": release})
