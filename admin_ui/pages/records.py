"""Records of any object: the list, search over everything, records to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from admin_ui import listing
from admin_ui.area import Area
from admin_ui.edge import is_partial, reading
from admin_ui.render import fragment, page
from admin_ui.subjects import Subject, subject
from server.errors import AppError, NotFound, Text
from server.feature import Work
from server.features.access import people
from server.features.access import service as access
from server.features.assessment.movement import histories
from server.features.forms import drafts
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.records import deleting
from server.features.records import service as records
from server.features.records.rights import visible_scope

router = APIRouter(include_in_schema=False)
PAGE = 50
TREND_DAYS, CHANGE_DAYS = 365, 30
DRAFTS = 3  # unsaved ones a list names
FOUND_EACH = 6  # hits of the search over everything, for each object


def object_of(work: Work, key: str) -> ObjectType:
    """The object, when this person may read it at all; otherwise there is none."""
    found: ObjectType | None = work.catalog.get("object", key)
    if found is None or not access.allowed(work, key, "read"):
        raise NotFound(Text("没有这个对象，或无权查看", "There is no such object, or you may not see it"))
    return found


@router.get("/search", response_class=HTMLResponse)
def search(request: Request, q: str = "") -> HTMLResponse:
    with reading(request) as work:
        found = []
        text = q.strip()[:200]
        if text:
            shown = [o for o in work.catalog.all("object") if access.allowed(work, o.key, "read") and (o.search_fields or o.menu)]
            for object_type in sorted(shown, key=lambda o: (o.menu == 0, o.menu)):
                columns = tuple(dict.fromkeys([*object_type.search_fields, *object_type.list_columns]))[:4]
                hits = records.query(work, object_type.key, search=text, columns=[c for c in columns if c in object_type.fields], limit=FOUND_EACH, count=False)
                if hits.rows:
                    found.append((object_type, hits))
        return page(request, work, "pages/search.html", q=text, found=found)


@router.get("/o/{object_key}", response_class=HTMLResponse)
def record_list(request: Request, object_key: str) -> Response:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        address = listing.read(object_key, request.query_params)
        if "f" in request.query_params:  # the builder's form: go to the address that says the same
            return RedirectResponse(address.at("").url, 303)
        lead = subject(work.catalog, object_key)
        outputs = results.outputs(work.catalog, object_key) if object_type.assessed else {}
        context: dict[str, Any] = {"object_type": object_type, "address": address, "lead": lead}
        columns = listing.columns(work, object_type, lead, outputs, address)
        wanted = [c.name for c in columns if c.field is not None and c.name in object_type.fields]
        shown = [c.name for c in columns if c.name not in object_type.fields]
        status, refused = 200, None
        try:
            found = records.query(
                work,
                object_key,
                search=address.search,
                filter=address.filter,
                conditions=[(c.name, c.op, c.value) for c in address.conditions],
                sort=address.sort,
                cursor=address.cursor,
                limit=PAGE,
                columns=wanted,
                results=shown,
            )
        except AppError as error:
            if error.status != 422:
                raise
            status, refused, found = 422, error, records.Page((), "", 0)
        context |= {
            "columns": columns,
            "found": found,
            "refused": refused,
            "chips": listing.chips(work, object_type, outputs, address),
            "tabs": _views(work, object_type, address),
            "people": people.user_names(work) if any(c.field is not None and c.field.type == "user" for c in columns) else {},
            "trends": _trends(work, object_key, lead, found) if "score" in {c.kind for c in columns} else {},
            "may_create": access.allowed(work, object_key, "create"),
            "may_delete": access.allowed(work, object_key, "delete"),
            "gone": deleting.just_deleted(work, object_key, request.query_params.get("_deleted", "")),
            "drafts": drafts.mine(work, object_key)[:DRAFTS],
        }
        if is_partial(request):
            return fragment(request, work, "parts/listing.html", status=status, **context)
        return page(request, work, "pages/list.html", status=status, area=f"o/{object_key}", **context)


@dataclass(frozen=True)
class Trend:
    """A record's leading score over a year, and how it moved in thirty days."""

    values: tuple[Any, ...]
    change: float | None


def _trends(work: Work, object_key: str, lead: Subject, found: records.Page) -> dict[int, Trend]:
    if lead.score is None:
        return {}
    today = work.at.today
    known = histories(work, object_key, [r.id for r in found.rows], lead.score.key, today - timedelta(days=TREND_DAYS))
    trends = {}
    for row in found.rows:
        past = [(day, v) for day, v in known.get(row.id, ()) if v is not None]
        now = row.results.get(lead.score.key)
        before = [v for day, v in past if day <= today - timedelta(days=CHANGE_DAYS)]
        change = round(now - before[-1], lead.score.decimals) if now is not None and before else None
        trends[row.id] = Trend(monthly([*past, (today, now)], today), change)
    return trends


def monthly(past: Sequence[tuple[date, Any]], today: date) -> tuple[Any, ...]:
    """Evenly spaced values for a small line: what held at each of the last thirteen month-steps."""
    points = [today - timedelta(days=TREND_DAYS * step // 12) for step in range(12, -1, -1)]
    return tuple(next((v for day, v in reversed(past) if day <= point), None) for point in points)


def _views(work: Work, object_type: ObjectType, address: listing.Address) -> list[tuple[Text, str, bool]]:
    """Ready-made conditions as tabs: everything, mine, each class of the main classification."""
    plain = listing.Address(object_type.key)
    views = [(Text("全部", "All"), plain)]
    if object_type.owner_field:
        mine = plain.having(listing.Condition(object_type.owner_field, "eq", work.actor.username))
        views.append((Text(f"我的{object_type.plural.zh}", f"My {object_type.plural.en.lower()}"), mine))
    main = subject(work.catalog, object_type.key).main
    if main:
        views += [(c.title, plain.having(listing.Condition(main.key, "eq", c.key))) for c in main.classes]
    return [(title, view.url, view.conditions == address.conditions) for title, view in views] if len(views) > 1 else []


@router.get("/o/{object_key}/filter", response_class=HTMLResponse)
def filter_builder(request: Request, object_key: str, f: str = "", op: str = "eq", v: str = "") -> HTMLResponse:
    """The second half of the condition builder: operators and value for the chosen name."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        outputs = results.outputs(work.catalog, object_key) if object_type.assessed else {}
        names = visible_scope(work, object_key, {o.name: o.as_name for o in outputs.values()}).names
        made = listing.builder(work, object_type, outputs, names, listing.Condition(f, op, v))
        choices = listing.filterable(work, object_type, outputs)
        address = listing.read(object_key, request.query_params)
        chosen = listing.value_text(work, listing.Condition(f, "eq", v), object_type, outputs) if made and v else ""
        return fragment(request, work, "parts/filter.html", builder=made, choices=choices, object_type=object_type, address=address, reference_name=chosen)


@router.get("/o/{object_key}/options", response_class=HTMLResponse)
def options(request: Request, object_key: str, into: str = "") -> HTMLResponse:
    """Records to choose from, for the reference picker: `q` is what was typed."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        text = request.query_params.get("_q_" + into, "").strip()[:200]
        found = records.options(work, object_key, text)
        return fragment(request, work, "parts/options.html", found=found, into=into, object_type=object_type, q=text)


AREA = Area(router)
