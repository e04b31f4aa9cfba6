"""Lists of any object: views, conditions, columns; drawn as a table, a board or a calendar. Everything is in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from admin_ui import listing
from admin_ui.address import BUILDER, DELETED, EMPTIES, EVERYTHING, Address, read
from admin_ui.area import Area
from admin_ui.edge import is_partial, reading
from admin_ui.expression_state import state_of
from admin_ui.pages.records import object_of
from admin_ui.posted import posted
from admin_ui.render import fragment, page
from admin_ui.subjects import Subject, subject
from server.config.output import Output
from server.errors import AppError, NotFound, Text
from server.expressions.check import check
from server.expressions.conditions import NotRepresentable, to_tree
from server.expressions.conditions_words import words
from server.expressions.types import BOOLEAN, Name, Scope
from server.feature import Work
from server.features.access import people
from server.features.access import service as access
from server.features.access.conditions import CURRENT_USER
from server.features.assessment.movement import histories
from server.features.forms import drafts
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.records import deleting, views
from server.features.records import service as records
from server.features.records.importing import MODES, may_import
from server.features.records.liststate import BOARD, CALENDAR, Condition, ListState
from server.features.records.rights import rights
from server.features.records.totals import totals

router = APIRouter(include_in_schema=False)
PAGE = 50
TREND_DAYS, CHANGE_DAYS = 365, 30
DRAFTS = 3  # unsaved ones a list names


@dataclass(frozen=True)
class Tab:
    title: Text
    url: str
    current: bool
    view: views.View | None = None


@dataclass(frozen=True)
class Drawing:
    """One way to draw the list, in its menu."""

    title: Text
    icon: str
    url: str
    current: bool


@dataclass(frozen=True)
class List:
    """A list being answered: who asks for what of which object."""

    work: Work
    object_type: ObjectType
    address: Address
    lead: Subject
    outputs: Mapping[str, Output]
    views: Sequence[views.View]

    @property
    def state(self) -> ListState:
        return self.address.state


def list_of(request: Request, work: Work, object_key: str) -> List:
    """The list that the request's address asks for."""
    object_type = object_of(work, object_key)
    known = views.views(work, object_key)
    address = read(object_key, request.query_params, known, views.opening(work, known))
    asked = request.query_params.get("view", "")
    if asked and asked != EVERYTHING and address.view is None and not request.query_params.get("changed"):
        raise NotFound(Text("没有这个视图，或无权查看", "There is no such view, or you may not see it"))
    return List(work, object_type, address, subject(work.catalog, object_key), outputs_of(work, object_type), known)


def outputs_of(work: Work, object_type: ObjectType) -> Mapping[str, Output]:
    return results.outputs(work.catalog, object_type.key) if object_type.assessed else {}


@router.get("/o/{object_key}", response_class=HTMLResponse)
def record_list(request: Request, object_key: str) -> Response:
    with reading(request) as work:
        it = list_of(request, work, object_key)
        if any(name in request.query_params for name in (*BUILDER[:1], "c")):  # a form of the list: go to the address that says the same
            return RedirectResponse(it.address.at("").url, 303)
        context, status = context_of(it)
        if is_partial(request):
            return fragment(request, work, "parts/listing.html", status=status, **context)
        gone = deleting.just_deleted(work, object_key, request.query_params.get(DELETED, ""))
        return page(request, work, "pages/list.html", status=status, area=f"o/{object_key}", gone=gone, **context)


