"""What follows from an object document: its table, the names its expressions may use, and its fields as expressions see them."""

import ast
import hashlib
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Text
from server.expressions.check import Checked, check
from server.expressions.compile import compile_python
from server.expressions.functions.change import IS_NEW, earlier
from server.expressions.registry import FUNCTIONS
from server.expressions.sql import compile_sql, when_true
from server.expressions.tree import tree_of
from server.expressions.types import BOOLEAN, DATETIME, INTEGER, NUMBER, TEXT, At, Name, Scope
from server.features.objects.kind import Field, ObjectType
from server.features.objects.step import DECIMALS, divided, exact_sum, number, rounded_sql
from server.fields.base import FieldType
from server.fields.line import CODE_POINT_TEXT, Line
from server.fields.registry import FIELD_TYPES
from server.storage.dialects import BigInt, Instant

SYSTEM_NAMES: Mapping[str, Name] = {
    "id": Name(INTEGER, nullable=False),
    "version": Name(INTEGER, nullable=False),
    "created_at": Name(DATETIME, nullable=False),
    "created_by": Name(TEXT, nullable=False),
    "updated_at": Name(DATETIME, nullable=False),
    "updated_by": Name(TEXT, nullable=False),
    "deleted_at": Name(DATETIME),
}
NAME_BYTES = 60  # PostgreSQL keeps 63 bytes of a name and cuts the rest without a word


# -- Tables ------------------------------------------------------------------------------------------------------------------


def tables(catalog: Catalog) -> Mapping[str, sa.Table]:
    """The tables of all objects of a catalog, in one metadata so that references find their targets."""
    found: Mapping[str, sa.Table] | None = catalog.memo.get("objects.tables")
    if found is None:
        metadata = sa.MetaData()
        types: tuple[ObjectType, ...] = catalog.all("object")
        known = {t.key for t in types}
        found = catalog.memo["objects.tables"] = {t.key: _table(t, metadata, known) for t in types}
    return found


def table(object_type: ObjectType, catalog: Catalog | None = None) -> sa.Table:
    """The table of one object. Without a catalog it stands alone: no foreign keys."""
    return _table(object_type, sa.MetaData(), set()) if catalog is None else tables(catalog)[object_type.key]


