"""Lists of any object: views, conditions, columns; drawn as a table, a board or a calendar. Everything is in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from admin_ui import listing
from admin_ui.address import BUILDER, DELETED, EMPTIES
from admin_ui.area import Area
from admin_ui.boards import DATES, board_of, calendar_of
from admin_ui.edge import is_partial, reading
from admin_ui.expression_state import state_of
from admin_ui.lists import List, found_of, list_of, names_of_people
from admin_ui.posted import posted, whole
from admin_ui.render import fragment, page
from server.errors import AppError, Text
from server.expressions.check import check
from server.expressions.conditions import NotRepresentable, to_tree
from server.expressions.conditions_words import words
from server.expressions.types import BOOLEAN, Name, Scope
from server.features.access import people
from server.features.access import service as access
from server.features.access.conditions import CURRENT_USER
from server.features.assessment.movement import histories
from server.features.forms import drafts
from server.features.records import batches, deleting, views
from server.features.records import service as records
from server.features.records.importing import MODES, may_import
from server.features.records.liststate import BOARD, CALENDAR, Condition
from server.features.records.rights import rights
from server.features.records.totals import totals
from server.features.workflows.instances import STATE_FIELD

router = APIRouter(include_in_schema=False)
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


@router.get("/o/{object_key}", response_class=HTMLResponse)
def record_list(request: Request, object_key: str) -> Response:
    with reading(request) as work:
        it = list_of(request, work, object_key)
        if any(name in request.query_params for name in (*BUILDER[:1], "c")):  # a form of the list: go to the address that says the same
            return RedirectResponse(it.address.at("").url, 303)
        context, status = context_of(it)
        done = whole(request.query_params.get("done", ""))
        if done:
            context["batch"] = batches.batch_of(work, done)
        if is_partial(request):
            return fragment(request, work, "parts/listing.html", status=status, **context)
        gone = deleting.just_deleted(work, object_key, request.query_params.get(DELETED, ""))
        return page(request, work, "pages/list.html", status=status, area=f"o/{object_key}", gone=gone, **context)


def context_of(it: List) -> tuple[dict[str, Any], int]:
    """What the templates of a list read, and the status: an address that cannot be read is told, not a failure."""
    columns = listing.columns(it.work, it.object_type, it.lead, it.outputs, it.address)
    may = {action: access.allowed(it.work, it.object_type.key, action) for action in ("create", "edit", "delete")}
    status, refused, sums = 200, None, dict[str, Any]()
    board, calendar, found = None, None, records.Page((), "", -1)
    try:
        if it.state.shape == BOARD:
            board = board_of(it, columns, may_edit=may["edit"])
        elif it.state.shape == CALENDAR:
            calendar = calendar_of(it, columns)
        else:
            found = found_of(it, columns)
        sums = dict(totals(it.work, it.object_type.key, it.state)) if found.rows else {}
    except AppError as error:
        if error.status != 422:
            raise
        status, refused = 422, error
    context = {
        "board": board,
        "calendar": calendar,
        "moved": None,
        "ask": None,
        "batch": None,
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
        "total_texts": {c.name: listing.total_text(it.work, c, sums.get(c.name)) for c in columns if c.total},
        "trends": trends_of(it, found) if found.rows and "score" in {c.kind for c in columns} else {},
        "drafts": drafts.mine(it.work, it.object_type.key)[:DRAFTS],
        "may_create": may["create"],
        "may_import": any(may_import(it.work, it.object_type.key, mode) for mode in MODES),
        "may_edit": may["edit"],
        "may_delete": may["delete"],
        "may_change_view": it.address.view is not None and views.may_change(it.work, it.address.view),
        "all_roles": it.work.catalog.all("role") if access.may(it.work, views.ADMIN) else (),
    }
    return context, status


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
    """A table, a board by each field of options and each classification, a calendar by each date."""
    address, state = it.address, it.state
    plain = state.shape not in (BOARD, CALENDAR)
    made = [Drawing(Text("表格", "Table"), "table", address.showing(shape="", by="").url, plain)]
    fields = [f for f in it.object_type.fields.values() if f.key in it.names]
    boards = [(c.key, c.title) for c in it.lead.classifications if c.key in it.names] + [(f.key, f.title) for f in fields if f.type == "choice"]
    for key, title in sorted(boards, key=lambda b: b[0] != STATE_FIELD):
        current = state.shape == BOARD and state.by == key
        made.append(Drawing(Text(f"看板 · {title.zh}", f"Board · {title.en}"), "layout-dashboard", address.showing(shape=BOARD, by=key).url, current))
    for f in fields:
        if f.type in DATES:
            current = state.shape == CALENDAR and state.by == f.key
            made.append(Drawing(Text(f"日历 · {f.title.zh}", f"Calendar · {f.title.en}"), "calendar", address.showing(shape=CALENDAR, by=f.key).url, current))
    return made


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
