"""Lists: search, filter, typed conditions, sort and keyset pages over an object and its results, as far as the actor may see."""

import json
import operator
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from server.errors import Invalid, Problem, Text
from server.expressions.check import check
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import BOOLEAN, Name
from server.feature import Work
from server.features.access.departments import within
from server.features.objects.engine import SYSTEM_NAMES, table
from server.features.objects.kind import Field, ObjectType
from server.features.records.liststate import ListState
from server.features.records.paging import Key, Run, placed, read_cursor, runs, write_cursor
from server.features.records.reading import Record, live_columns, object_of, readable, records_of, refuse_unless, stored_columns
from server.features.records.results import stored_results
from server.features.records.rights import VisibleColumns, visible_columns, visible_scope
from server.fields.base import FieldType, Reading
from server.fields.registry import FIELD_TYPES

COUNT_CAP = 1001  # counting further costs more than it tells
PAGE_LIMIT = 500
SHOWN_ALWAYS = frozenset(SYSTEM_NAMES) - {"deleted_at"}  # of a record that is not deleted
Condition = tuple[str, str, Any]
OPERATORS: Mapping[str, Text] = {
    "eq": Text("等于", "is"),
    "ne": Text("不等于", "is not"),
    "lt": Text("小于", "less than"),
    "le": Text("不大于", "at most"),
    "gt": Text("大于", "more than"),
    "ge": Text("不小于", "at least"),
    "in": Text("属于", "is one of"),
    "contains": Text("包含", "contains"),
    "between": Text("介于", "between"),
    "is_empty": Text("为空", "is empty"),
    "not_empty": Text("不为空", "is not empty"),
}


class ResultColumns(Protocol):
    """Results that stand beside the records (scores, classes, levels), as the assessment hands them in: a table with `record_id`, its
    expression-valued columns, and their names and types."""

    @property
    def table(self) -> sa.FromClause: ...
    @property
    def columns(self) -> Mapping[str, sa.ColumnElement[Any]]: ...
    @property
    def names(self) -> Mapping[str, Name]: ...


@dataclass(frozen=True)
class Page:
    rows: tuple[Record, ...]
    next: str  # cursor of the page after; "" at the end
    total_capped: int  # how many in all, counted up to 1001; -1 when it was not asked for


@dataclass(frozen=True)
class Listing:
    """One list being put together: its table, its names, and the columns behind them."""

    work: Work
    object_type: ObjectType
    source: sa.Table
    results: ResultColumns | None
    names: Mapping[str, Name]
    columns: VisibleColumns

    def field(self, name: str) -> Field | None:
        """The field a name stands for: the object's own, or a referenced record's."""
        head, dot, rest = name.partition(".")
        found = self.object_type.fields.get(head)
        if not dot or found is None:
            return None if dot else found
        target: ObjectType | None = self.work.catalog.get("object", found.reference)
        return target.fields.get(rest) if target else None

    def known(self, name: str) -> Name:
        if name not in self.names:
            raise Invalid([Problem(name, Text(f"没有“{name}”这一字段", f"There is no field {name}"), code="unknown_name")])
        return self.names[name]

    def column(self, name: str) -> sa.ColumnElement[Any]:
        """The stored column where there is one (exact and indexed), else the value an expression sees."""
        self.known(name)
        is_result = self.results is not None and name in self.results.columns
        is_list = self.names[name].type.name == "list"
        return self.source.c[name] if name in self.source.c and not is_result and not is_list else self.columns[name]


