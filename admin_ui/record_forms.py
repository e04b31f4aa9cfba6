"""The form of a record: fields in their sections with state, errors and choices, as templates/parts/fields.html draws them."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import FormData

from admin_ui.formats import Formats
from server.errors import Problem, Text
from server.feature import Work
from server.features.access import departments, people
from server.features.forms.engine import Part, Plan
from server.features.objects.kind import Field, ObjectType
from server.features.records.engine import FieldState, FormState
from server.features.records.reading import reference_names
from server.fields.registry import FIELD_TYPES

CONTROL = "_"  # members of the form that are no fields begin with it
FILES = frozenset({"file", "image"})
MULTIPLE = FILES | {"multi_choice", "region"}
SHOWN_AT_ONCE = 200  # people and options a select holds


@dataclass(frozen=True)
class Choice:
    key: str
    title: str


@dataclass(frozen=True)
class Cast:
    """A box as its templates draw it: each step is HTML and the text that stands behind it."""

    steps: tuple[tuple[str, Callable[["FormField"], str]], ...]
    end: str


@dataclass(frozen=True)
class Face:
    """What of a field is the same whoever fills in the form, made once for a release. `scope` tells the ids of two forms on one page apart. `before` and
    `after` stand inside the input beside the value. `casts`: by what decides how the box looks, see boxes.py."""

    field: Field
    widget: str
    scope: str
    before: str
    after: str
    placeholder: str
    source: str  # of a reference: the address that lists records to choose from
    upload: str  # where its files are sent, when it takes files
    choices: tuple[Choice, ...]  # those that documents name
    casts: dict[Hashable, Cast]


@dataclass(frozen=True)
class FormField:
    """One field as it stands."""

    face: Face
    state: FieldState
    placeholder: str = ""
    errors: tuple[Problem, ...] = ()
    choices: tuple[Choice, ...] = ()
    chosen: tuple[str, ...] = ()
    shown: str = ""  # the name of the chosen record, the text of a computed value
    theirs: str | None = None  # what somebody else saved meanwhile
    levels: tuple[tuple[Choice, ...], ...] = ()  # region: the places of each level down to the one below the chosen

    @property
    def field(self) -> Field:
        return self.face.field

    @property
    def id(self) -> str:
        return f"{self.face.scope}f-{self.face.field.key}"

    @property
    def box(self) -> str:
        """The id of what is drawn anew when the field looks different."""
        return f"{self.face.scope}w-{self.face.field.key}"

    @property
    def wide(self) -> bool:
        return self.field.wide or self.field.type in {"long_text", "rich_text", "file", "image"}


@dataclass(frozen=True)
class FormSection:
    key: str
    title: Text
    columns: int
    help: Text | None
    fields: tuple[FormField, ...]

    @property
    def error_count(self) -> int:
        return sum(1 for f in self.fields if any(p.severity == "error" for p in f.errors))


@dataclass(frozen=True)
class FormRow:
    """One row of a sub-form. `name` is the beginning of the names of its inputs; `version` 0: it is new."""

    name: str
    version: int
    fields: tuple[FormField, ...]
    problems: tuple[Problem, ...] = ()
    gone: bool = False


@dataclass(frozen=True)
class FormRows:
    """A sub-form as it stands. `grid`: the widths of its columns for CSS."""

    key: str
    title: Text
    row_title: Text
    columns: tuple[Field, ...]
    required: frozenset[str]
    rows: tuple[FormRow, ...]
    totals: Mapping[str, str]
    grid: str
    at_most: int
    may_add: bool
    may_remove: bool
    may_move: bool
    more: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def error_count(self) -> int:
        return len(self.problems) + sum(len(r.problems) + sum(1 for f in r.fields for p in f.errors if p.severity == "error") for r in self.rows)


@dataclass(frozen=True)
class RecordForm:
    plan: Plan
    sections: tuple[FormSection, ...]
    problems: tuple[tuple[FormField | None, Problem], ...] = ()  # for the summary, in the order of the form
    shape: str = ""  # what the browser shows now, sent back with each live request
    subforms: tuple[FormRows, ...] = ()

    @property
    def fields(self) -> tuple[FormField, ...]:
        return tuple(f for s in self.sections for f in s.fields) + tuple(f for s in self.subforms for r in s.rows for f in r.fields)

    @property
    def errors(self) -> int:
        return sum(1 for _, p in self.problems if p.severity == "error")


def raw_of(object_type: ObjectType, form: FormData) -> dict[str, Any]:
    """The posted members that are fields. An unticked list of options posts its empty companion, so that "none" can be said."""
    posted: dict[str, list[str]] = {}
    for key, value in form.multi_items():
        if key in object_type.fields and not key.startswith(CONTROL):
            kept = posted.setdefault(key, [])
            if isinstance(value, str):
                kept.append(value)
    return {key: [v for v in values if v] if object_type.fields[key].type in MULTIPLE else (values[-1] if values else "") for key, values in posted.items()}


def prefill(object_type: ObjectType, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Values a link may bring along: the customer a new complaint is about."""
    return {
        k: v
        for k, v in parameters.items()
        if k in object_type.fields
        and v
        and not object_type.fields[k].computed
        and not object_type.fields[k].derived
        and object_type.fields[k].type not in MULTIPLE
    }


