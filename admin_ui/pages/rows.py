"""Editing a row where it stands in its list, whatever the list is narrowed to; and the card one sees before opening a record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui import listing
from admin_ui.area import Area
from admin_ui.cards import card_of
from admin_ui.edge import Form, Id, only, reading, writing
from admin_ui.lists import List, found_of, list_of, names_of_people
from admin_ui.pages.lists import trends_of
from admin_ui.posted import whole
from admin_ui.record_forms import FormField, face_of, form_field, raw_of
from admin_ui.render import fragment
from server.errors import Conflict, Forbidden, Invalid, Problem, Text
from server.features.access import service as access
from server.features.records import service as records
from server.features.records.reading import no_record

router = APIRouter(include_in_schema=False)


@router.get("/o/{object_key}/{record_id:int}/row", response_class=HTMLResponse)
def row(request: Request, object_key: str, record_id: Id, edit: str = "", focus: str = "") -> HTMLResponse:
    """The row as the list of this address draws it; with `edit` its cells are inputs. `focus`: the column to begin in."""
    with reading(request) as work:
        it = list_of(request, work, object_key)
        return _editing(request, it, record_id, focus=focus) if edit else _drawn(request, it, record_id)


@router.get("/o/{object_key}/{record_id:int}/card", response_class=HTMLResponse)
def card(request: Request, object_key: str, record_id: Id) -> HTMLResponse:
    """What the list does not show of a record, in five lines."""
    with reading(request) as work:
        made = card_of(list_of(request, work, object_key), record_id)
        return fragment(request, work, "parts/card.html", card=made, people=names_of_people(work, made.columns))


@router.post("/o/{object_key}/{record_id:int}/row", response_class=HTMLResponse)
def save(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    version = whole(only(form, "_version")["_version"]) or 0
    try:
        with writing(request) as work:
            it = list_of(request, work, object_key)
            editable = {c.name for c in _columns(it) if c.editable}
            raw = {k: v for k, v in raw_of(it.object_type, form).items() if k in editable}
            records.update(work, object_key, record_id, raw, version)
    except (Invalid, Conflict, Forbidden) as refused:
        problems = refused.problems if isinstance(refused, Invalid) else (Problem("", refused.message, refused.hint),)
        with reading(request) as work:
            it = list_of(request, work, object_key)
            stale = isinstance(refused, Conflict)
            return _editing(
                request, it, record_id, raw_of(it.object_type, form), problems, status=refused.status, version=0 if stale else version, theirs=stale
            )
    with reading(request) as work:
        return _drawn(request, list_of(request, work, object_key), record_id)


def _columns(it: List) -> tuple[listing.Column, ...]:
    return listing.columns(it.work, it.object_type, it.lead, it.outputs, it.address)


def _one(it: List, columns: Sequence[listing.Column], record_id: int) -> tuple[records.Page, bool]:
    """The record alone, and whether the list still shows it."""
    asked: dict[str, Any] = {"cursor": "", "count": False, "sort": "id"}
    mine = ("id", "eq", str(record_id))
    found = found_of(it, columns, conditions=[*((c.name, c.op, c.value) for c in it.state.conditions), mine], **asked)
    if found.rows:
        return found, True
    found = found_of(it, columns, conditions=[mine], search="", filter="", **asked)
    if not found.rows:
        raise no_record()
    return found, False


def _context(it: List, columns: Sequence[listing.Column], found: records.Page) -> dict[str, Any]:
    return {
        "object_type": it.object_type,
        "address": it.address,
        "lead": it.lead,
        "columns": columns,
        "row": found.rows[0],
        "found": found,
        "totals": {},
        "total_texts": {},
        "people": names_of_people(it.work, columns),
        "trends": trends_of(it, found) if "score" in {c.kind for c in columns} else {},
        "may_edit": access.allowed(it.work, it.object_type.key, "edit"),
        "may_delete": access.allowed(it.work, it.object_type.key, "delete"),
    }


def _drawn(request: Request, it: List, record_id: int) -> HTMLResponse:
    columns = _columns(it)
    found, stays = _one(it, columns, record_id)
    return fragment(request, it.work, "parts/row.html", stays=stays, **_context(it, columns, found))


def _editing(
    request: Request,
    it: List,
    record_id: int,
    raw: Mapping[str, Any] | None = None,
    problems: Sequence[Problem] = (),
    *,
    status: int = 200,
    version: int = 0,
    theirs: bool = False,
    focus: str = "",
) -> HTMLResponse:
    work, key, columns = it.work, it.object_type.key, _columns(it)
    if not access.allowed(work, key, "edit"):
        raise Forbidden(Text("没有权限进行此操作", "You may not do this"))
    found, _ = _one(it, columns, record_id)
    state = records.form(work, key, raw or {}, record_id)
    fields: dict[str, FormField] = {}
    for column in columns:
        known = state.fields.get(column.name)
        if column.field is None or not column.editable or known is None or not known.visible or known.readonly:
            continue
        mine = tuple(p for p in problems if p.path == column.name)
        saved = found.rows[0].display.get(column.name, "") if theirs and raw and known.value != found.rows[0].values.get(column.name) else None
        fields[column.name] = form_field(work, face_of(work, replace(column.field, help=None), "e-"), known, mine, saved)
    others = [_placed(it, p) for p in problems if p.path not in fields]
    context = {"fields": fields, "others": others, "version": version or found.rows[0].version, "focus": focus if focus in fields else next(iter(fields), "")}
    return fragment(request, work, "parts/row_edit.html", status=status, **context, **_context(it, columns, found))


def _placed(it: List, p: Problem) -> Problem:
    """A problem of a field that has no column here says which one it is about."""
    field = it.object_type.fields.get(p.path)
    return p if field is None else replace(p, message=Text(f"{field.title.zh}：{p.message.zh}", f"{field.title.en}: {p.message.en}"))


AREA = Area(router)
