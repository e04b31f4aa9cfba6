"""The rows of sub-forms: what a form posted about them, and how they are drawn. Inputs are named object-row-field."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from starlette.datastructures import FormData

from admin_ui.posted import whole
from admin_ui.record_forms import FormField, FormRow, FormRows, RecordForm, build, face_of, form_field, mark, raw_of, upload_path
from server.errors import Problem, Text
from server.feature import Work
from server.features.forms.engine import Plan
from server.features.objects.kind import Field, ObjectType
from server.features.objects.subforms import subform_of, title_of_rows
from server.features.records.engine import FormState
from server.features.records.rows import MOST
from server.features.records.together import Row, Rows, RowState, SubformState, is_token, place

VERSION, GONE = "_version", "_gone"
NARROW = frozenset({"integer", "number", "decimal", "percent", "date", "yes_no"})
WHOLE_ROW = frozenset({"long_text", "file", "image"})


def rows_from(work: Work, object_type: ObjectType, form: FormData) -> Rows:
    """The posted rows, in the order in which the form had them."""
    posted: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for name, value in form.multi_items():
        key, _, rest = name.partition("-")
        token, _, field = rest.partition("-")
        if field and isinstance(value, str) and is_token(token) and subform_of(object_type, key):
            posted.setdefault(key, {}).setdefault(token, []).append((field, value))
    return {key: _rows(work.catalog.get("object", key), tokens) for key, tokens in posted.items() if work.catalog.get("object", key)}


def _rows(child: ObjectType, tokens: Mapping[str, list[tuple[str, str]]]) -> list[Row]:
    found = []
    for token, members in list(tokens.items())[: MOST + 1]:  # one too many is told, a million are not read
        control = dict(members)
        found.append(Row(token, raw_of(child, FormData([*members])), whole(control.get(VERSION, "")) or 0, control.get(GONE) == "1"))
    return found


def next_token(rows: Iterable[Row]) -> str:
    return f"n{max((int(r.token.removeprefix('n')) for r in rows if r.id is None), default=0) + 1}"


def build_with_rows(
    work: Work,
    object_type: ObjectType,
    plan: Plan,
    state: FormState,
    subforms: Iterable[SubformState],
    problems: Iterable[Problem] = (),
    theirs: Mapping[str, str] | None = None,
    *,
    is_new: bool = False,
    scope: str = "",
    source: str = "",
) -> RecordForm:
    """The record's form as `build` makes it, with its sub-forms; problems of rows are found by their places."""
    states = tuple(subforms)
    keys = {s.object_type.key for s in states}
    found = list(problems)
    mine = [p for p in found if p.path.split("-")[0] in keys and p.path not in object_type.fields]
    form = build(work, object_type, plan, state, [p for p in found if p not in mine], theirs, is_new=is_new, scope=scope, source=source)
    if not states:
        return form
    drawn = tuple(_subform(work, s, mine, theirs or {}) for s in states)
    listed = [pair for s in drawn for pair in _listed(s)]
    shape = {**json.loads(form.shape), **{k: v for s, d in zip(states, drawn, strict=True) for k, v in _shape(s, d).items()}}
    return replace(
        form, problems=(*form.problems, *listed), subforms=drawn, shape=json.dumps(shape, separators=(",", ":"), ensure_ascii=False)
    )  # fmt: skip


def _subform(work: Work, state: SubformState, problems: Iterable[Problem], theirs: Mapping[str, str]) -> FormRows:
    subform, child = state.subform, state.object_type
    by_place: dict[str, list[Problem]] = {}
    for problem in problems:
        by_place.setdefault(problem.path, []).append(problem)
    some = state.rows[0].state.fields if state.rows else {}
    columns = tuple(child.fields[k] for k in subform.columns if k in child.fields and (not some or k in some))
    rows = tuple(_row(work, child, columns, row, by_place, theirs) for row in state.rows)
    return FormRows(
        key=child.key,
        title=title_of_rows(subform, child),
        row_title=child.title,
        columns=columns,
        required=frozenset(f.key for f in columns if f.required),
        rows=rows,
        totals=state.totals,
        grid=" ".join(_width(f) for f in columns if f.type not in WHOLE_ROW) or "minmax(0,1fr)",
        at_most=subform.at_most,
        may_add=state.may_add,
        may_remove=state.may_remove,
        may_move=bool(subform.order) and state.may_edit,
        more=state.more,
        problems=tuple(by_place.get(child.key, ())),
    )


def _width(field: Field) -> str:
    return "minmax(104px,1fr)" if field.type in NARROW else "minmax(128px,2fr)"


def _row(work: Work, child: ObjectType, columns: Iterable[Field], row: RowState, problems: Mapping[str, list[Problem]], theirs: Mapping[str, str]) -> FormRow:
    name = place(child.key, row.token)
    fields, placed = [], {name}
    for field in columns:
        state, path = row.state.fields[field.key], place(child.key, row.token, field.key)
        if row.values is None and field.pattern:
            state = replace(state, required=False)  # a number is given when it is left empty
        errors = tuple(problems.get(path, ())) if state.visible else ()
        placed |= {path} if state.visible else set()
        face = face_of(work, replace(field, key=path), upload=upload_path(child, field.key))
        fields.append(form_field(work, face, state, errors, theirs.get(path)))
    others = tuple(p for path, found in problems.items() if (path == name or path.startswith(name + "-")) and path not in placed for p in found)
    return FormRow(name, row.version, tuple(fields), (*problems.get(name, ()), *others), row.gone)


def _listed(rows: FormRows) -> list[tuple[FormField | None, Problem]]:
    """For the summary: each with the number of its row, as people count them."""
    found: list[tuple[FormField | None, Problem]] = [(None, p) for p in rows.problems]
    shown = [r for r in rows.rows if not r.gone]
    for i, row in enumerate(shown):
        head = Text(f"{rows.title.zh}第 {i + 1} 行", f"{rows.title.en}, row {i + 1}")
        found += [(None, replace(p, message=Text(f"{head.zh}：{p.message.zh}", f"{head.en}: {p.message.en}"))) for p in row.problems]
        for f in row.fields:
            title = Text(f"{head.zh} {f.field.title.zh}", f"{head.en}, {f.field.title.en}")
            found += [(replace(f, face=replace(f.face, field=replace(f.field, title=title))), p) for p in f.errors]
    return found


def _shape(state: SubformState, drawn: FormRows) -> dict[str, str]:
    """Of the cells, and of the totals under them, what follows from rules."""
    marks = {drawn.key: json.dumps(dict(state.totals), ensure_ascii=False)}
    for row in drawn.rows:
        marks |= {f.field.key: mark(f.state) for f in row.fields}
    return marks


def theirs_in_rows(mine: Iterable[SubformState], stored: Iterable[SubformState]) -> dict[str, str]:
    """By input: what is stored where the form says something else."""
    now = {place(s.object_type.key, r.token, k): f for s in stored for r in s.rows for k, f in r.state.fields.items()}
    typed = {place(s.object_type.key, r.token, k): f for s in mine for r in s.rows for k, f in r.state.fields.items()}
    return {path: now[path].entry for path, f in typed.items() if path in now and not f.readonly and f.entry != now[path].entry}