def build(
    work: Work,
    object_type: ObjectType,
    plan: Plan,
    state: FormState,
    problems: Iterable[Problem] = (),
    theirs: Mapping[str, str] | None = None,
    *,
    is_new: bool = False,
    scope: str = "",
    source: str = "",
) -> RecordForm:
    """`source`: where all references look for records, instead of each at its object."""
    if is_new:  # a number is given when it is left empty
        numbered = {k: replace(s, required=False) for k, s in state.fields.items() if object_type.fields[k].pattern}
        state = replace(state, fields={**state.fields, **numbered})
    by_field: dict[str, list[Problem]] = {}
    others = []
    for problem in problems:
        if problem.path in state.fields and state.fields[problem.path].visible:
            by_field.setdefault(problem.path, []).append(problem)
        else:
            others.append(_named(object_type, problem))
    known = {f.key: f for part in plan.parts for f in part.fields}
    faces = work.catalog.once(("form.faces", object_type.key, plan.key, scope, work.actor.locale), dict[str, Face])
    fields = {}
    for key, s in state.fields.items():
        field, face = known.get(key, object_type.fields[key]), faces.get(key)
        if face is None or face.field is not field or face.source != (source or _source(field)):
            face = faces[key] = face_of(work, field, scope, source, upload_path(object_type, key))
        fields[key] = form_field(work, face, s, tuple(by_field.get(key, ())), (theirs or {}).get(key))
    sections = tuple(section for part in plan.parts if (section := _section(part, fields)).fields)
    listed: list[tuple[FormField | None, Problem]] = [(f, p) for s in sections for f in s.fields for p in f.errors]
    return RecordForm(plan, sections, (*((None, p) for p in others), *listed), shape(state))


def _named(object_type: ObjectType, problem: Problem) -> Problem:
    """A problem of a field that this form does not show says which one it is about."""
    field = object_type.fields.get(problem.path)
    if field is None:
        return problem
    return replace(problem, message=Text(f"{field.title.zh}：{problem.message.zh}", f"{field.title.en}: {problem.message.en}"))


def _section(part: Part, fields: Mapping[str, FormField]) -> FormSection:
    return FormSection(part.key, part.title, max(1, min(part.columns, 3)), part.help, tuple(fields[f.key] for f in part.fields if f.key in fields))


def upload_path(object_type: ObjectType, key: str) -> str:
    return f"/files/upload/{object_type.key}/{key}" if object_type.fields[key].type in FILES else ""


NUMBERS = frozenset({"integer", "number", "decimal"})


def face_of(work: Work, field: Field, scope: str = "", source: str = "", upload: str = "") -> Face:
    locale = work.actor.locale
    return Face(
        field,
        FIELD_TYPES[field.type].widget,
        scope,
        field.prefix.of(locale) if field.prefix else "",
        _after(work, field),
        field.placeholder.of(locale) if field.placeholder else "",
        source or _source(field),
        upload,
        tuple(Choice(o.key, o.title.of(locale)) for o in field.options) if field.type in {"choice", "multi_choice"} else (),
        {},
    )


def _source(field: Field) -> str:
    return f"/o/{field.reference}/options"