def context_of(it: List) -> tuple[dict[str, Any], int]:
    """What the templates of a list read, and the status: an address that cannot be read is told, not a failure."""
    columns = listing.columns(it.work, it.object_type, it.lead, it.outputs, it.address)
    status, refused, sums = 200, None, dict[str, Any]()
    try:
        found = found_of(it, columns)
        sums = dict(totals(it.work, it.object_type.key, it.state)) if found.rows else {}
    except AppError as error:
        if error.status != 422:
            raise
        status, refused, found = 422, error, records.Page((), "", 0)
    may = {action: access.allowed(it.work, it.object_type.key, action) for action in ("create", "edit", "delete")}
    context = {
        "object_type": it.object_type,
        "address": it.address,
        "state": it.state,
        "lead": it.lead,
        "columns": columns,
        "found": found,
        "refused": refused,
        "chips": listing.chips(it.work, it.object_type, it.outputs, it.address),
        "filter_words": filter_words(it),
        "tabs": _tabs(it),
        "drawings": _drawings(it),
        "searchable": listing.searchable(it.work, it.object_type),
        "people": names_of_people(it.work, columns),
        "totals": sums,
        "trends": trends_of(it, found) if "score" in {c.kind for c in columns} else {},
        "drafts": drafts.mine(it.work, it.object_type.key)[:DRAFTS],
        "may_create": may["create"],
        "may_import": any(may_import(it.work, it.object_type.key, mode) for mode in MODES),
        "may_edit": may["edit"],
        "may_delete": may["delete"],
        "may_change_view": it.address.view is not None and views.may_change(it.work, it.address.view),
        "all_roles": it.work.catalog.all("role") if access.may(it.work, views.ADMIN) else (),
    }
    return context, status


def found_of(it: List, columns: Sequence[listing.Column], **asked: Any) -> records.Page:
    """The records of the list's address, with what the columns show."""
    fields = it.object_type.fields
    return records.query(
        it.work,
        it.object_type.key,
        **{
            "search": it.state.search,
            "inside": it.state.inside,
            "filter": it.state.filter,
            "conditions": [(c.name, c.op, c.value) for c in it.state.conditions],
            "sort": it.state.sort,
            "cursor": it.address.cursor,
            "limit": PAGE,
            "columns": [c.name for c in columns if c.name in fields],
            "results": [c.name for c in columns if c.name not in fields and c.kind != "stamp"],
            **asked,
        },
    )


def names_of_people(work: Work, columns: Sequence[listing.Column]) -> Mapping[str, str]:
    wanted = any(c.name in {"created_by", "updated_by"} or (c.field is not None and c.field.type == "user") for c in columns)
    return people.user_names(work) if wanted else {}


@dataclass(frozen=True)
class Trend:
    """A record's leading score over a year, and how it moved in thirty days."""

    values: tuple[Any, ...]
    change: float | None


def trends_of(it: List, found: records.Page) -> dict[int, Trend]:
    score = it.lead.score
    if score is None:
        return {}
    today = it.work.at.today
    known = histories(it.work, it.object_type.key, [r.id for r in found.rows], score.key, today - timedelta(days=TREND_DAYS))
    trends = {}
    for row in found.rows:
        past = [(day, v) for day, v in known.get(row.id, ()) if v is not None]
        now = row.results.get(score.key)
        before = [v for day, v in past if day <= today - timedelta(days=CHANGE_DAYS)]
        change = round(now - before[-1], score.decimals) if now is not None and before else None
        trends[row.id] = Trend(monthly([*past, (today, now)], today), change)
    return trends


