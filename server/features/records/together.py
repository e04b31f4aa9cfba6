"""A record and the rows of its sub-forms, saved as one: validated together, all errors at once, one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Problem, Stale, Text
from server.feature import Saved, Work
from server.features.objects.contract_check import contract_of
from server.features.objects.contract_reading import take_apart
from server.features.objects.engine import expression_values, table
from server.features.objects.kind import ObjectType, Subform
from server.features.objects.subforms import parents_of
from server.features.records.engine import FormState
from server.features.records.reading import no_record, object_of, refuse_unless, row_of
from server.features.records.rights import can, rights
from server.features.records.rows import MOST, carried, remove, stored_rows, subforms_of, total, total_text
from server.features.records.rules import Values
from server.features.records.service import form_of, number, prepare, write_system
from server.features.records.writing import Revision, insert_rows, refuse, revision, same_version, taken, tell, update_rows
from server.fields.registry import FIELD_TYPES

TOKEN_DIGITS = 15


@dataclass(frozen=True)
class Row:
    """One row as a form gives it. `token` names it in places of problems: the id of a stored row, n and a number for a new one."""

    token: str
    raw: Mapping[str, Any]
    version: int = 0
    gone: bool = False

    @property
    def id(self) -> int | None:
        return int(self.token) if self.token.isdigit() else None


Rows = Mapping[str, Sequence[Row]]  # by the key of the rows' object, in their order


def place(object_key: str, token: str, field: str = "") -> str:
    """Where a problem of a row is. Keys have no hyphens, so that it can be taken apart again."""
    return "-".join(p for p in (object_key, token, field) if p)


def is_token(text: str) -> bool:
    digits = text.removeprefix("n")
    return digits.isascii() and digits.isdigit() and len(digits) <= TOKEN_DIGITS


# -- Saving --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """One sub-form while it is saved."""

    subform: Subform
    child: ObjectType
    kept: tuple[Row, ...]
    befores: tuple[Mapping[str, Any] | None, ...]
    gone: tuple[Mapping[str, Any], ...]
    others: tuple[Mapping[str, Any], ...]  # stored rows that the form does not speak of


def save(work: Work, object_key: str, raw: Mapping[str, Any], rows: Rows, record_id: int | None = None, version: int = 0) -> int:
    """A new record (no id) or a changed one with its rows, all or nothing; gives the record's id.

    Raises Invalid with the problems of the record and of every row (see `place`), Conflict when somebody saved any of them meanwhile.
    """
    object_type = object_of(work, object_key)
    before = None
    if record_id is None:
        refuse_unless(work, object_key, "create")
    else:
        before = row_of(work, object_key, record_id, lock=True, live=True)
        if before is None:
            raise no_record()
        refuse_unless(work, object_key, "edit", before)
        same_version(work, before, version)
    for key, given in rows.items():
        if any(r.id is None for r in given):
            refuse_unless(work, key, "create")
    parts = [_part(work, s, child, rows[child.key], record_id) for s, child in subforms_of(work, object_type) if child.key in rows]
    values, problems, prepared = _validated(work, object_type, raw, before, parts)
    refuse(problems)
    if before is None:
        refuse_unless(work, object_key, "create", values)
        number(work, object_type, [values])
    removed = [remove(work, part.child, part.gone) for part in parts]  # first: what is unique becomes free
    changed = [_changes(part, found) for part, found in zip(parts, prepared, strict=True)]
    is_touched = any(part.gone for part in parts) or any(new or old for new, old in changed)
    saved_id = _save_record(work, object_type, before, values, touched=is_touched)
    for part, (new, old), gone in zip(parts, changed, removed, strict=True):
        _save_rows(work, part, new, old, gone, saved_id)
    return saved_id


def check(work: Work, object_key: str, raw: Mapping[str, Any], rows: Rows) -> tuple[list[Problem], Values, dict[str, list[Values]]]:
    """What would be wrong with a new record and its rows, and the values they would have; nothing is written and nothing else is looked up."""
    object_type = object_of(work, object_key)
    parts = [_part(work, s, child, rows[child.key], None) for s, child in subforms_of(work, object_type) if child.key in rows]
    values, problems, prepared = _validated(work, object_type, raw, None, parts)
    return problems, values, {part.child.key: mine for part, mine in zip(parts, prepared, strict=True)}


def save_document(work: Work, object_key: str, document: Any) -> int:
    """A new record from a document of the object's outside schema. Raises Invalid with everything the schema or the fields have against it."""
    object_type = object_of(work, object_key)
    contract = contract_of(work.catalog, object_type)
    if contract is None:
        raise AppError(Text(f"“{object_type.title.zh}”没有外部模式", f"{object_type.title.en} has no outside schema"))
    apart = take_apart(contract, document)
    refuse(apart.problems)
    rows = {key: [Row(f"n{i + 1}", raw) for i, raw in enumerate(items)] for key, items in apart.rows.items()}
    return save(replace(work, cause="api"), object_key, apart.raw, rows)


