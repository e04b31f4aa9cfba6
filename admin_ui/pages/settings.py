"""Settings: people, roles, the audit, health."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui.area import Area, Link
from admin_ui.edge import Asked, reading, writing
from admin_ui.posted import posted_lists
from admin_ui.render import page
from server.config.releases import list_releases
from server.errors import Forbidden, Invalid, Problem, Text
from server.feature import Work
from server.features.access import departments
from server.features.access import service as access
from server.features.access.kind import CAPABILITIES
from server.features.assessment import service as assessment
from server.features.assessment.jobs import CHECK, NIGHT
from server.features.assessment.service import RUN
from server.features.audit import service as audit
from server.features.audit.actions import action_title
from server.features.records import service as records
from server.jobs import ledger

router = APIRouter()
AREA = Area(router, (Link("settings", Text("设置", "Settings"), "/settings", "settings", "people audit studio forms", 90),))
PER_PAGE = 50
EMPTY: Mapping[str, Any] = {"username": "", "name": "", "roles": [], "locale": "", "department": ""}
TABS: tuple[tuple[str, Text, str], ...] = (
    ("people", Text("人员", "People"), "people"),
    ("departments", Text("部门", "Departments"), "people"),
    ("roles", Text("角色", "Roles"), "people"),
    ("forms", Text("公开表单", "Public forms"), "forms"),
    ("channels", Text("通知渠道", "Channels"), "people"),
    ("audit", Text("审计", "Audit"), "audit"),
    ("jobs", Text("作业", "Jobs"), "studio"),
    ("health", Text("运行状况", "Health"), "studio"),
)


def tabs_of(work: Work) -> list[tuple[str, Text]]:
    return [(key, title) for key, title, capability in TABS if access.may(work, capability)]


@router.get("/settings")
def settings(request: Request) -> Response:
    with reading(request) as work:
        tabs = tabs_of(work)
        if not tabs:
            raise Forbidden(Text("您没有可以更改的设置", "There is nothing here that you may set"))
    return RedirectResponse(f"/settings/{tabs[0][0]}", 303)


def _people(request: Request, work: Work, problems: tuple[Problem, ...] = (), typed: Mapping[str, Any] | None = None, editing: str = "") -> HTMLResponse:
    roles = work.catalog.all("role")
    context: dict[str, Any] = {
        "people": access.users(work),
        "departments": departments.departments(work),
        "roles": roles,
        "problems": problems,
        "typed": typed or EMPTY,
        "editing": editing,
        "tabs": tabs_of(work),
        "tab": "people",
    }
    return page(request, work, "pages/people.html", area="settings", status=422 if problems else 200, **context)


@router.get("/settings/people", response_class=HTMLResponse)
def people_page(request: Request, edit: str = "") -> HTMLResponse:
    with reading(request, "people") as work:
        return _people(request, work, editing=edit)


@router.post("/settings/people", response_class=HTMLResponse)
def create_person(request: Request, form: Mapping[str, list[str]] = Depends(posted_lists)) -> Response:
    def text(name: str) -> str:
        return form.get(name, [""])[-1]

    typed: dict[str, Any] = {
        "username": text("username"),
        "name": text("name"),
        "roles": form.get("roles", []),
        "locale": text("locale") or "zh_CN",
        "department": text("department"),
    }
    try:
        with writing(request, "people") as work:
            made = access.create_user(work, typed["username"], typed["name"], text("password"), typed["roles"], typed["locale"])
            departments.assign(work, made.username, text("department"))
    except Invalid as refused:
        with reading(request, "people") as work:
            return _people(request, work, refused.problems, typed)
    return RedirectResponse("/settings/people", 303)


@router.post("/settings/people/{username}", response_class=HTMLResponse)
def change_person(request: Request, username: str, form: Mapping[str, list[str]] = Depends(posted_lists)) -> Response:
    def text(name: str) -> str:
        return form.get(name, [""])[-1]

    typed: dict[str, Any] = {
        "username": username,
        "name": text("name"),
        "roles": form.get("roles", []),
        "locale": text("locale") or "zh_CN",
        "department": text("department"),
    }
    try:
        with writing(request, "people") as work:
            access.update_user(
                work, username, name=typed["name"], roles=typed["roles"], locale=typed["locale"], active=bool(text("active")), password=text("password") or None
            )
            departments.assign(work, username, text("department"))
    except Invalid as refused:
        with reading(request, "people") as work:
            return _people(request, work, refused.problems, typed, username)
    return RedirectResponse("/settings/people", 303)


@router.get("/settings/roles", response_class=HTMLResponse)
def roles_page(request: Request) -> HTMLResponse:
    with reading(request, "people") as work:
        objects = {o.key: o.plural for o in work.catalog.all("object")}
        holders = {r.key: len(access.usernames_of_role(work, r.key)) for r in work.catalog.all("role")}
        context: dict[str, Any] = {
            "roles": work.catalog.all("role"),
            "objects": objects,
            "holders": holders,
            "capabilities": CAPABILITIES,
            "tabs": tabs_of(work),
            "tab": "roles",
        }
        return page(request, work, "pages/roles.html", area="settings", **context)


@router.get("/settings/audit", response_class=HTMLResponse)
def audit_page(request: Request, actor: str = "", action: str = "", object: str = "", before: Asked = None, verify: bool = False) -> HTMLResponse:
    with reading(request, "audit") as work:
        entries = audit.entries(work, actor=actor, action=action, object=object, before=before, limit=PER_PAGE + 1)
        shown = entries[:PER_PAGE]
        context: dict[str, Any] = {
            "entries": shown,
            "more": shown[-1].id if len(entries) > PER_PAGE else None,
            "actions": audit.actions(work),
            "action_title": action_title,
            "people": access.user_names(work),
            "objects": {o.key: o.title for o in work.catalog.all("object")},
            "filters": {"actor": actor, "action": action, "object": object},
            "verified": verify,
            "broken": audit.verify(work) if verify else None,
            "tabs": tabs_of(work),
            "tab": "audit",
        }
        return page(request, work, "pages/audit.html", area="settings", **context)


@router.get("/settings/health", response_class=HTMLResponse)
def health_page(request: Request) -> HTMLResponse:
    with reading(request, "studio") as work:
        releases = list_releases(work.session, 1)
        counts = [(o, records.query(work, o.key, limit=1, columns=()).total_capped) for o in work.catalog.all("object")]
        database = request.app.state.database
        jobs = ledger.last_of(work.session, [RUN, NIGHT, CHECK])
        check = jobs.get(CHECK)
        context: dict[str, Any] = {
            "release": releases[0] if releases else None,
            "counts": counts,
            "database": _database(database),
            "running": any(jobs[kind].is_open for kind in (RUN, NIGHT) if kind in jobs),
            "run_kind": RUN,
            "samples": (check.result if check else None) or {},
            "checked_at": check.finished_at if check else None,
            "last": [(o, assessment.last_run(work, o.key)) for o in work.catalog.all("object") if o.assessed],
            "tabs": tabs_of(work),
            "tab": "health",
            "people": access.user_names(work),
            "zone": str(work.zone),
        }
        return page(request, work, "pages/health.html", area="settings", **context)


def _database(database: Any) -> str:
    """The kind and the place of the database, without its password."""
    return str(database.url.render_as_string(hide_password=True))
