"""Records: create, change, delete, look up. Every write goes through the one validation, keeps history and audit, and tells the hooks."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from server.errors import Problem, Text
from server.feature import Work
from server.features.access.departments import UNKNOWN
from server.features.files.service import resolved
from server.features.objects.contract import Contract, RowValues, unjudged
from server.features.objects.contract import problems as contract_problems
from server.features.objects.contract_check import contract_of
from server.features.objects.engine import table
from server.features.objects.kind import Field, ObjectType
from server.features.records.deleting import delete, undelete
from server.features.records.engine import UNKNOWN_MEMBER, FormState, form_state, judge, parse
from server.features.records.history import Change, history
from server.features.records.listing import Page, ResultColumns, query
from server.features.records.reading import Record, live_columns, no_record, object_of, readable, records_of, refuse_unless, row_of, stored_columns, values_of
from server.features.records.references import chosen_ids, departments_of, existing, is_known, permitted_only, referenced, with_rollups
from server.features.records.referring import related
from server.features.records.rights import mask, rights
from server.features.records.rules import Values, reading_of
from server.features.records.writing import insert_rows, refuse, revision, same_version, take_numbers, taken, tell, update_rows

__all__ = [
    "Change",
    "Page",
    "Record",
    "ResultColumns",
    "check",
    "create",
    "create_many",
    "delete",
    "form",
    "get",
    "history",
    "options",
    "query",
    "refresh",
    "related",
    "undelete",
    "update",
    "write_system",
]
NO_REFERENCE = Text("没有这条记录，请重新选择", "There is no such record; choose another")
HIDDEN_RULE = Text("不满足一条您看不到的规则，请联系管理员", "A rule about what you may not see is not met; ask an administrator")


# -- Writing -----------------------------------------------------------------------------------------------------------------


def create(work: Work, object_key: str, raw: Mapping[str, Any]) -> int:
    return create_many(work, object_key, [raw])[0]


def create_many(work: Work, object_key: str, raws: Sequence[Mapping[str, Any]]) -> list[int]:
    """New records, all or none."""
    object_type = object_of(work, object_key)
    refuse_unless(work, object_key, "create")
    prepared = prepare(work, object_type, [(raw, None) for raw in raws])
    for _, problems in prepared:
        refuse(problems)
    rows = [values for values, _ in prepared]
    for values in rows:
        refuse_unless(work, object_key, "create", values)
    number(work, object_type, rows)
    ids = insert_rows(work, object_type, rows)
    tell(work, object_type, ids, [], rows)
    return ids


def update(work: Work, object_key: str, record_id: int, raw: Mapping[str, Any], version: int, channel: str = "") -> None:
    """Change the members given. `version` is the one the user saw: if somebody changed the record since, it is refused.
    `channel`: how the members are written when it is not as the work's cause says ("api": strict JSON)."""
    object_type = object_of(work, object_key)
    before = row_of(work, object_key, record_id, lock=True, live=True)
    if before is None:
        raise no_record()
    refuse_unless(work, object_key, "edit", before)
    same_version(work, before, version)
    ((values, problems),) = prepare(work, object_type, [(raw, before)], channel)
    refuse(problems)
    _revise(work, object_type, before, values)


def check(work: Work, object_key: str, raw: Mapping[str, Any], record_id: int | None = None) -> tuple[Problem, ...]:
    """What saving these members would say, warnings included, without saving. `record_id`: of the record they would change; None for a new one."""
    object_type = object_of(work, object_key)
    before = None if record_id is None else row_of(work, object_key, record_id, live=True)
    if record_id is not None and before is None:
        raise no_record()
    ((values, problems),) = prepare(work, object_type, [(raw, before)])
    at_fault = {p.path for p in problems if p.severity == "error"}
    unique = taken(work, object_type, [(record_id, {k: None if k in at_fault else v for k, v in values.items()})])
    return (*problems, *(p for found in unique.values() for p in found))


def write_system(work: Work, object_key: str, record_id: int, values: Mapping[str, Any]) -> None:
    """Changes by workflows and the product itself: read-only fields too, no rights asked, no required field demanded; the checks hold."""
    object_type = object_of(work, object_key)
    source = table(object_type, work.catalog)
    query = sa.select(*stored_columns(object_type, source)).where(source.c.id == record_id, source.c.deleted_at.is_(None)).with_for_update(of=source)
    row = work.session.execute(query).mappings().first()
    if row is None:
        raise no_record()
    before = values_of(object_type, row)
    ((after, problems),) = prepare(work, object_type, [(values, before)], "system")
    refuse(problems)
    _revise(work, object_type, before, after)


