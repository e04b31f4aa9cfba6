"""Filling in a record by a form: which forms a person has, what stands in them, and saving. The rules are the object's, see records."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.errors import Conflict, Invalid, NotFound, Problem, Text
from server.feature import Work
from server.features.duplicates import service as duplicates
from server.features.duplicates.service import Similar
from server.features.forms import drafts, engine
from server.features.forms.engine import QUICK, STANDARD, STANDARD_ORDER, Plan
from server.features.forms.kind import FormType
from server.features.objects.kind import ObjectType
from server.features.records import service as records
from server.features.records import together
from server.features.records.engine import REQUIRED, FormState
from server.features.records.together import Rows, SubformState

NO_ROWS: Rows = {}


def plans(work: Work, object_type: ObjectType, use: str) -> tuple[Plan, ...]:
    """The forms the actor may choose from for `use` (create or edit), the one that opens first; there is always one."""
    mine = engine.fitting(work.catalog.all("form"), object_type.key, use, work.actor.roles)
    before = tuple(_plan(work, object_type, form) for form in mine if form.order < STANDARD_ORDER)
    after = tuple(_plan(work, object_type, form) for form in mine if form.order >= STANDARD_ORDER)
    own = () if any(form.instead for form in mine) else (standard(work, object_type),)
    return (*before, *own, *after)


def plan_of(work: Work, object_type: ObjectType, key: str, use: str) -> Plan:
    """One of them by its key; "" is the one that opens, "-" the standard form, "+" the short one. A form that is not for the actor is not there."""
    if key == QUICK and use == "create":
        return engine.quick(object_type)
    found = plans(work, object_type, use)
    if not key:
        return found[0]
    wanted = "" if key == STANDARD else key
    for plan in found:
        if plan.key == wanted:
            return plan
    raise NotFound(Text("没有这份表单，或它不是给您用的", "There is no such form, or it is not for you"))


def standard(work: Work, object_type: ObjectType) -> Plan:
    memo = ("forms.plan", object_type.key, "")
    if memo not in work.catalog.memo:
        work.catalog.memo[memo] = engine.standard(object_type)
    found: Plan = work.catalog.memo[memo]
    return found


def _plan(work: Work, object_type: ObjectType, form: FormType) -> Plan:
    memo = ("forms.plan", object_type.key, form.key)
    if memo not in work.catalog.memo:
        work.catalog.memo[memo] = engine.plan(object_type, form)
    found: Plan = work.catalog.memo[memo]
    return found


def public_plan(work: Work, object_type: ObjectType, form: FormType) -> Plan:
    return _plan(work, object_type, form)


def given(plan: Plan, raw: Mapping[str, Any], record_id: int | None) -> dict[str, Any]:
    """What a posted form means: its own fields as posted; for a new record also the preset values of fields it does not show."""
    mine = {key: value for key, value in raw.items() if not plan.key or key in plan.keys}
    if record_id is not None:
        return mine
    return {**{key: value for key, value in plan.preset.items() if key not in plan.keys}, **mine}


def state(
    work: Work, object_type: ObjectType, plan: Plan, raw: Mapping[str, Any], rows: Rows = NO_ROWS, record_id: int | None = None
) -> tuple[FormState, tuple[SubformState, ...]]:
    """The form with its rows as it stands. Its fields only; what they demand on top of the object's rules is marked required."""
    found, subforms = together.form(work, object_type.key, given(plan, raw, record_id), rows, record_id)
    fields = {k: replace(s, required=s.required or (k in plan.required and not s.readonly)) for k, s in found.fields.items() if k in plan.keys}
    return replace(found, fields=fields), tuple(s for s in subforms if plan.has_rows(s.object_type.key))


def start(plan: Plan, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Values a new form begins with: the preset ones, then those the address asks for."""
    return {**{k: v for k, v in plan.preset.items() if k in plan.keys}, **asked}


class MaybeTwice(Conflict):
    """Other records may be the same; the person decides. Nothing is kept: what was written goes with the transaction."""

    def __init__(self, similar: tuple[Similar, ...]) -> None:
        super().__init__(Text("可能已有这条记录，还没有保存", "There may be such a record already; not saved yet"))
        self.similar = similar


def save(
    work: Work,
    object_type: ObjectType,
    plan: Plan,
    raw: Mapping[str, Any],
    rows: Rows = NO_ROWS,
    record_id: int | None = None,
    version: int = 0,
    seen: frozenset[int] | None = None,
) -> int:
    """A new record (no id) or a changed one with its rows; its draft is gone. Raises Invalid with what the form demands and what the object does, at once.

    `seen`: ids of similar records the person knows of and saves beside; others raise MaybeTwice. None: nobody is there to be asked.
    """
    before = duplicates.texts(work, object_type, record_id) if record_id is not None and seen is not None else {}
    missing = _missing(work, object_type, plan, raw, rows, record_id)
    mine = {key: found for key, found in rows.items() if plan.has_rows(key)}
    try:
        saved_id = together.save(work, object_type.key, given(plan, raw, record_id), mine, record_id, version)
    except Invalid as refused:
        known = {p.path for p in refused.problems}
        raise Invalid((*(p for p in missing if p.path not in known), *refused.problems)) from None
    if missing:
        raise Invalid(missing)  # what was written goes with the transaction
    found = duplicates.similar(work, object_type, saved_id, before) if seen is not None else ()
    if any(other.id not in (seen or ()) for other in found):
        raise MaybeTwice(found)
    drafts.discard(work, object_type.key, record_id, plan.key)
    return saved_id


def named(plan: Plan, records_named: Mapping[str, int]) -> Plan:
    """The plan of a public link that names records: they are stored with what the visitor sends."""
    return replace(plan, preset={**plan.preset, **records_named})


def check(work: Work, object_type: ObjectType, plan: Plan, raw: Mapping[str, Any], rows: Rows = NO_ROWS, record_id: int | None = None) -> tuple[Problem, ...]:
    """What saving the record would say, without saving."""
    problems = records.check(work, object_type.key, given(plan, raw, record_id), record_id)
    known = {p.path for p in problems}
    return (*(p for p in _missing(work, object_type, plan, raw, rows, record_id) if p.path not in known), *problems)


def _missing(work: Work, object_type: ObjectType, plan: Plan, raw: Mapping[str, Any], rows: Rows, record_id: int | None) -> list[Problem]:
    if not plan.required:
        return []
    now = {k: s for k, s in state(work, object_type, plan, raw, rows, record_id)[0].fields.items() if k in plan.required}
    empty = [k for k, s in now.items() if s.visible and not s.readonly and not s.entry.strip() and not s.placeholder]
    return [Problem(k, REQUIRED, code="required") for k in empty]