def query(
    work: Work,
    object_key: str,
    *,
    search: str = "",
    filter: str = "",
    conditions: Sequence[Condition] = (),
    sort: str = "",
    cursor: str = "",
    limit: int = 50,
    columns: Sequence[str] | None = None,
    results: Sequence[str] = (),
    result_columns: ResultColumns | None = None,
    count: bool = True,
    inside: Sequence[str] = (),
) -> Page:
    """A page of records. `filter` is expression text, `conditions` are (name, operator, value); both must hold. `sort`: names, "-" before one for
    descending, empty values last, options in the order of the document. `columns`: fields to show (all when None). `inside`: the fields the
    search looks into. Names are fields, `reference.field`, system names and results."""
    object_type = object_of(work, object_key)
    listing = listing_of(work, object_type, result_columns)
    where = matching(listing, search, filter, conditions, inside)
    keys = _sort_keys(listing, sort or _default_sort(listing))
    limit = max(1, min(limit, PAGE_LIMIT))
    shown = _shown(listing, columns, results)
    here = {c.key for c in shown if isinstance(c, sa.Column)}
    marks = [key.name if key.name in here and key.column is listing.source.c[key.name] else f"sort:{i}" for i, key in enumerate(keys)]
    hidden = [key.column.label(name) for key, name in zip(keys, marks, strict=True) if name != key.name]
    statement = sa.select(*shown, *hidden).where(*where)
    place = read_cursor(cursor, len(keys)) if cursor else None
    rows: list[Mapping[str, Any]] = []
    for run, source in _runs(listing, keys, place):
        found = statement.select_from(source).where(*run.where).order_by(*run.order).limit(limit + 1 - len(rows))
        with placed(place):
            rows += _plain(work.session.execute(found))
        if len(rows) > limit:
            break
    page = rows[:limit]
    following = write_cursor([page[-1][name] for name in marks]) if len(rows) > limit else ""
    total = -1
    if count:
        total = len(page) if not cursor and not following else capped_count(listing, where)
    return Page(records_of(work, object_type, page, columns, tuple(results)), following, total)


def all_ids(work: Work, object_key: str, state: ListState) -> "array[int]":
    """The ids of all records of a list in its order, eight bytes each: what is read record by record afterwards needs no long sort with its columns."""
    listing = listing_of(work, object_of(work, object_key))
    where = matching(listing, state.search, state.filter, [(c.name, c.op, c.value) for c in state.conditions], state.inside)
    keys = _sort_keys(listing, state.sort or _default_sort(listing))
    ids = array("q")
    for run, source in _runs(listing, keys):  # the order as one would be sorted in memory: no index has it
        statement = sa.select(listing.source.c.id).select_from(source).where(*where, *run.where).order_by(*run.order)
        ids.extend(work.session.execute(statement, execution_options={"stream_results": True, "yield_per": 10_000}).scalars())
    return ids


def by_ids(work: Work, object_key: str, ids: Sequence[int], columns: Sequence[str], results: Sequence[str] = ()) -> tuple[Record, ...]:
    """These records in this order, as far as the actor may see them."""
    object_type = object_of(work, object_key)
    listing = listing_of(work, object_type)
    where = [listing.source.c.id.in_(list(ids)), *readable(work, object_key, listing.source)]
    statement = sa.select(*_shown(listing, columns, results)).select_from(joined(listing)).where(*where)
    rows = {row["id"]: row for row in _plain(work.session.execute(statement))}
    return records_of(work, object_type, [rows[i] for i in ids if i in rows], columns, tuple(results))


def _plain(found: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """Rows as plain dictionaries: each value is asked for once or twice, and those of the driver look every name up anew."""
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found.all()]


def matching_ids(work: Work, object_key: str, state: ListState, limit: int) -> list[int]:
    """Ids of the records a list shows, as far as the actor may see, lowest first."""
    listing = listing_of(work, object_of(work, object_key))
    where = matching(listing, state.search, state.filter, [(c.name, c.op, c.value) for c in state.conditions], state.inside)
    id = listing.source.c.id
    return list(work.session.execute(sa.select(id).select_from(joined(listing)).where(*where).order_by(id).limit(limit)).scalars())


def _runs(listing: Listing, keys: Sequence[Key], place: Sequence[Any] | None = None) -> Iterator[tuple[Run, sa.FromClause]]:
    """The runs of an order behind a place, each with what it is read from."""
    leading = listing.results.table if listing.results is not None and keys[0].name in listing.results.columns else None
    for run in runs(keys, place, None if leading is None else leading.c.record_id):
        yield run, joined(listing, inner=run.filled and leading is not None)


def capped_count(listing: Listing, where: Sequence[sa.ColumnElement[Any]]) -> int:
    counted = sa.select(sa.literal(1)).select_from(joined(listing)).where(*where).limit(COUNT_CAP).subquery()
    return int(listing.work.session.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one())