def refresh(work: Work, object_key: str, record_id: int, version: int) -> None:
    """Take the snapshots of a record anew from the records it refers to."""
    object_type = object_of(work, object_key)
    before = row_of(work, object_key, record_id, lock=True, live=True)
    if before is None:
        raise no_record()
    refuse_unless(work, object_key, "edit", before)
    same_version(work, before, version)
    ((values, problems),) = prepare(work, object_type, [({}, before)], refresh=True)
    refuse(problems)
    _revise(work, object_type, before, values)


def _revise(work: Work, object_type: ObjectType, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    change = revision(object_type, before["id"], before, after)
    if not change.changed:
        return
    refuse([p for found in taken(work, object_type, [(change.id, after)]).values() for p in found])
    update_rows(work, object_type, [change])
    tell(work, object_type, [], [change])


def number(work: Work, object_type: ObjectType, rows: Sequence[Values]) -> None:
    """Fill in the numbered fields that were left empty."""
    for f in object_type.fields.values():
        empty = [row for row in rows if row.get(f.key) is None] if f.pattern else []
        if empty:
            for row, text in zip(empty, take_numbers(work, object_type, f, len(empty)), strict=True):
                row[f.key] = text


def parse_form(work: Work, field: Field, raw: Any) -> Any:
    """One value as a form gives it, or its problem."""
    return parse(field, raw, None, reading_of("form", work.at), "form")


def channel_of(work: Work) -> str:
    return work.cause if work.cause in {"form", "import", "api"} else "system"


def prepare(
    work: Work,
    object_type: ObjectType,
    items: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]],
    channel: str = "",
    parents: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    rows: RowValues | None = None,
    refresh: bool = False,
) -> list[tuple[Values, tuple[Problem, ...]]]:
    """Validate raw members (with what is stored, or None for a new record), with the actor's rights on fields; references are looked up together.

    `parents`: reference field -> expression values of a record that is saved together with these and is not stored yet as it will be.
    `rows`: what the only item's sub-forms will hold; the contract says nothing of rows it does not know.
    """
    channel = channel or channel_of(work)
    allowed = rights(work, object_type.key)
    items = with_rollups(work, object_type, items)
    hidden, locked = (frozenset(), frozenset()) if channel == "system" else (allowed.hidden, allowed.hidden | allowed.readonly)
    items = [(raw, before) for raw, (_, before) in zip(resolved(work, object_type, items), items, strict=True)]
    raws = [_without_covered(object_type, raw, before, hidden, allowed.masked) for raw, before in items]
    raws, open_ones = departments_of(work, object_type, raws, channel)
    chosen = [chosen_ids(object_type, raw, before, work, channel, locked) for raw, (_, before) in zip(raws, items, strict=True)]
    known = existing(work, object_type, chosen, [before for _, before in items])
    looked_up = referenced(work, object_type, chosen)
    contract = contract_of(work.catalog, object_type) if channel != "system" else None
    judged = judge(work.catalog, object_type, work.at, channel, locked, refresh)
    prepared = []
    for (given, before), raw, ids, references in zip(items, raws, chosen, looked_up, strict=True):
        values, problems = judged(raw, before, {**references, **parents} if parents else references)
        if ids or open_ones or hidden or contract is not None:
            lost = [Problem(k, NO_REFERENCE, code="reference") for k, i in ids.items() if i is not None and not is_known(object_type, known, k, i, before)]
            lost += [Problem(k, UNKNOWN, code="department") for k, known in open_ones.items() if values.get(k) not in {None, *known, (before or {}).get(k)}]
            secret = [Problem(k, UNKNOWN_MEMBER, code="unknown_field") for k in given if k in hidden and channel == "api"]
            unfit = _unfit(work, object_type, contract, values, rows, [*problems, *lost])
            problems = tuple(_without_hidden([*problems, *lost, *secret, *unfit], hidden))
        prepared.append((values, problems))
    return prepared


def _unfit(
    work: Work, object_type: ObjectType, contract: Contract | None, values: Mapping[str, Any], rows: RowValues | None, known: Sequence[Problem]
) -> list[Problem]:
    """What an outside schema has against the values, where nothing was said yet."""
    if contract is None:
        return []
    children = {key: work.catalog.get("object", key) for key in contract.rows}
    said = {p.path for p in known}
    return [p for p in contract_problems(object_type, contract, values, rows, children) if p.path not in said]


