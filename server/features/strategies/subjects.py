"""Subjects with their fields and results as one source for conditions in SQL: what strategies, workflows, reviews and reports select from."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Invalid
from server.expressions.check import Checked, check
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import BOOLEAN, At, Scope, Type
from server.feature import Work
from server.features.access import service as access
from server.features.objects import results
from server.features.objects.engine import tables, value_columns
from server.features.strategies.scopes import assessed_references, deep_scope, subject_scope
from server.fields.registry import FIELD_TYPES


@dataclass(frozen=True)
class Columns(Mapping[str, sa.ColumnElement[Any]]):
    """Fields first, then results."""

    fields: Mapping[str, sa.ColumnElement[Any]]
    results: Mapping[str, sa.ColumnElement[Any]]

    def __getitem__(self, name: str) -> sa.ColumnElement[Any]:
        return self.results[name] if name in self.results else self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self.fields, *self.results])

    def __len__(self) -> int:
        return len(self.fields) + len(self.results)


@dataclass(frozen=True)
class Subjects:
    """`source` is the object's table joined with its results where it is assessed; deleted records are left out by `alive`.

    `deep`: conditions may also name results of the referenced records ("customer.risk_level").
    """

    catalog: Catalog
    object_key: str
    at: At | None  # None: today and now are bound when the statement runs
    deep: bool = False
    memo: dict[str, Checked] = field(default_factory=dict, compare=False)

    @cached_property
    def table(self) -> sa.Table:
        return tables(self.catalog)[self.object_key]

    @cached_property
    def assessed(self) -> bool:
        return bool(self.catalog.get("object", self.object_key).assessed)

    @cached_property
    def results(self) -> sa.Table | None:
        return results.table(self.catalog, self.object_key) if self.assessed else None

    @cached_property
    def source(self) -> sa.FromClause:
        return self.table if self.results is None else self.table.outerjoin(self.results, self.results.c.record_id == self.table.c.id)

    @cached_property
    def columns(self) -> Columns:
        own = value_columns(self.catalog, self.object_key, self.table, self.at)
        given: dict[str, sa.ColumnElement[Any]] = {}
        if self.results is not None:
            given = {name: self.results.c[name] for name in results.outputs(self.catalog, self.object_key)}
        for reference, target in assessed_references(self.catalog, self.object_key) if self.deep else ():
            theirs = results.table(self.catalog, target).alias()
            for name in results.outputs(self.catalog, target):
                found = sa.select(theirs.c[name]).where(theirs.c.record_id == self.table.c[reference])
                given[f"{reference}.{name}"] = found.correlate(self.table).scalar_subquery()
        return Columns(own, given)

    @cached_property
    def scope(self) -> Scope:
        return deep_scope(self.catalog, self.object_key) if self.deep else subject_scope(self.catalog, self.object_key)

    @property
    def id(self) -> sa.ColumnElement[int]:
        return self.table.c.id

    @property
    def alive(self) -> sa.ColumnElement[bool]:
        return self.table.c.deleted_at.is_(None)

    @property
    def in_population(self) -> sa.ColumnElement[bool]:
        return self.alive if self.results is None else sa.and_(self.alive, self.results.c.record_id.is_not(None))

    def checked(self, source: str, expect: Type | None = None) -> Checked:
        if source not in self.memo:
            checked, problems = check(source, self.scope, expect)
            if checked is None:
                raise Invalid(problems)
            self.memo[source] = checked
        return self.memo[source]

    def value(self, source: str) -> sa.ColumnElement[Any]:
        checked = self.checked(source)
        known = {name: self._column(name) for name in checked.names}
        return compile_sql(checked, known, self.at)

    def met(self, source: str) -> sa.ColumnElement[bool]:
        """Whether a condition is true; unknown is not."""
        checked = self.checked(source, BOOLEAN)
        known = {name: self._column(name) for name in checked.names}
        return when_true(compile_sql(checked, known, self.at))

    def fetch(self, connection: sa.Connection, record_id: int, names: Iterable[str]) -> dict[str, Any]:
        """Values of one record as expressions take them, for evaluation in Python. An empty dict: there is no such record."""
        wanted = sorted(names)
        query = sa.select(self.id, *(self._column(name).label(f"v{i}") for i, name in enumerate(wanted))).select_from(self.source)
        row = connection.execute(query.where(self.id == record_id, self.alive)).first()
        if row is None:
            return {}
        return {name: _listed(self.scope.names[name].type, row[i + 1]) for i, name in enumerate(wanted)}

    def _column(self, name: str) -> sa.ColumnElement[Any]:
        try:
            return self.columns[name]
        except KeyError:  # one value for the whole population is not a column of the results
            return sa.cast(sa.null(), results.COLUMN_TYPES.get(self.scope.names[name].type.name, sa.Text()))


def subjects(work: Work, object_key: str, deep: bool = False) -> Subjects:
    return Subjects(work.catalog, object_key, work.at, deep)


def _listed(type_: Type, value: Any) -> Any:
    """A list stands in its column as JSON text."""
    return json.loads(value) if type_.name == "list" and isinstance(value, str) else value


def visible(work: Work, found: Subjects, action: str = "read") -> sa.ColumnElement[bool]:
    """Records of the object on which the actor may do `action`."""
    return sa.and_(found.alive, access.row_filter(work, found.object_key, action, found.columns.fields))


def may_see(work: Work, object_key: str, record_id: int, action: str = "read") -> bool:
    if work.catalog.get("object", object_key) is None:
        return False
    found = subjects(work, object_key)
    return work.session.scalar(sa.select(found.id).select_from(found.table).where(found.id == record_id, visible(work, found, action))) is not None


def visible_ids(work: Work, object_key: str, ids: Iterable[int]) -> frozenset[int]:
    """Those of the records that the actor may read."""
    wanted = set(ids)
    if work.catalog.get("object", object_key) is None or not wanted:
        return frozenset()
    found = subjects(work, object_key)
    return frozenset(work.session.scalars(sa.select(found.id).select_from(found.table).where(found.id.in_(wanted), visible(work, found))))


def of_visible_records(work: Work, table: sa.Table) -> sa.ColumnElement[bool]:
    """Rows of a table with `object` and `record_id` that are about no record, or about one the actor may read."""
    parts: list[sa.ColumnElement[bool]] = [table.c.record_id.is_(None)]
    for object_key in work.session.scalars(sa.select(table.c.object).where(table.c.record_id.is_not(None)).distinct()):
        if work.catalog.get("object", object_key) is None:
            continue
        found = subjects(work, object_key)
        readable = visible(work, found)
        parts.append(sa.and_(table.c.object == object_key, table.c.record_id.in_(sa.select(found.id).select_from(found.table).where(readable))))
    return sa.or_(*parts)


def record_names(work: Work, object_key: str, ids: Sequence[int]) -> Mapping[int, str]:
    """What the actor may know records by: their name, masked or left out like everywhere; a record that cannot be read keeps its number only."""
    object_type = work.catalog.get("object", object_key)
    if object_type is None or not ids:
        return {}
    names = {i: f"{object_type.title.of(work.actor.locale)} #{i}" for i in ids}
    key = object_type.name_field
    field_ = object_type.fields.get(key)
    if field_ is None or key in access.hidden_fields(work, object_key):
        return names
    found = subjects(work, object_key)
    masked = key in access.masked_fields(work, object_key)
    column = found.table.c[key] if key in found.table.c else found.columns[key]
    query = sa.select(found.id, column.label("name")).select_from(found.table).where(found.id.in_(set(ids)), visible(work, found))
    for row in work.session.execute(query):
        if row.name is not None:
            names[row.id] = access.mask(field_, row.name) if masked else FIELD_TYPES[field_.type].text(field_, row.name, work.actor.locale)
    return names