def listing_of(work: Work, object_type: ObjectType, results: ResultColumns | None = None) -> Listing:
    """Refuses who may not read the object at all."""
    refuse_unless(work, object_type.key, "read")
    results = results or stored_results(work.catalog, object_type)
    source = table(object_type, work.catalog)
    names = visible_scope(work, object_type.key, results.names if results else {}).names
    return Listing(work, object_type, source, results, names, visible_columns(work, object_type.key, source, results.columns if results else {}))


def joined(listing: Listing, *, inner: bool = False) -> sa.FromClause:
    """The records beside their results, if there are any. `inner`: only those with results, so that these can lead the order."""
    if listing.results is None:
        return listing.source
    table = listing.results.table
    return listing.source.join(table, table.c.record_id == listing.source.c.id, isouter=not inner)


def _shown(listing: Listing, columns: Sequence[str] | None, results: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    work, object_type = listing.work, listing.object_type
    wanted = None if columns is None else {*columns, object_type.name_field}
    stored = [c for c in stored_columns(object_type, listing.source) if wanted is None or c.key in SHOWN_ALWAYS or c.key in wanted]
    live = live_columns(work, object_type, listing.source, wanted)
    extra = []
    for name in results:
        listing.known(name)
        extra.append(listing.columns[name].label("result:" + name))
    return [*stored, *live, *extra]


# -- Conditions --------------------------------------------------------------------------------------------------------------


def matching(listing: Listing, search: str, filter: str, conditions: Sequence[Condition], inside: Sequence[str] = ()) -> list[sa.ColumnElement[Any]]:
    """What a record of the list must meet, its being readable included."""
    found = [*readable(listing.work, listing.object_type.key, listing.source), *(_condition(listing, *c) for c in conditions)]
    if filter.strip():
        found.append(_filter(listing, filter))
    found += [_search(listing, word, inside) for word in search.split()[:8]]
    return found


def _filter(listing: Listing, text: str) -> sa.ColumnElement[Any]:
    checked, problems = check(text, visible_scope(listing.work, listing.object_type.key, listing.results.names if listing.results else {}), BOOLEAN)
    if checked is None:
        raise Invalid(problems)
    return when_true(compile_sql(checked, listing.columns, listing.work.at))


def _contains(listing: Listing, name: str, text: str) -> sa.ColumnElement[Any]:
    """Whether a text contains another, whatever the case: by the language's own functions, so that lists and rules agree."""
    checked, _ = check(f"contains(lower({name}), lower({text!r}))", visible_scope(listing.work, listing.object_type.key), BOOLEAN)
    return sa.false() if checked is None else when_true(compile_sql(checked, listing.columns, listing.work.at))


def _search(listing: Listing, word: str, inside: Sequence[str] = ()) -> sa.ColumnElement[Any]:
    wanted = tuple(inside) or listing.object_type.search_fields or (listing.object_type.name_field,)
    tests = []
    for name in inside:
        listing.known(name)
    for name in wanted:
        f = listing.field(name)
        if name not in listing.names or f is None:
            continue
        if FIELD_TYPES[f.type].searchable:
            tests.append(_contains(listing, name, word))
        elif f.type == "reference" and (named := _name_behind(listing, f)):
            tests.append(_contains(listing, named, word))
    return sa.or_(*tests) if tests else sa.false()


def _name_behind(listing: Listing, field: Field) -> str:
    """The dotted name of a referenced record's name, when the actor may use it."""
    target: ObjectType | None = listing.work.catalog.get("object", field.reference)
    name = f"{field.key}.{target.name_field}" if target else ""
    return name if name in listing.names else ""


def _condition(listing: Listing, name: str, op: str, value: Any) -> sa.ColumnElement[Any]:
    what = listing.known(name)
    if op not in OPERATORS:
        raise Invalid([Problem(name, Text(f"没有“{op}”这种比较", f"There is no comparison {op}"), code="unknown_operator")])
    column, f = listing.column(name), listing.field(name)
    if op == "is_empty":
        return column.is_(None)
    if op == "not_empty":
        return column.is_not(None)
    if what.type.name == "list":
        return _list_condition(listing, name, op, value)
    if op == "contains":
        if what.type.name != "text":
            raise _bad_value(name)
        return _contains(listing, name, str(value))
    if op in {"in", "between"}:
        values = [_value(listing, name, what, f, v) for v in (value if isinstance(value, list | tuple) else str(value).split(","))]
        if op == "in":
            return column.in_(_lying_in(listing, f, values))
        if len(values) != 2:
            raise _bad_value(name)
        return column.between(*values)
    if what.type.name == "boolean" and op not in {"eq", "ne"}:
        raise _bad_value(name)
    wanted = _value(listing, name, what, f, value)
    if f is not None and f.type == "department" and op in {"eq", "ne"}:
        found = _lying_in(listing, f, [wanted])
        return column.in_(found) if op == "eq" else column.not_in(found)
    compared: sa.ColumnElement[Any] = _COMPARISONS[op](column, wanted)
    return compared


def _lying_in(listing: Listing, field: Field | None, values: Sequence[Any]) -> list[Any]:
    """A department stands for those in it too."""
    return sorted(within(listing.work, set(values))) if field is not None and field.type == "department" else list(values)


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def _list_condition(listing: Listing, name: str, op: str, value: Any) -> sa.ColumnElement[Any]:
    """Lists are asked for one option they hold, or for any of several."""
    column = listing.columns[name]
    values = value if isinstance(value, list | tuple) else str(value).split(",") if op == "in" else [value]
    if op not in {"eq", "contains", "in"}:
        raise _bad_value(name)
    return sa.or_(sa.false(), *(column.contains(json.dumps(str(v), ensure_ascii=False), autoescape=True) for v in values))


def _value(listing: Listing, name: str, what: Name, field: Field | None, raw: Any) -> Any:
    """A condition's value, read as the field reads it."""
    reading = Reading(naive=listing.work.zone)
    spec = field or Field(name, "", what.title or Text(name, name))
    kind = FIELD_TYPES[field.type] if field else _KIND_OF_TYPE[what.type.name]
    value = str(raw) if field and what.type.name == "text" else kind.parse(spec, raw, reading)  # part of a phone number is a fair thing to look for
    if isinstance(value, Problem):
        raise Invalid([value])
    if value is None:
        raise _bad_value(name)
    is_stored_column = field is not None and name in listing.source.c
    return value if is_stored_column or field is None else kind.to_expression(spec, value)


_KIND_OF_TYPE: Mapping[str, FieldType] = {
    "text": FIELD_TYPES["text"],
    "integer": FIELD_TYPES["integer"],
    "number": FIELD_TYPES["number"],
    "boolean": FIELD_TYPES["yes_no"],
    "date": FIELD_TYPES["date"],
    "datetime": FIELD_TYPES["datetime"],
}


def _bad_value(name: str) -> Invalid:
    return Invalid([Problem(name, Text("筛选条件的值不合适", "The value does not suit this condition"), code="bad_condition")])


# -- Sort and pages ----------------------------------------------------------------------------------------------------------


def _default_sort(listing: Listing) -> str:
    """The document's order, unless the actor (or a list without results) cannot have it."""
    wanted = listing.object_type.list_sort
    return wanted if all(part.strip().removeprefix("-") in listing.names for part in wanted.split(",")) else "-updated_at"


def _sort_keys(listing: Listing, sort: str) -> list[Key]:
    """The columns of the order, the id last so that no two records share a place."""
    keys: list[Key] = []
    descending = False
    for part in [p.strip() for p in sort.split(",") if p.strip()][:4]:
        descending, name = part.startswith("-"), part.removeprefix("-")
        listing.known(name)
        f = listing.field(name)
        by = _name_behind(listing, f) if f is not None and f.type == "reference" and "." not in name else ""
        what = listing.names[by or name]
        keys.append(Key(name, _placed(listing, by or name), descending, name not in SHOWN_ALWAYS, bool(what.options) or what.type == BOOLEAN))
        if name == "id":
            return keys
    return [*keys, Key("id", listing.source.c.id, descending, False)]


def _placed(listing: Listing, name: str) -> sa.ColumnElement[Any]:
    """Options, classes and levels stand in the order their document gives them, not in that of the alphabet."""
    column, what = listing.column(name), listing.names[name]
    if not what.options or what.type.name != "text":
        return column
    return sa.case({key: place for place, key in enumerate(what.options)}, value=column)
