"""The one resolver of what the actor may name and see of an object. Whatever lets a person name a field goes through here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import True_

from server.expressions.types import TEXT, Name, Scope
from server.feature import Work
from server.features.access import service as access
from server.features.access.conditions import CURRENT_USER
from server.features.objects.derived import origin_of
from server.features.objects.engine import Permitted, ValueColumns, rolled_up, scope, tables, value_columns
from server.features.objects.kind import Field, ObjectType

DEEPEST = 8  # fields taken from fields taken from others


def can(work: Work, object_key: str, action: str, values: Mapping[str, Any] | None = None) -> bool:
    """Without values: on some record at all."""
    return access.allowed(work, object_key, action, values)


def row_filter(work: Work, object_key: str, action: str, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[bool] | None:
    """None when every record is allowed."""
    condition = access.row_filter(work, object_key, action, columns)
    return None if isinstance(condition, True_) else condition


def mask(field: Field, value: Any) -> str:
    return access.mask(field, value)


@dataclass(frozen=True)
class Rights:
    """`hidden` fields do not exist for the actor; `masked` ones are shown covered and can be neither filtered nor sorted by."""

    hidden: frozenset[str]
    masked: frozenset[str]
    readonly: frozenset[str]

    @property
    def covered(self) -> frozenset[str]:
        return self.hidden | self.masked


def rights(work: Work, object_key: str) -> Rights:
    hidden, masked = access.hidden_fields(work, object_key), access.masked_fields(work, object_key)
    object_type: ObjectType | None = work.catalog.get("object", object_key)
    if object_type is not None and not work.actor.is_system:
        covered = {f.key: _origin_covered(work, object_type, f) for f in object_type.fields.values() if f.derived}
        hidden = hidden | {key for key, how in covered.items() if how == "hidden"}
        masked = masked | {key for key, how in covered.items() if how == "masked"}
    return Rights(hidden, masked - hidden, access.readonly_fields(work, object_key))


def _origin_covered(work: Work, object_type: ObjectType, field: Field, depth: int = 0) -> str:
    """Whether a value that comes from other records is "hidden" or "masked" where it comes from: a way round would be a leak."""
    types = work.catalog.parsed["object"]
    rollup = field.rollup
    origin = origin_of(types, object_type, field)
    target = types.get(rollup.object) if rollup is not None else origin[0] if origin else None
    if target is None:
        return ""
    hidden, masked = access.hidden_fields(work, target.key), access.masked_fields(work, target.key)
    if not can(work, target.key, "read") or (rollup is not None and rollup.by in hidden):
        return "hidden"
    if origin is None:
        return ""
    key = origin[1].key
    if key in hidden or (rollup is not None and key in masked):
        return "hidden"
    if key in masked:
        return "masked"
    return _origin_covered(work, *origin, depth + 1) if origin[1].derived and depth < DEEPEST else ""


def visible_fields(work: Work, object_type: ObjectType) -> tuple[Field, ...]:
    hidden = rights(work, object_type.key).hidden
    return tuple(f for f in object_type.fields.values() if f.key not in hidden)


def visible_scope(work: Work, object_key: str, results: Mapping[str, Name] | None = None) -> Scope:
    """The names the actor may use in a filter or a sort. Referenced records lend theirs only where their object may be read."""
    object_type: ObjectType = work.catalog.get("object", object_key)
    everything = scope(work.catalog, object_key).names
    covered = rights(work, object_key).covered
    allowed = {"": covered | {"deleted_at"}}
    for f in object_type.fields.values():
        if f.type == "reference" and f.key not in covered and work.catalog.get("object", f.reference) and can(work, f.reference, "read"):
            allowed[f.key] = rights(work, f.reference).covered | {"deleted_at"}
    names = {}
    for name, what in everything.items():
        head, dot, rest = name.partition(".")
        group, key = (head, rest) if dot else ("", name)
        if group in allowed and key not in allowed[group]:
            names[name] = what
    return Scope({CURRENT_USER: Name(TEXT, False), **names, **(results or {})})


@dataclass(frozen=True)
class VisibleColumns(Mapping[str, sa.ColumnElement[Any]]):
    """Value columns for texts the actor wrote: a referenced record that he may not read has no values. Check names by `visible_scope` first."""

    work: Work
    own: ValueColumns
    results: Mapping[str, sa.ColumnElement[Any]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> sa.ColumnElement[Any]:
        if name in self.results:
            return self.results[name]
        if name == CURRENT_USER:
            return sa.literal(self.work.actor.username, sa.Text())
        head, dot, rest = name.partition(".")
        if not dot:
            own = self.own.object_type.fields.get(head)
            if own is not None and own.rollup is not None:
                return rolled_up(self.own, own, self._permitted(own.rollup.object))
            return self[own.computed] if own is not None and own.derived == "lookup" and own.computed else self.own[name]
        target_key = self.own.object_type.fields[head].reference
        target = tables(self.work.catalog)[target_key].alias()
        columns = value_columns(self.work.catalog, target_key, target, self.work.at)
        query = sa.select(columns[rest]).where(target.c.id == self.own.source.c[head])
        readable = row_filter(self.work, target_key, "read", columns)
        return (query if readable is None else query.where(readable)).correlate(self.own.source).scalar_subquery()

    def _permitted(self, object_key: str) -> Permitted:
        return lambda columns: row_filter(self.work, object_key, "read", columns)

    def __iter__(self) -> Iterator[str]:
        return iter([CURRENT_USER, *self.own, *self.results])

    def __len__(self) -> int:
        return 1 + len(self.own) + len(self.results)


def visible_columns(work: Work, object_key: str, source: sa.FromClause, results: Mapping[str, sa.ColumnElement[Any]] | None = None) -> VisibleColumns:
    return VisibleColumns(work, value_columns(work.catalog, object_key, source, work.at), results or {})
