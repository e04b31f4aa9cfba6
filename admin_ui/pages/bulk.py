"""Changing many records of a list at once: choose what, look at what would happen, do it, undo it; and the log of all that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui import listing
from admin_ui.address import state_of
from admin_ui.area import Area
from admin_ui.edge import Form, Id, local_path, only, reading, to, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import posted_lists, whole
from admin_ui.record_forms import FormField, face_of, form_field, raw_of
from admin_ui.render import fragment, page
from server.errors import Invalid, NotFound, Problem, Text, TooLarge
from server.feature import Work
from server.features.access import people
from server.features.objects.kind import Field, ObjectType
from server.features.records import batches
from server.features.records import service as records
from server.features.records.engine import FieldState
from server.features.records.listing import matching_ids
from server.features.records.reading import reference_names
from server.features.records.rights import rights
from server.fields.base import JSON
from server.fields.registry import FIELD_TYPES

router = APIRouter(include_in_schema=False)
SHOWN = 50  # refusals that are listed


@router.post("/o/{object_key}/bulk", response_class=HTMLResponse)
def bulk(request: Request, object_key: str, form: Form) -> Response:
    """`_step`: "" asks what to change, "preview" says what would happen, "run" does it. `id` or `_ids`: the records; `_all`: all the list shows."""
    sent = only(form, "_step", "_action", "_field", "_back")
    action = sent["_action"] if sent["_action"] in batches.ACTIONS else "edit"
    run = sent["_step"] == "run"
    with writing(request, brief=False) as work:
        object_type = object_of(work, object_key)
        ids = _ids(work, object_key, form)
        field = object_type.owner_field if action == "assign" else sent["_field"]
        raw = {k: v for k, v in raw_of(object_type, form).items() if k == field} if action != "delete" else {}
        if field and field not in raw and action != "delete" and sent["_step"]:
            raw[field] = ""  # an unticked list says "none"
        context: dict[str, Any] = {"object_type": object_type, "action": action, "title": batches.ACTIONS[action], "ids": ids, "back": sent["_back"]}
        if run:
            outcome = batches.run(work, object_key, action, ids, raw)
            return to(request, _with_done(local_path(sent["_back"], f"/o/{object_key}"), outcome.batch))
        fields = _editable(work, object_type)
        problems: tuple[Problem, ...] = ()
        if sent["_step"] == "preview" or action == "delete":
            try:
                outcome = batches.preview(work, object_key, action, ids, raw)
                shown = _shown(work, object_type, raw)
                return fragment(request, work, "parts/bulk_preview.html", outcome=outcome, raw=raw, shown=shown, listed=SHOWN, **context)
            except Invalid as refused:
                problems = refused.problems
            except TooLarge as refused:
                problems = (Problem("", refused.message, refused.hint),)
        chosen = _input(work, object_type.fields[field], raw.get(field, ""), problems) if field in {f.key for f in fields} else None
        others = [p for p in problems if chosen is None or p.path != field]
        return fragment(request, work, "parts/bulk_form.html", status=422 if problems else 200, fields=fields, chosen=chosen, problems=others, **context)


def _ids(work: Work, object_key: str, form: Form) -> list[int]:
    """One more than may be changed at once is enough to say that it is too many."""
    sent = only(form, "_ids", "_all", "_state")
    if sent["_all"]:
        return matching_ids(work, object_key, state_of(sent["_state"]), batches.BATCH_LIMIT + 1)
    texts = [*posted_lists(form).get("_id", []), *sent["_ids"].split(",")]
    return [number for number in map(whole, texts) if number is not None]


def _editable(work: Work, object_type: ObjectType) -> list[Field]:
    allowed = rights(work, object_type.key)
    return [f for f in object_type.fields.values() if listing.is_editable(f, allowed) and not f.unique and not f.pattern]


def _input(work: Work, field: Field, entry: Any, problems: tuple[Problem, ...]) -> FormField:
    state = FieldState(True, False, False, entry if isinstance(entry, list) else None, entry if isinstance(entry, str) else "")
    return form_field(work, face_of(work, replace(field, help=None), "b-"), state, tuple(p for p in problems if p.path == field.key))


def _shown(work: Work, object_type: ObjectType, raw: Mapping[str, Any]) -> str:
    """The new value as people read it."""
    for key, value in raw.items():
        parsed = records.parse_form(work, object_type.fields[key], value)
        return value_text(work, object_type.fields[key], None if isinstance(parsed, Problem) else parsed)
    return ""


def value_text(work: Work, field: Field, value: Any) -> str:
    if value is None:
        return ""
    if field.type == "user":
        return people.user_names(work).get(str(value), str(value))
    if field.type == "reference":
        return reference_names(work, field.reference, [value]).get(value, f"#{value}")
    return FIELD_TYPES[field.type].text(field, value, work.actor.locale, work.zone)


def _with_done(path: str, batch: int) -> str:
    head, _, query = path.partition("?")
    pairs = [(k, v) for k, v in parse_qsl(query) if k != "done"]
    return head + "?" + urlencode([*pairs, ("done", str(batch))])


@router.post("/o/{object_key}/batches/{batch_id:int}/undo")
def undo(request: Request, object_key: str, batch_id: Id, form: Form) -> Response:
    back = local_path(only(form, "_back")["_back"], f"/o/{object_key}/batches")
    with writing(request, brief=False) as work:
        object_of(work, object_key)
        if batches.batch_of(work, batch_id).object != object_key:
            raise NotFound(Text("没有这次批量操作", "There is no such change"))
        batches.undo(work, batch_id)
    return to(request, _with_done(back, batch_id))


@router.get("/o/{object_key}/batches", response_class=HTMLResponse)
def log(request: Request, object_key: str) -> HTMLResponse:
    """What was changed in bulk, by whom, and undoing it."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        found = batches.log(work, object_key)
        told = {b.id: told_of(work, object_type, b) for b in found}
        return page(
            request, work, "pages/batches.html", area=f"o/{object_key}", object_type=object_type, found=found, told=told, people=people.user_names(work)
        )


def told_of(work: Work, object_type: ObjectType, batch: batches.Batch) -> str:
    """What a batch wrote, in words; fields that are gone or covered are left out."""
    parts = []
    for key, value in batch.values.items():
        field = object_type.fields.get(key)
        if field is None:
            continue
        parsed = FIELD_TYPES[field.type].parse(field, value, JSON)
        text = str(value) if isinstance(parsed, Problem) else value_text(work, field, parsed)
        parts.append(f"{field.title.of(work.actor.locale)} → {text or '–'}")
    return ", ".join(parts)


AREA = Area(router)