def monthly(past: Sequence[tuple[date, Any]], today: date) -> tuple[Any, ...]:
    """Evenly spaced values for a small line: what held at each of the last thirteen month-steps."""
    points = [today - timedelta(days=TREND_DAYS * step // 12) for step in range(12, -1, -1)]
    return tuple(next((v for day, v in reversed(past) if day <= point), None) for point in points)


def _tabs(it: List) -> list[Tab]:
    """Ready-made conditions (everything, mine, each class of the main classification), then the saved views."""
    address, plain = it.address, it.address.plain()
    made = [(Text("全部", "All"), plain)]
    if it.object_type.owner_field:
        mine = plain.having(Condition(it.object_type.owner_field, "eq", it.work.actor.username))
        made.append((Text(f"我的{it.object_type.plural.zh}", f"My {it.object_type.plural.en.lower()}"), mine))
    if it.lead.main:
        made += [(c.title, plain.having(Condition(it.lead.main.key, "eq", c.key))) for c in it.lead.main.classes]
    here = address.view is None and not it.state.filter
    tabs = [Tab(title, to.url, here and to.state.conditions == it.state.conditions) for title, to in made]
    for view in it.views:
        current = address.view is not None and address.view.id == view.id
        tabs.append(Tab(Text(view.name, view.name), f"{address.path}?view={view.id}", current, view))
    return tabs if len(tabs) > 1 else []


def _drawings(it: List) -> list[Drawing]:
    return []


# -- Conditions --------------------------------------------------------------------------------------------------------------


def filter_scope(it: List) -> Scope:
    """What the list's expression may name, people and oneself by name."""
    names = {**views.names_of(it.work, it.object_type.key)}
    for name, known in names.items():
        head, _, rest = name.rpartition(".")
        field = it.object_type.fields.get(rest) if not head else None
        if field is not None and field.type == "user":
            words_of = {u.username: Text(u.name, u.name) for u in people.users(it.work)}
            names[name] = replace(known, words=words_of)
    for name, title in listing.SYSTEM_TITLES.items():
        if name in names:
            names[name] = replace(names[name], title=title)
    return Scope({**names, CURRENT_USER: Name(names[CURRENT_USER].type, False, Text("我本人", "myself"))})


def filter_words(it: List) -> str:
    """The list's expression as a sentence; as it is written where it has no rows."""
    if not it.state.filter:
        return ""
    scope = filter_scope(it)
    checked, _ = check(it.state.filter, scope, BOOLEAN)
    tree = to_tree(checked) if checked is not None else None
    return it.state.filter if tree is None or isinstance(tree, NotRepresentable) else words(tree, scope.names, it.work.actor.locale)


@router.get("/o/{object_key}/filter", response_class=HTMLResponse)
def filter_builder(request: Request, object_key: str, f: str = "", op: str = "eq", v: str = "") -> HTMLResponse:
    """The condition builder: a name, then operators and value for it. `f`, `op`, `v` are the condition being edited."""
    with reading(request) as work:
        it = list_of(request, work, object_key)
        edited = Condition(f, op, "" if op in EMPTIES else v)
        address = it.address.without(edited)
        made = listing.builder(work, it.object_type, it.outputs, views.names_of(work, object_key), edited)
        choices = listing.filterable(work, it.object_type, it.outputs)
        chosen = listing.value_text(work, Condition(f, "eq", v), it.object_type, it.outputs) if made and v else ""
        return fragment(request, work, "parts/filter.html", builder=made, choices=choices, object_type=it.object_type, address=address, reference_name=chosen)


@router.post("/o/{object_key}/filter/expression")
def filter_expression(request: Request, object_key: str, form: Mapping[str, str] = Depends(posted)) -> JSONResponse:
    """The list's condition tree as it is built or typed, for the expression editor."""
    with reading(request) as work:
        it = list_of(request, work, object_key)
        found, _ = state_of(work, form, filter_scope(it), BOOLEAN)
        return JSONResponse(found)


@router.get("/o/{object_key}/columns", response_class=HTMLResponse)
def column_choice(request: Request, object_key: str) -> HTMLResponse:
    """Which columns, in which order, what is summed up, what stays in view."""
    with reading(request) as work:
        it = list_of(request, work, object_key)
        shown = listing.columns(work, it.object_type, it.lead, it.outputs, it.address)
        every = listing.every_column(work, it.object_type, it.lead, it.outputs, shown)
        masked = rights(work, object_key).masked
        return fragment(request, work, "parts/columns.html", address=it.address, object_type=it.object_type, every=every, shown=len(shown), masked=masked)


AREA = Area(router)
__all__ = ["AREA", "BOARD", "CALENDAR", "List", "context_of", "found_of", "list_of"]
