"""Many writes of one object at once, each with its own outcome: those that are good are saved together, those that are not say why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from server.errors import AppError, Forbidden, Invalid, Problem, Text
from server.feature import Work
from server.features.objects.engine import table
from server.features.objects.kind import ObjectType
from server.features.records.reading import live_columns, no_record, object_of, readable, refuse_unless, stored_columns, values_of
from server.features.records.rights import can
from server.features.records.service import delete, number, prepare
from server.features.records.writing import Revision, insert_rows, revision, same_version, taken, tell, update_rows

OPERATIONS = ("create", "update", "delete")


@dataclass(frozen=True)
class Operation:
    """`id` and `version` (the one the caller saw; None: whichever is there) for update and delete; `values` for create and update."""

    op: str
    values: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one: `done` is created, updated, unchanged or deleted, or "" with an error."""

    done: str = ""
    id: int | None = None
    version: int | None = None
    error: AppError | None = None


class _Refused(Exception):
    """Ends the savepoint of operations that are all or nothing."""


def write_many(work: Work, object_key: str, operations: Sequence[Operation], *, atomic: bool = False) -> list[Outcome]:
    """One outcome each, in their order. `atomic`: when one is refused none is kept (the outcomes of the others stand as they would have been)."""
    object_type = object_of(work, object_key)
    outcomes: list[Outcome] = []
    try:
        with work.session.begin_nested():
            for group in _groups(operations):
                outcomes += _deleted(work, object_type, group[0]) if group[0].op == "delete" else _written(work, object_type, group)
            if atomic and any(o.error for o in outcomes):
                raise _Refused
    except _Refused:
        pass
    return outcomes


def _groups(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Neighbours that can be written together: no deletion among them, no record twice (the second would look at a version that is not yet)."""
    group: list[Operation] = []
    seen: set[int] = set()
    for operation in operations:
        if group and (operation.op == "delete" or group[0].op == "delete" or operation.id in seen):
            yield group
            group, seen = [], set()
        group.append(operation)
        if operation.id is not None:
            seen.add(operation.id)
    if group:
        yield group


def _deleted(work: Work, object_type: ObjectType, operation: Operation) -> list[Outcome]:
    record_id = operation.id or 0
    try:
        with work.session.begin_nested():
            before = _stored(work, object_type, [record_id]).get(record_id)
            if before is None:
                raise no_record()
            delete(work, object_type.key, record_id, before["version"] if operation.version is None else operation.version)
    except AppError as error:
        return [Outcome(id=operation.id, error=error)]
    return [Outcome("deleted", record_id)]


def _written(work: Work, object_type: ObjectType, group: Sequence[Operation]) -> list[Outcome]:
    """All together; when the whole is refused (a race, a hook's veto), one by one to find which."""
    try:
        with work.session.begin_nested():
            return _together(work, object_type, group)
    except AppError as error:
        if len(group) == 1:
            return [Outcome(id=group[0].id, error=error)]
    return [outcome for operation in group for outcome in _written(work, object_type, [operation])]


def _together(work: Work, object_type: ObjectType, group: Sequence[Operation]) -> list[Outcome]:
    stored = _stored(work, object_type, [o.id for o in group if o.id is not None])
    befores = [None if o.op == "create" else stored.get(o.id or 0) for o in group]
    outcomes: list[Outcome | None] = [_allowed(work, object_type, o, before) for o, before in zip(group, befores, strict=True)]
    going = [i for i, outcome in enumerate(outcomes) if outcome is None]
    values: dict[int, dict[str, Any]] = {}
    for i, (found, problems) in zip(going, prepare(work, object_type, [(group[i].values, befores[i]) for i in going]), strict=True):
        if any(p.severity == "error" for p in problems):
            outcomes[i] = Outcome(id=group[i].id, error=Invalid(problems))
        elif befores[i] is None and not can(work, object_type.key, "create", found):
            outcomes[i] = _forbidden(None)
        else:
            values[i] = found
    number(work, object_type, [row for i, row in values.items() if befores[i] is None])
    order = list(values)
    clashes = taken(work, object_type, [(group[i].id if befores[i] else None, values[i]) for i in order])
    for place, problems_there in clashes.items():
        outcomes[order[place]] = Outcome(id=group[order[place]].id, error=Invalid(problems_there))
        del values[order[place]]
    for i, outcome in zip(values, _store(work, object_type, [(befores[i], values[i]) for i in values]), strict=True):
        outcomes[i] = outcome
    return [o for o in outcomes if o is not None]


def _stored(work: Work, object_type: ObjectType, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Those that the actor may read, locked, with what is computed as it is looked at."""
    if not ids:
        return {}
    source = table(object_type, work.catalog)
    columns = stored_columns(object_type, source) + live_columns(work, object_type, source)
    query = sa.select(*columns).where(source.c.id.in_(sorted(set(ids))), *readable(work, object_type.key, source)).order_by(source.c.id)
    return {row["id"]: values_of(object_type, row) for row in work.session.execute(query.with_for_update(of=source)).mappings()}


def _allowed(work: Work, object_type: ObjectType, operation: Operation, before: Mapping[str, Any] | None) -> Outcome | None:
    """The refusals that need no look at the values, in the order a single write meets them."""
    try:
        if operation.op == "create":
            refuse_unless(work, object_type.key, "create")
        elif before is None:
            raise no_record()
        else:
            refuse_unless(work, object_type.key, "edit", before)
            same_version(work, before, before["version"] if operation.version is None else operation.version)
    except AppError as error:
        return Outcome(id=operation.id, error=error)
    return None


def _forbidden(record_id: int | None) -> Outcome:
    return Outcome(id=record_id, error=Forbidden(Text("没有权限写入此记录", "You may not write this record")))


def _store(work: Work, object_type: ObjectType, good: Sequence[tuple[Mapping[str, Any] | None, Mapping[str, Any]]]) -> list[Outcome]:
    made = [values for before, values in good if before is None]
    revisions: dict[int, Revision] = {}
    for place, (before, values) in enumerate(good):
        change = None if before is None else revision(object_type, before["id"], before, values)
        if change is not None and change.changed:
            revisions[place] = change
    ids = insert_rows(work, object_type, made)
    update_rows(work, object_type, list(revisions.values()))
    tell(work, object_type, ids, list(revisions.values()), made)
    fresh = iter(ids)
    outcomes = []
    for place, (before, _) in enumerate(good):
        if before is None:
            outcomes.append(Outcome("created", next(fresh), 1))
        else:
            changed = place in revisions
            outcomes.append(Outcome("updated" if changed else "unchanged", before["id"], before["version"] + changed))
    return outcomes


def problem_at(error: AppError) -> tuple[Problem, ...]:
    """What is wrong with one operation, as findings."""
    return error.problems if isinstance(error, Invalid) else (Problem("", error.message, error.hint, code="refused"),)