def _part(work: Work, subform: Subform, child: ObjectType, rows: Sequence[Row], record_id: int | None) -> _Part:
    stored = {row["id"]: row for row in (stored_rows(work, subform, child, record_id, lock=True) if record_id is not None else ())}
    for row in rows:
        if row.id is not None and row.id not in stored:
            if row.gone:
                continue
            raise Stale(Text(f"“{child.title.zh}”中有一行已被删除", f"A row of {child.title.en} was deleted meanwhile"), _LOOK)
        if row.id is not None:
            same_version(work, stored[row.id], row.version)
    kept = tuple(r for r in rows if not r.gone and not (r.id is None and _blank(child, r)))
    gone = tuple(stored[r.id] for r in rows if r.gone and r.id in stored)
    spoken = {r.id for r in rows}
    return _Part(subform, child, kept, tuple(stored.get(r.id or 0) for r in kept), gone, tuple(v for i, v in stored.items() if i not in spoken))


_LOOK = Text("请查看现在的内容后再保存", "Look at it as it is now, then save again")


def _blank(child: ObjectType, row: Row) -> bool:
    """A new row in which nobody wrote anything."""
    for key, value in row.raw.items():
        field = child.fields.get(key)
        if field is None or value in ("", None, []):
            continue
        if field.default is None or value != FIELD_TYPES[field.type].entry(field, field.default):
            return False
    return True


def _validated(
    work: Work, object_type: ObjectType, raw: Mapping[str, Any], before: Mapping[str, Any] | None, parts: Sequence[_Part]
) -> tuple[Values, list[Problem], list[list[Values]]]:
    """The record's values and the rows', with everything that is wrong. Rows see the record as it will be, the record its totals."""
    ((values, problems),) = prepare(work, object_type, [(raw, before)])
    found: list[Problem] = []
    prepared: list[list[Values]] = []
    sums: dict[str, Any] = {}
    for part in parts:
        mine = _rows_prepared(work, object_type, part, values, found)
        prepared.append(mine)
        sums |= carried(object_type, part.subform, part.child, [*mine, *part.others])
    sums = _writable_sums(work, object_type, sums)
    if sums or object_type.contract is not None:
        given = {part.child.key: _told(part, mine) for part, mine in zip(parts, prepared, strict=True)}
        ((values, problems),) = prepare(work, object_type, [({**raw, **_entries(object_type, sums)}, before)], rows=given)
    bad = {p.path for p in found}
    problems = tuple(p for p in problems if p.path not in bad)
    return values, [*problems, *found], prepared


def _told(part: _Part, mine: Sequence[Values]) -> list[tuple[str, Mapping[str, Any]]]:
    """The rows as they will be, each with the token its problems are placed at."""
    return [*((row.token, values) for row, values in zip(part.kept, mine, strict=True)), *((str(o["id"]), o) for o in part.others)]


def _rows_prepared(work: Work, object_type: ObjectType, part: _Part, parent: Mapping[str, Any], found: list[Problem]) -> list[Values]:
    child, subform = part.child, part.subform
    items = [(_own(subform, row.raw), before) for row, before in zip(part.kept, part.befores, strict=True)]
    done = prepare(work, child, items, parents={subform.link: expression_values(object_type, parent)})
    for row, (_, problems) in zip(part.kept, done, strict=True):
        found += [replace(p, path=place(child.key, row.token, p.path)) for p in problems if p.path != subform.link]
    rows = [values for values, _ in done]
    for i, values in enumerate(rows):
        if subform.order:
            values[subform.order] = i + 1
    found += _count_problems(subform, child, len(rows) + len(part.others))
    return rows