def _table(object_type: ObjectType, metadata: sa.MetaData, known: set[str]) -> sa.Table:
    name = "o_" + object_type.key
    result = sa.Table(
        name,
        metadata,
        sa.Column("id", BigInt, primary_key=True, autoincrement=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", CODE_POINT_TEXT, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("updated_by", CODE_POINT_TEXT, nullable=False),
        sa.Column("deleted_at", Instant),
        *(column(f, known) for f in object_type.fields.values() if is_stored(f, object_type)),
        sqlite_autoincrement=True,  # an id is never given twice
    )
    alive = result.c.deleted_at.is_(None)
    unique = [(f.key,) for f in object_type.fields.values() if f.unique] + list(object_type.keys)
    for keys in unique:
        if all(k in result.c for k in keys):
            sa.Index(index_name("uq", name, keys), *(result.c[k] for k in keys), unique=True, sqlite_where=alive, postgresql_where=alive)
    for keys in list_indexes(object_type, frozenset(result.c.keys())):
        sa.Index(index_name("ix", name, keys), *(result.c[k] for k in keys))
    return result


# Types a list is narrowed to one value of; others are compared and sorted.
CHOSEN = frozenset({"choice", "yes_no", "reference", "user", "department"})
LONGEST_KEY = 500  # characters: PostgreSQL refuses entries of an index over 2,700 bytes


def list_indexes(object_type: ObjectType, stored: Container[str]) -> tuple[tuple[str, ...], ...]:
    """What pages of lists begin at: the document's own order, and for each indexed field that order among the records of one value, or the
    order by the field itself. The id closes each, for it closes every order."""
    own = object_type.list_sort.removeprefix("-")
    field = object_type.fields.get(own)
    order = (own, "id") if own in stored and own != "id" and (field is None or _orders(field)) else ("id",)
    wanted: list[tuple[str, ...]] = [("updated_at", "id"), *([order] if own in order else [])]
    for f in object_type.fields.values():
        if f.key in stored and (f.indexed or f.type == "reference"):
            wanted.append((f.key, *order) if f.type in CHOSEN and f.key != own else (f.key, "id"))
    return tuple(dict.fromkeys(wanted))


def _orders(field: Field) -> bool:
    """Whether records are sorted by the column itself, and it is short enough for an index: options have their own order, references that of names."""
    kind = FIELD_TYPES[field.type]
    if field.type == "reference" or field.options or kind.expression_type(field).name == "list":
        return False
    return not isinstance(kind, Line) or (field.max_length or kind.limit) <= LONGEST_KEY


def column(field: Field, known: set[str]) -> sa.Column[Any]:
    """The column of a stored field. Empty is allowed by the database always: whether a field is required changes with the documents."""
    keys = (sa.ForeignKey(f"o_{field.reference}.id"),) if field.type == "reference" and field.reference in known else ()
    return sa.Column(field.key, FIELD_TYPES[field.type].column_type(field), *keys)


def index_name(prefix: str, name: str, keys: tuple[str, ...]) -> str:
    """A readable name where it fits, else its beginning and a digest."""
    full = "_".join((prefix, name, *keys))
    if len(full.encode()) <= NAME_BYTES:
        return full
    return full.encode()[:46].decode(errors="ignore") + "_" + hashlib.sha256(full.encode()).hexdigest()[:12]


# -- Computed fields: stored or live -----------------------------------------------------------------------------------------


def is_stored(field: Field, object_type: ObjectType) -> bool:
    """A field has a column unless it is computed from what changes without a save of its record: the time, or other records."""
    return field.derived not in {"lookup", "rollup"} and (not field.computed or field.key not in live_fields(object_type))


def live_fields(object_type: ObjectType) -> frozenset[str]:
    """Fields that follow the time (today(), days_since(...)) or other records, directly or through another such field."""
    reads = {f.key: names_read(f.computed) for f in object_type.fields.values() if f.computed}
    live = {key for key, (_, moving) in reads.items() if moving} | {f.key for f in object_type.fields.values() if f.rollup is not None}
    while more := {key for key, (names, _) in reads.items() if key not in live and names & live}:
        live |= more
    return frozenset(live)


def worked_out(object_type: ObjectType) -> tuple[tuple[Field, bool, Text], ...]:
    """For the author of an object: each field that nobody enters, whether its value is stored, and why."""
    live, found = live_fields(object_type), list[tuple[Field, bool, Text]]()
    for f in object_type.fields.values():
        names, moving = names_read(f.computed)
        if f.rollup is not None:
            found.append((f, False, Text(f"统计引用本记录的 {f.rollup.object}", f"counts the {f.rollup.object} records that refer here")))
        elif f.derived == "lookup":
            found.append((f, False, Text(f"始终等于 {f.source}", f"always what {f.source} is")))
        elif f.derived == "snapshot":
            found.append((f, True, Text(f"选定引用时复制 {f.source}", f"copied from {f.source} when the reference is chosen")))
        elif f.computed and f.key not in live:
            found.append((f, True, Text("只取决于本记录", "depends on this record alone")))
        elif f.computed:
            through = sorted(names & live)
            why = Text("用到时间、其他记录或系统字段", "uses the time, another record or a system field")
            found.append((f, False, why if moving or not through else Text(f"用到 {'、'.join(through)}", f"uses {', '.join(through)}")))
    return tuple(found)


@lru_cache(maxsize=10_000)
def names_read(source: str) -> tuple[frozenset[str], bool]:
    """The plain names a text reads, and whether it looks at the time or at another record. Broken text reads nothing."""
    try:
        nodes = list(ast.walk(tree_of(source.strip())))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(), False
    called = {id(n.func): (n.func.id, len(n.args)) for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    names = frozenset(n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called)
    moving = any(name in FUNCTIONS and FUNCTIONS[name].is_timed(count) for name, count in called.values()) or any(isinstance(n, ast.Attribute) for n in nodes)
    return names, moving or bool(names & SYSTEM_NAMES.keys())  # the id and the stamps are not known before the record is written


@dataclass(frozen=True)
class Formula:
    """A computed field's checked expression, rounded to what the field can hold."""

    field: Field
    checked: Checked
    run: Callable[[Mapping[str, Any], At], Any]
    live: bool


def formulas(catalog: Catalog, object_key: str) -> Mapping[str, Formula]:
    """The computed fields of an object in the order they are to be computed; those whose text has problems are left out."""
    memo = ("objects.formulas", object_key)
    if memo not in catalog.memo:
        object_type: ObjectType = catalog.get("object", object_key)
        names, live = scope(catalog, object_key), live_fields(object_type)
        found: dict[str, Formula] = {}
        for f in computed_order(object_type):
            checked = _rounded(f, names)
            if checked is not None:
                found[f.key] = Formula(f, checked, compile_python(checked), f.key in live)
        catalog.memo[memo] = found
    formulas: Mapping[str, Formula] = catalog.memo[memo]
    return formulas


def _rounded(field: Field, names: Scope) -> Checked | None:
    checked, _ = check(field.computed, names)
    kind = FIELD_TYPES[field.type]
    if checked is None or checked.type != NUMBER or not kind.stepped:
        return checked
    return check(kind.rounded(field, field.computed), names)[0]


def computed_order(object_type: ObjectType) -> tuple[Field, ...]:
    """Computed fields, each after those it reads. A cycle (the check refuses it) is cut anywhere."""
    waiting = {f.key: names_read(f.computed)[0] for f in object_type.fields.values() if f.computed}
    order: list[Field] = []
    while waiting:
        ready = [key for key, names in waiting.items() if not names & (waiting.keys() - {key})] or [next(iter(waiting))]
        for key in ready:
            del waiting[key]
            order.append(object_type.fields[key])
    return tuple(order)


# -- What expressions see ----------------------------------------------------------------------------------------------------


def name_of(field: Field) -> Name:
    words = {o.key: o.title for o in field.options}
    kind = FIELD_TYPES[field.type]
    return Name(kind.expression_type(field), True, field.title, kind.unit(field), tuple(words), words, field.max_length or kind.limit)


def scope(catalog: Catalog, object_key: str, *, references: bool = True) -> Scope:
    """The names an expression over one record may use: its fields, what every record has, and one level of `reference.field`."""
    memo = ("objects.scope", object_key, references)
    if memo not in catalog.memo:
        catalog.memo[memo] = _scope(catalog, catalog.get("object", object_key), references)
    found: Scope = catalog.memo[memo]
    return found


def change_scope(catalog: Catalog, object_key: str) -> Scope:
    """The same where the record is being changed: its stored fields also have the value from before."""
    memo = ("objects.change_scope", object_key)
    if memo not in catalog.memo:
        object_type: ObjectType = catalog.get("object", object_key)
        stored = frozenset(f.key for f in object_type.fields.values() if is_stored(f, object_type))
        catalog.memo[memo] = replace(scope(catalog, object_key), before=stored)
    found: Scope = catalog.memo[memo]
    return found


def values_before(object_type: ObjectType, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """What previous(x), changed(x) and is_new() read. `record`: as it is stored, None for a new one."""
    values = {earlier(key): value for key, value in expression_values(object_type, record).items()} if record is not None else {}
    return {**values, IS_NEW: record is None}


def _scope(catalog: Catalog, object_type: ObjectType, references: bool) -> Scope:
    names = dict(SYSTEM_NAMES) | {f.key: name_of(f) for f in object_type.fields.values()}
    if references:
        for f in object_type.fields.values():
            target = catalog.get("object", f.reference) if f.type == "reference" else None
            if target is not None:
                names |= {f"{f.key}.{key}": name for key, name in scope(catalog, target.key, references=False).names.items()}
    return Scope(names)


# Types whose values expressions take as they are: most fields, on the way of every imported row.
AS_STORED = frozenset(key for key, kind in FIELD_TYPES.items() if type(kind).to_expression is FieldType.to_expression)


def expression_values(object_type: ObjectType, record: Mapping[str, Any], references: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """A record's values as expressions take them. `references`: field key -> expression values of the referenced record."""
    get = record.get
    values = {key: get(key) for key in SYSTEM_NAMES}
    for f in object_type.fields.values():
        values[f.key] = get(f.key) if f.type in AS_STORED else FIELD_TYPES[f.type].to_expression(f, get(f.key))
    for key, target in (references or {}).items():
        values.update({f"{key}.{name}": value for name, value in target.items()})
    return values


@dataclass(frozen=True)
class ValueColumns(Mapping[str, sa.ColumnElement[Any]]):
    """The fields of one object as expressions see them, each made when it is asked for. A field of a referenced record is a look-up by its key."""

    catalog: Catalog
    object_type: ObjectType
    source: sa.FromClause
    at: At | None
    made: dict[str, sa.ColumnElement[Any]]

    def __getitem__(self, name: str) -> sa.ColumnElement[Any]:
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def _make(self, name: str) -> sa.ColumnElement[Any]:
        if name in SYSTEM_NAMES:
            return self.source.c[name]
        head, dot, rest = name.partition(".")
        field = self.object_type.fields[head]
        if field.rollup is not None and not dot:
            return rolled_up(self, field)
        if dot:
            return self._referenced(field, rest)
        if not is_stored(field, self.object_type):
            formula = formulas(self.catalog, self.object_type.key).get(name)
            return sa.null() if formula is None else compile_sql(formula.checked, self, self.at)
        return FIELD_TYPES[field.type].sql_value(field, self.source.c[name])

    def _referenced(self, field: Field, name: str) -> sa.ColumnElement[Any]:
        if field.type != "reference" or "." in name:
            raise KeyError(f"{field.key}.{name}")
        target = tables(self.catalog)[field.reference].alias()
        value = value_columns(self.catalog, field.reference, target, self.at)[name]
        return sa.select(value).where(target.c.id == self.source.c[field.key]).correlate(self.source).scalar_subquery()

    def __iter__(self) -> Iterator[str]:
        return iter(scope(self.catalog, self.object_type.key).names)

    def __len__(self) -> int:
        return len(scope(self.catalog, self.object_type.key).names)


def value_columns(catalog: Catalog, object_key: str, source: sa.FromClause, at: At | None = None) -> ValueColumns:
    """`source` is the object's table or an alias of it, and must stand in the FROM of the statement."""
    return ValueColumns(catalog, catalog.get("object", object_key), source, at, {})


# -- Roll-ups ----------------------------------------------------------------------------------------------------------------

Permitted = Callable[[ValueColumns], sa.ColumnElement[bool] | None]


def rolled_up(columns: ValueColumns, field: Field, permitted: Permitted = lambda columns: None) -> sa.ColumnElement[Any]:
    """A roll-up as a subquery over the records that refer to the row. `permitted`: a condition on them beside the field's own, None for all."""
    rollup, catalog = field.rollup, columns.catalog
    target = tables(catalog).get(rollup.object) if rollup is not None else None
    if rollup is None or target is None or rollup.by not in target.c:
        return sa.null()
    child = target.alias()
    found = value_columns(catalog, rollup.object, child, columns.at)
    wanted = [child.c[rollup.by] == columns.source.c.id, child.c.deleted_at.is_(None)]
    filtered, _ = check(rollup.filter, scope(catalog, rollup.object), BOOLEAN) if rollup.filter else (None, ())
    if filtered is not None:
        wanted.append(when_true(compile_sql(filtered, found, columns.at)))
    if (allowed := permitted(found)) is not None:
        wanted.append(allowed)
    value = found[rollup.field] if rollup.field else child.c.id
    return sa.select(_aggregate(field, rollup.aggregate, value)).where(*wanted).correlate(columns.source).scalar_subquery()


def _aggregate(field: Field, aggregate: str, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A sum over no records is 0, as a count is; the other aggregates have no value then."""
    if aggregate == "count":
        return sa.func.count(value)
    if aggregate in {"min", "max"}:
        return getattr(sa.func, aggregate)(value)  # type: ignore[no-any-return]
    total: sa.ColumnElement[Any] = exact_sum(sa.cast(value, sa.Double()))
    decimals = field.decimals if field.type in {"decimal", "percent"} else field.decimals or DECIMALS
    if aggregate == "avg":
        return rounded_sql(divided(total, sa.cast(sa.func.count(value), sa.Double())), decimals)
    total = sa.func.coalesce(total, number(0))
    if field.type != "integer":
        return rounded_sql(total, decimals)
    return sa.case((sa.func.abs(total, type_=sa.Double()) < number(9.2e18), sa.cast(total, sa.BigInteger())))  # else it has left 64 bits: null