def form_field(work: Work, face: Face, state: FieldState, errors: tuple[Problem, ...] = (), theirs: str | None = None) -> FormField:
    field, choices = face.field, face.choices
    chosen: tuple[str, ...] = ()
    levels: tuple[tuple[Choice, ...], ...] = ()
    shown = ""
    if choices:
        chosen = _chosen(state)
    elif field.type == "region":
        chosen = _chosen(state)
        levels = _levels(field, chosen, work.actor.locale)
    elif field.type == "user":
        choices = _people(work, state.entry)
    elif field.type == "department":
        choices = _departments(work, state.entry)
    elif field.type == "reference":
        shown = _referenced(work, field, state)
    if state.readonly:
        shown = _read_text(work, field, state, shown)
    return FormField(face, state, state.placeholder or face.placeholder, errors, choices, chosen, shown, theirs, levels)


def _after(work: Work, field: Field) -> str:
    if field.suffix:
        return field.suffix.of(work.actor.locale)
    if field.type == "percent":
        return "%"
    return Formats(work.actor.locale, work.zone).unit(field.unit) if field.type in NUMBERS and field.unit not in {"", "count"} else ""


def _chosen(state: FieldState) -> tuple[str, ...]:
    if isinstance(state.value, list | tuple):
        return tuple(str(v) for v in state.value)
    return (state.entry,) if state.entry else ()


def _levels(field: Field, chosen: Sequence[str], locale: str) -> tuple[tuple[Choice, ...], ...]:
    below: dict[str, list[Choice]] = {}
    for o in field.options:
        below.setdefault(o.parent, []).append(Choice(o.key, o.title.of(locale)))
    return tuple(tuple(below[key]) for key in ("", *chosen) if key in below)


def levels(work: Work, field: Field, posted: Sequence[str]) -> FormField:
    """The selects of a region as they are after a choice: what no longer lies in the level above falls away."""
    value = FIELD_TYPES[field.type].parse(field, list(posted))
    way = None if isinstance(value, Problem) else value
    return form_field(work, face_of(work, field), FieldState(True, field.required, False, way, ""))


def _people(work: Work, entry: str) -> tuple[Choice, ...]:
    """Everybody who can sign in, and whoever is chosen already."""
    found = [Choice(u.username, u.name) for u in people.users(work) if u.active or u.username == entry]
    if entry and entry not in {c.key for c in found}:
        found.append(Choice(entry, entry))
    return tuple(found[:SHOWN_AT_ONCE])


def _departments(work: Work, entry: str) -> tuple[Choice, ...]:
    """Those that are open, as a tree, and the one that is chosen already."""
    locale = work.actor.locale
    return tuple(Choice(d.key, "\u3000" * d.depth + d.title.of(locale)) for d in departments.departments(work) if d.open or d.key == entry)


def _referenced(work: Work, field: Field, state: FieldState) -> str:
    if isinstance(state.value, int):
        return reference_names(work, field.reference, [state.value]).get(state.value, f"#{state.value}")
    return state.entry  # typed and not chosen


def _read_text(work: Work, field: Field, state: FieldState, shown: str) -> str:
    if state.value is None:
        return ""
    if field.type == "reference":
        return shown
    if field.type == "user":
        return people.user_names(work).get(str(state.value), str(state.value))
    if field.type == "department":
        title = departments.department_titles(work).get(str(state.value))
        return title.of(work.actor.locale) if title else str(state.value)
    if isinstance(state.value, str) and field.type not in {"text", "long_text", "rich_text", "serial", "choice", "email", "phone", "link"}:
        return state.value  # covered
    return FIELD_TYPES[field.type].text(field, state.value, work.actor.locale, work.zone)


# -- The live form -----------------------------------------------------------------------------------------------------------


def shape(state: FormState) -> str:
    """What of each field follows from rules, in short: the browser sends it back, and only what differs is sent again."""
    return json.dumps({key: mark(s) for key, s in state.fields.items()}, separators=(",", ":"), ensure_ascii=False)


def mark(s: FieldState) -> str:
    flags = f"{int(s.visible)}{int(s.required)}{int(s.readonly)}"
    return flags + ("=" + str(s.value) if s.readonly else s.placeholder)


def moved(before: str, after: str) -> frozenset[str]:
    """Keys of fields that look different now. A shape that cannot be read means all of them."""
    now = json.loads(after)
    try:
        old = json.loads(before)
    except ValueError:
        old = {}
    if not isinstance(old, dict):
        old = {}
    return frozenset(key for key in now if old.get(key) != now[key])