def _own(subform: Subform, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a row may say: which record it belongs to and its place follow from the form."""
    return {k: v for k, v in raw.items() if k not in (subform.link, subform.order)}


def _count_problems(subform: Subform, child: ObjectType, count: int) -> Iterable[Problem]:
    if count < subform.at_least:
        zh, en = f"“{child.title.zh}”至少要有 {subform.at_least} 行，现有 {count} 行", f"{child.title.en}: at least {subform.at_least} rows; there are {count}"
        yield Problem(child.key, Text(zh, en), code="min_rows")
    if count > subform.at_most:
        zh, en = f"“{child.title.zh}”最多 {subform.at_most} 行，现有 {count} 行", f"{child.title.en}: at most {subform.at_most} rows; there are {count}"
        yield Problem(child.key, Text(zh, en), code="max_rows")


def _writable_sums(work: Work, object_type: ObjectType, sums: Mapping[str, Any]) -> dict[str, Any]:
    """Totals that this person's own form may carry; the others are written by the system when the rows are saved."""
    allowed = rights(work, object_type.key)
    return {k: v for k, v in sums.items() if k not in allowed.hidden | allowed.readonly and not object_type.fields[k].readonly}


def _entries(object_type: ObjectType, sums: Mapping[str, Any]) -> dict[str, Any]:
    return {k: FIELD_TYPES[object_type.fields[k].type].json(object_type.fields[k], v) if not isinstance(v, int) else v for k, v in sums.items()}


_New = list[Values]
_Old = list[tuple[Mapping[str, Any], Values]]


def _changes(part: _Part, rows: Sequence[Values]) -> tuple[_New, _Old]:
    """New rows, and stored ones that differ."""
    new = [values for values, before in zip(rows, part.befores, strict=True) if before is None]
    old = [(before, values) for values, before in zip(rows, part.befores, strict=True) if before is not None]
    link = part.subform.link
    for before, values in old:
        values[link] = before[link]
    return new, [(before, values) for before, values in old if revision(part.child, before["id"], before, values).changed]


def _save_record(work: Work, object_type: ObjectType, before: Mapping[str, Any] | None, values: Values, *, touched: bool) -> int:
    """The record first: its rows refer to it. One of which only rows changed gets a new version all the same, so that two forms cannot cross."""
    if before is None:
        (record_id,) = insert_rows(work, object_type, [values])
        tell(work, object_type, [record_id], [], [values])
        return record_id
    change = revision(object_type, before["id"], before, values)
    if change.changed:
        refuse([p for found in taken(work, object_type, [(change.id, values)]).values() for p in found])
    if change.changed or touched:
        update_rows(work, object_type, [change])
    if change.changed:
        tell(work, object_type, [], [change])
    return change.id


def _save_rows(work: Work, part: _Part, new: _New, old: _Old, gone: Sequence[Revision], record_id: int) -> None:
    """Written, then told once: whoever listens sees the record and all its rows as they are now."""
    child = part.child
    for before, _ in old:
        refuse_unless(work, child.key, "edit", before)
    for values in new:
        values[part.subform.link] = record_id
        refuse_unless(work, child.key, "create", values)
    number(work, child, new)
    everyone: list[tuple[int | None, Values]] = [*((before["id"], values) for before, values in old), *((None, values) for values in new)]
    tokens = _tokens(part, old, new)
    found = taken(work, child, everyone)
    refuse([replace(p, path=place(child.key, tokens[i], p.path)) for i, problems in found.items() for p in problems])
    revisions = [revision(child, before["id"], before, values) for before, values in old]
    update_rows(work, child, revisions)
    ids = insert_rows(work, child, new)
    tell(work, child, ids, [*gone, *revisions], new)


def _tokens(part: _Part, old: _Old, new: _New) -> list[str]:
    fresh = [row.token for row in part.kept if row.id is None]
    return [str(before["id"]) for before, _ in old] + fresh[: len(new)]


# -- Totals kept in the record ----------------------------------------------------------------------------------------------------


def carry(work: Work, saved: Saved) -> None:
    """Whichever way rows were written: the totals that their records keep follow, in the same transaction."""
    for parent, subform in parents_of(work.catalog, saved.object):
        if any(t.into for t in subform.totals):
            _carry(work, parent, subform, work.catalog.get("object", saved.object), saved)


def _carry(work: Work, parent: ObjectType, subform: Subform, child: ObjectType, saved: Saved) -> None:
    source, target = table(child, work.catalog), table(parent, work.catalog)
    touched = {before[subform.link] for before in saved.before.values() if before.get(subform.link) is not None}
    touched |= set(work.session.execute(sa.select(source.c[subform.link]).where(source.c.id.in_(saved.ids))).scalars())
    touched.discard(None)
    columns = [source.c[t.column] for t in subform.totals if t.into]
    rows: dict[int, list[Mapping[str, Any]]] = {}
    query = sa.select(source.c[subform.link].label("·of"), *columns).where(source.c[subform.link].in_(sorted(touched)), source.c.deleted_at.is_(None))
    for row in work.session.execute(query).mappings():
        rows.setdefault(row["·of"], []).append(dict(row))
    kept = [target.c[t.into] for t in subform.totals if t.into]
    stored = sa.select(target.c.id, *kept).where(target.c.id.in_(sorted(rows)), target.c.deleted_at.is_(None))
    for now in work.session.execute(stored).mappings().all():
        sums = carried(parent, subform, child, rows[now["id"]])
        if any(now[key] != value for key, value in sums.items()):
            write_system(work, parent.key, now["id"], sums)


# -- The live form ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RowState:
    """One row of a form as it stands; `version` 0: it is new."""

    token: str
    version: int
    state: FormState
    gone: bool = False
    values: Mapping[str, Any] | None = None  # as stored, None for a new row


@dataclass(frozen=True)
class SubformState:
    subform: Subform
    object_type: ObjectType
    rows: tuple[RowState, ...]
    totals: Mapping[str, str]
    may_add: bool
    may_edit: bool
    may_remove: bool
    more: bool = False  # too many rows for a form: they can only be looked at

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Of the values given, in the places of their rows."""
        return tuple(replace(p, path=place(self.object_type.key, r.token, p.path)) for r in self.rows if not r.gone for p in r.state.problems)


def form(work: Work, object_key: str, raw: Mapping[str, Any], rows: Rows, record_id: int | None = None) -> tuple[FormState, tuple[SubformState, ...]]:
    """A form with its rows as it stands: those given, then stored ones that were not."""
    object_type = object_of(work, object_key)
    before = None if record_id is None else row_of(work, object_key, record_id, live=True)
    if record_id is not None and before is None:
        raise no_record()
    shown, whole = form_of(work, object_type, raw, before)
    parent = expression_values(object_type, {**(before or {}), **{k: s.value for k, s in whole.fields.items()}})
    states, sums = [], dict[str, Any]()
    for subform, child in subforms_of(work, object_type):
        state, found = _subform_state(work, subform, child, parent, rows.get(child.key, ()), record_id)
        states.append(state)
        sums |= carried(object_type, subform, child, found)
    sums = _writable_sums(work, object_type, sums)
    if sums:
        kinds = {k: FIELD_TYPES[object_type.fields[k].type] for k in sums}
        entries = {k: kinds[k].entry(object_type.fields[k], kinds[k].from_expression(object_type.fields[k], v)) for k, v in sums.items()}
        shown, _ = form_of(work, object_type, {**raw, **entries}, before)
        shown = replace(shown, fields={k: replace(s, readonly=True, required=False) if k in sums else s for k, s in shown.fields.items()})
    return shown, tuple(states)


def _subform_state(
    work: Work, subform: Subform, child: ObjectType, parent: Mapping[str, Any], given: Sequence[Row], record_id: int | None
) -> tuple[SubformState, list[Mapping[str, Any]]]:
    """The state, and the values of the rows that stay."""
    stored = {row["id"]: row for row in (stored_rows(work, subform, child, record_id) if record_id is not None else ())}
    asked = [*given, *(Row(str(i), {}) for i in stored if i not in {r.id for r in given})]
    is_long = len(stored) > MOST
    may_edit = can(work, child.key, "edit") and not is_long
    states: list[RowState] = []
    kept: list[Mapping[str, Any]] = []
    for row in asked[:MOST]:
        before = stored.get(row.id or 0)
        if row.id is not None and before is None:
            if row.gone:
                continue
            row = replace(row, token=_fresh(asked, row.id))  # deleted meanwhile; what was typed stays, as a new row
        locked = before is not None and not may_edit
        shown, whole = form_of(work, child, {} if locked else _own(subform, row.raw), before, {subform.link: parent})
        if locked:
            shown = replace(shown, fields={k: replace(s, readonly=True) for k, s in shown.fields.items()})
        states.append(RowState(row.token, before["version"] if before else 0, shown, row.gone, before))
        if not row.gone:
            kept.append({k: s.value for k, s in whole.fields.items()})
    covered = rights(work, child.key).covered
    sums = {t.column: total_text(work, child, t.column, total(child, t.column, kept)) for t in subform.totals if t.column not in covered}
    may_add = can(work, child.key, "create") and not is_long
    may_remove = can(work, child.key, "delete") and not is_long
    return SubformState(subform, child, tuple(states), sums, may_add, may_edit, may_remove, is_long), kept


def _fresh(rows: Sequence[Row], wanted: int) -> str:
    taken_tokens = {r.token for r in rows}
    while f"n{wanted}" in taken_tokens:
        wanted += 1
    return f"n{wanted}"
