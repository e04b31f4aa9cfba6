"""Creating and editing a record. The form follows the rules while it is filled in, says all errors at once, and never loses what was typed."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui.area import Area
from admin_ui.edge import Form, Id, local_path, only, reading, to, writing
from admin_ui.pages.records import object_of
from admin_ui.posted import whole
from admin_ui.record_forms import RecordForm, build, levels, moved, prefill, raw_of
from admin_ui.record_rows import build_with_rows, next_token, rows_from, theirs_in_rows
from admin_ui.render import fragment, page
from server.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.access import service as access
from server.features.duplicates.service import Similar
from server.features.forms import drafts
from server.features.forms import service as forms
from server.features.forms.drafts import Draft
from server.features.forms.engine import QUICK, STANDARD, Plan
from server.features.objects.kind import ObjectType
from server.features.objects.subforms import subform_of
from server.features.records import service as records
from server.features.records import together
from server.features.records.reading import Record, reference_names
from server.features.records.rights import rights

router = APIRouter(include_in_schema=False)


@router.get("/o/{object_key}/new", response_class=HTMLResponse)
def new(request: Request, object_key: str, form: str = "", draft: bool = False) -> HTMLResponse:
    with reading(request) as work:
        object_type = _writable(work, object_key, "create")
        plan = forms.plan_of(work, object_type, form, "create")
        kept = drafts.kept(work, object_key, None, plan.key)
        recalled = kept if draft else None
        raw = dict(recalled.values) if recalled else forms.start(plan, prefill(object_type, request.query_params))
        if object_type.owner_field and object_type.owner_field not in raw:
            raw[object_type.owner_field] = work.actor.username
        state, rows = forms.state(work, object_type, plan, raw, recalled.rows if recalled else {})
        made = build_with_rows(work, object_type, plan, state, rows, is_new=True)
        return _form_page(request, work, object_type, made, back=request.query_params.get("_back", ""), kept=kept, recalled=recalled is not None)


@router.post("/o/{object_key}/new", response_class=HTMLResponse)
def create(request: Request, object_key: str, form: Form) -> Response:
    control = only(form, "_back", "_form")
    try:
        with writing(request) as work:
            object_type = object_of(work, object_key)
            plan = forms.plan_of(work, object_type, control["_form"], "create")
            record_id = forms.save(work, object_type, plan, raw_of(object_type, form), rows_from(work, object_type, form), seen=seen_in(form))
    except Invalid as refused:
        return _again(request, object_key, form, refused.problems)
    except forms.MaybeTwice as asked:
        return _again(request, object_key, form, (), similar=asked.similar)
    return to(request, local_path(control["_back"], f"/o/{object_key}/{record_id}"))


@router.get("/o/{object_key}/{record_id:int}/edit", response_class=HTMLResponse)
def edit(request: Request, object_key: str, record_id: Id, form: str = "", draft: bool = False) -> HTMLResponse:
    with reading(request) as work:
        object_type = _writable(work, object_key, "edit")
        plan = forms.plan_of(work, object_type, form, "edit")
        record = records.get(work, object_key, record_id)
        kept = drafts.kept(work, object_key, record_id, plan.key)
        recalled = kept if draft else None
        state, rows = forms.state(work, object_type, plan, recalled.values if recalled else {}, recalled.rows if recalled else {}, record_id)
        made = build_with_rows(work, object_type, plan, state, rows)
        version = recalled.version if recalled else 0  # what others changed since is told when it is saved
        back = request.query_params.get("_back", "")
        return _form_page(request, work, object_type, made, record, version=version, back=back, kept=kept, recalled=recalled is not None)


@router.post("/o/{object_key}/{record_id:int}/edit", response_class=HTMLResponse)
def update(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    control = only(form, "_version", "_back", "_form")
    version = whole(control["_version"]) or 0
    try:
        with writing(request) as work:
            object_type = object_of(work, object_key)
            plan = forms.plan_of(work, object_type, control["_form"], "edit")
            forms.save(work, object_type, plan, raw_of(object_type, form), rows_from(work, object_type, form), record_id, version, seen_in(form))
    except Invalid as refused:
        return _again(request, object_key, form, refused.problems, record_id, version)
    except forms.MaybeTwice as asked:
        return _again(request, object_key, form, (), record_id, version, asked.similar)
    except Conflict as refused:
        return _conflict(request, object_key, record_id, form, refused)
    return to(request, local_path(control["_back"], f"/o/{object_key}/{record_id}"))


@router.post("/o/{object_key}/form/live", response_class=HTMLResponse)
def live(request: Request, object_key: str, form: Form) -> HTMLResponse:
    """What the rules say about the form as it stands: only the fields that look different now, never the one being typed in."""
    control = only(form, "_record", "_form")
    record_id = whole(control["_record"])
    with reading(request) as work:
        object_type = object_of(work, object_key)
        plan = forms.plan_of(work, object_type, control["_form"], "create" if record_id is None else "edit")
        return live_parts(request, work, object_type, plan, form, record_id)


@router.post("/o/{object_key}/form/draft")
def keep_draft(request: Request, object_key: str, form: Form) -> Response:
    """What is typed so far, kept until it is saved or discarded."""
    control = only(form, "_record", "_form", "_version")
    record_id = whole(control["_record"])
    with writing(request) as work:
        object_type = _writable(work, object_key, "create" if record_id is None else "edit")
        plan = forms.plan_of(work, object_type, control["_form"], "create" if record_id is None else "edit")
        drafts.keep(
            work,
            object_key,
            record_id,
            plan.key,
            min(whole(control["_version"]) or 0, 2**31 - 1),
            raw_of(object_type, form),
            rows_from(work, object_type, form),
        )
    return Response(status_code=204)


@router.post("/o/{object_key}/form/draft/discard")
def discard_draft(request: Request, object_key: str, form: Form) -> Response:
    control = only(form, "_record", "_form", "_to")
    with writing(request) as work:
        drafts.discard(work, object_key, whole(control["_record"]), "" if control["_form"] == STANDARD else control["_form"])
    return to(request, local_path(control["_to"], f"/o/{object_key}"))


@router.get("/o/{object_key}/quick", response_class=HTMLResponse)
def quick(request: Request, object_key: str, name: str = "") -> HTMLResponse:
    """The short form of a record that a reference needs, for a dialog. `name`: what was typed into the picker."""
    with reading(request) as work:
        object_type = _writable(work, object_key, "create")
        plan = forms.plan_of(work, object_type, QUICK, "create")
        typed = object_type.fields[object_type.name_field].type == "text" if object_type.name_field in plan.keys else False
        raw = {object_type.name_field: name.strip()[:1000]} if typed and name.strip() else {}
        if object_type.owner_field in plan.keys:
            raw[object_type.owner_field] = work.actor.username
        state, _ = forms.state(work, object_type, plan, raw)
        made = build(work, object_type, plan, state, is_new=True, scope="q-")
        return fragment(request, work, "parts/quick.html", form=made, object_type=object_type, similar=())


@router.post("/o/{object_key}/quick", response_class=HTMLResponse)
def create_quickly(request: Request, object_key: str, form: Form) -> HTMLResponse:
    problems: tuple[Problem, ...]
    similar: tuple[Similar, ...]
    try:
        with writing(request) as work:
            object_type = object_of(work, object_key)
            plan = forms.plan_of(work, object_type, QUICK, "create")
            record_id = forms.save(work, object_type, plan, raw_of(object_type, form), seen=seen_in(form))
            name = reference_names(work, object_key, [record_id]).get(record_id, f"#{record_id}")
            return fragment(request, work, "parts/quick_done.html", id=record_id, name=name)
    except Invalid as refused:
        problems, similar = refused.problems, ()
    except forms.MaybeTwice as asked:
        problems, similar = (), asked.similar
    with reading(request) as work:
        object_type = object_of(work, object_key)
        plan = forms.plan_of(work, object_type, QUICK, "create")
        state, _ = forms.state(work, object_type, plan, raw_of(object_type, form))
        made = build(work, object_type, plan, state, problems, is_new=True, scope="q-")
        return fragment(request, work, "parts/quick.html", status=422, form=made, object_type=object_type, similar=similar)


def live_parts(request: Request, work: Work, object_type: ObjectType, plan: Plan, form: Any, record_id: int | None = None, source: str = "") -> HTMLResponse:
    """The parts of a live form that changed. `_step` asks for a whole step to be checked before the next one is shown."""
    control = only(form, "_shape", "_focus", "_left", "_wrong", "_step", "_scope")
    raw, rows, scope, step = raw_of(object_type, form), rows_from(work, object_type, form), control["_scope"][:20], control["_step"]
    state, subforms = forms.state(work, object_type, plan, raw, rows, record_id)
    found = [*state.problems, *(p for s in subforms for p in s.problems)]
    wrong: set[str] = set()
    if step:
        parts = {part.key: {f.key for f in part.fields} for part in plan.parts}
        mine = parts.get(step, set()) & set(state.fields)
        told = [p for p in forms.check(work, object_type, plan, raw, rows, record_id) if p.path in mine] if step in parts else found
    else:
        wrong = set(control["_wrong"].split())  # told before, empty ones too: they are wrong until they are mended
        mine = {control["_left"]}  # its errors may be told now
        whole_form = forms.check(work, object_type, plan, raw, rows, record_id) if wrong else ()
        told = [p for p in found if p.path in mine - wrong] + [p for p in whole_form if p.path in wrong]
    made = build_with_rows(work, object_type, plan, state, subforms, told, is_new=record_id is None, scope=scope, source=source)
    drawn, focus = {f.field.key for f in made.fields}, {control["_focus"]}
    mended = wrong - {p.path for p in told}  # those still wrong are left alone: somebody may be mending them since this was asked
    changed = (moved(control["_shape"], made.shape) | ((mine | mended) & drawn)) - (set() if step else focus)
    return fragment(request, work, "parts/live.html", form=made, changed=changed, mended=mended & focus, step=step, scope=scope)


@router.get("/o/{object_key}/form/levels", response_class=HTMLResponse)
def region_levels(request: Request, object_key: str, field: str = "") -> HTMLResponse:
    """The selects of a region field after one of them was changed. In a row of a sub-form the field is named object-row-field."""
    with reading(request) as work:
        object_type = object_of(work, object_key)
        rows_key, _, rest = field.partition("-")
        owner = object_of(work, rows_key) if rest else object_type
        found = owner.fields.get(field.rpartition("-")[2])
        if found is None or found.type != "region" or found.key in rights(work, owner.key).hidden:
            raise NotFound(Text("没有这个字段", "There is no such field"))
        made = levels(work, replace(found, key=field), request.query_params.getlist(field))
        return fragment(request, work, "parts/levels.html", f=made, object_type=object_type)


@router.post("/o/{object_key}/{record_id:int}/refresh", response_class=HTMLResponse)
def refresh(request: Request, object_key: str, record_id: Id, form: Form) -> Response:
    """Copies what snapshots hold anew from the records referred to."""
    version = only(form, "_version")["_version"]
    with writing(request) as work:
        records.refresh(work, object_key, record_id, whole(version) or 0)
    return to(request, f"/o/{object_key}/{record_id}?tab=facts")


@router.post("/o/{object_key}/form/rows/{rows_key}", response_class=HTMLResponse)
def add_row(request: Request, object_key: str, rows_key: str, form: Form) -> HTMLResponse:
    """One more row at the end of a sub-form, with its defaults."""
    record_id = whole(only(form, "_record")["_record"])
    with reading(request) as work:
        object_type = object_of(work, object_key)
        if subform_of(object_type, rows_key) is None or not access.allowed(work, rows_key, "create"):
            raise Forbidden(Text("没有权限进行此操作", "You may not do this"))
        plan = forms.plan_of(work, object_type, only(form, "_form")["_form"], "create" if record_id is None else "edit")
        if not plan.has_rows(rows_key):
            raise NotFound(Text("这份表单没有这张子表", "This form has no such rows"))
        rows = rows_from(work, object_type, form)
        mine = rows.get(rows_key, ())
        more = {**rows, rows_key: [*mine, together.Row(next_token(mine), {})]}
        state, states = forms.state(work, object_type, plan, raw_of(object_type, form), more, record_id)
        made = build_with_rows(work, object_type, plan, state, states, is_new=record_id is None)
        added = next(s for s in made.subforms if s.key == rows_key)
        return fragment(request, work, "parts/row_added.html", form=made, added=added)


def _writable(work: Work, object_key: str, action: str) -> ObjectType:
    object_type = object_of(work, object_key)
    if not access.allowed(work, object_key, action):
        raise Forbidden(Text("没有权限进行此操作", "You may not do this"))
    return object_type


def seen_in(form: Any) -> frozenset[int]:
    """Ids of similar records that were shown before."""
    return frozenset(i for part in only(form, "_similar")["_similar"].split(",")[:100] if (i := whole(part)) is not None)


def _again(
    request: Request,
    object_key: str,
    form: Any,
    problems: tuple[Problem, ...],
    record_id: int | None = None,
    version: int = 0,
    similar: tuple[Similar, ...] = (),
) -> HTMLResponse:
    """The same form with what was typed and everything that is wrong with it, or the records that may be the same."""
    control = only(form, "_back", "_form")
    with reading(request) as work:
        object_type = object_of(work, object_key)
        plan = forms.plan_of(work, object_type, control["_form"], "create" if record_id is None else "edit")
        record = records.get(work, object_key, record_id) if record_id is not None else None
        state, rows = forms.state(work, object_type, plan, raw_of(object_type, form), rows_from(work, object_type, form), record_id)
        made = build_with_rows(work, object_type, plan, state, rows, problems, is_new=record_id is None)
        return _form_page(request, work, object_type, made, record, status=409 if similar else 422, version=version, back=control["_back"], similar=similar)


def _conflict(request: Request, object_key: str, record_id: int, form: Any, refused: Conflict) -> HTMLResponse:
    """Somebody saved meanwhile: what was typed stays, beside it stands what they saved."""
    control = only(form, "_back", "_form")
    with reading(request) as work:
        object_type = object_of(work, object_key)
        plan = forms.plan_of(work, object_type, control["_form"], "edit")
        try:
            record = records.get(work, object_key, record_id)
        except NotFound:
            raise refused from None
        raw = raw_of(object_type, form)
        state, rows = forms.state(work, object_type, plan, raw, rows_from(work, object_type, form), record_id)
        stored, stored_rows = forms.state(work, object_type, plan, {}, {}, record_id)
        theirs = {k: record.display.get(k, "") for k, s in state.fields.items() if k in raw and s.entry != stored.fields[k].entry and not s.readonly}
        theirs |= theirs_in_rows(rows, stored_rows)
        made = build_with_rows(work, object_type, plan, state, rows, (), theirs)
        return _form_page(request, work, object_type, made, record, status=409, conflict=refused, back=control["_back"])


def _form_page(
    request: Request,
    work: Work,
    object_type: ObjectType,
    form: RecordForm,
    record: Record | None = None,
    *,
    status: int = 200,
    version: int = 0,
    conflict: Conflict | None = None,
    back: str = "",
    kept: Draft | None = None,
    recalled: bool = False,
    similar: tuple[Similar, ...] = (),
) -> HTMLResponse:
    """`kept`: a draft of this form; `recalled`: it stands in the form."""
    at = version or (record.version if record else 0)
    cancel = local_path(back, f"/o/{object_type.key}/{record.id}" if record else f"/o/{object_type.key}")
    return page(
        request, work, "pages/form.html", status=status, area=f"o/{object_type.key}",
        object_type=object_type, form=form, record=record, version=at, conflict=conflict, back=local_path(back, ""), cancel=cancel,
        plans=_choice_of_forms(request, work, object_type, form.plan, record), form_key=key_of(form.plan), kept=kept, recalled=recalled, similar=similar,
    )  # fmt: skip


def key_of(plan: Plan) -> str:
    """How an address names a form."""
    return plan.key or STANDARD


def _choice_of_forms(request: Request, work: Work, object_type: ObjectType, plan: Plan, record: Record | None) -> list[tuple[Text, str, bool]]:
    """(title, address, the one shown) where there is a choice. What the address brought along stays."""
    found = forms.plans(work, object_type, "edit" if record else "create")
    asked = request.query_params
    others = {k: v for k, v in asked.items() if k not in {"form", "draft"} and (k != "_back" or local_path(v, ""))}
    return [(p.title, "?" + urlencode({**others, "form": key_of(p)}), p.key == plan.key) for p in found] if len(found) > 1 else []


AREA = Area(router)