def _without_covered(
    object_type: ObjectType, raw: Mapping[str, Any], before: Mapping[str, Any] | None, hidden: frozenset[str], masked: frozenset[str]
) -> Mapping[str, Any]:
    """A covered text that comes back as it was shown is not a new value; hidden members are nobody's."""
    if not hidden and not masked:
        return raw
    kept = {}
    for key, value in raw.items():
        old = (before or {}).get(key)
        if key in hidden or (key in masked and old is not None and value == mask(object_type.fields[key], old)):
            continue
        kept[key] = value
    return kept


def _without_hidden(problems: Sequence[Problem], hidden: frozenset[str]) -> list[Problem]:
    return [Problem("", HIDDEN_RULE, code=p.code, severity=p.severity) if p.path in hidden and p.code != "unknown_field" else p for p in problems]


# -- The live form -----------------------------------------------------------------------------------------------------------


def form(work: Work, object_key: str, raw: Mapping[str, Any], record_id: int | None = None) -> FormState:
    """A form as it stands: what is visible, required, computed, prefilled. Hidden fields are not in it; masked ones are covered and not to be read back."""
    object_type = object_of(work, object_key)
    before = None if record_id is None else row_of(work, object_key, record_id, live=True)
    if record_id is not None and before is None:
        raise no_record()
    return form_of(work, object_type, raw, before)[0]


def form_of(
    work: Work,
    object_type: ObjectType,
    raw: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    parents: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[FormState, FormState]:
    """The form as the actor may see it, and as it is. `parents` as for `prepare`."""
    allowed = rights(work, object_type.key)
    (raw,) = resolved(work, object_type, [(raw, before)])
    raw = _without_covered(object_type, raw, before, allowed.hidden, allowed.masked)
    locked = allowed.hidden | allowed.readonly
    chosen = permitted_only(work, object_type, chosen_ids(object_type, raw, before, work, "form", locked))
    (references,) = referenced(work, object_type, [chosen])
    state = form_state(work.catalog, object_type, raw, before, {**references, **(parents or {})}, work.at, "form", locked)
    contract = contract_of(work.catalog, object_type)
    if raw and contract is not None:
        shown = {k: s.value for k, s in state.fields.items()}
        state = FormState(state.fields, (*state.problems, *unjudged(_unfit(work, object_type, contract, shown, None, state.problems))))
    return _covered_form(object_type, state, before, raw, allowed.hidden, allowed.masked), state


def _covered_form(
    object_type: ObjectType, state: FormState, before: Mapping[str, Any] | None, raw: Mapping[str, Any], hidden: frozenset[str], masked: frozenset[str]
) -> FormState:
    if not hidden and not masked:
        return state
    fields = {}
    for key, s in state.fields.items():
        if key in hidden:
            continue
        old = (before or {}).get(key)
        if key in masked and old is not None and key not in raw:
            text = mask(object_type.fields[key], old)
            s = type(s)(s.visible, s.required, s.readonly, text, text, "")
        fields[key] = s
    return FormState(fields, tuple(_without_hidden(state.problems, hidden)))


# -- Looking up --------------------------------------------------------------------------------------------------------------


def get(work: Work, object_key: str, record_id: int) -> Record:
    object_type = object_of(work, object_key)
    refuse_unless(work, object_key, "read")
    source = table(object_type, work.catalog)
    columns = stored_columns(object_type, source) + live_columns(work, object_type, source)
    row = work.session.execute(sa.select(*columns).where(source.c.id == record_id, *readable(work, object_key, source))).mappings().first()
    if row is None:
        raise no_record()
    return records_of(work, object_type, [row])[0]


def options(work: Work, object_key: str, search: str = "", limit: int = 20) -> list[tuple[int, str]]:
    """Records to choose from in a reference field: (id, name), those whose name or search fields contain the text."""
    object_type = object_of(work, object_key)
    page = query(work, object_key, search=search, sort=_name_sort(work, object_type), limit=limit, columns=(object_type.name_field,), count=False)
    return [(r.id, r.name) for r in page.rows]


def _name_sort(work: Work, object_type: ObjectType) -> str:
    covered = rights(work, object_type.key).covered
    return object_type.name_field if object_type.name_field in object_type.fields and object_type.name_field not in covered else "id"
