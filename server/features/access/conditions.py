"""Conditions of roles over a record and `current_user`, in SQL and in Python. What cannot be known is refused.

Objects stand on a higher floor than access, so this module reads them from the catalog as plain values: an object has `fields`,
a field has `type` and `reference`.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.expressions.check import Checked, check
from server.expressions.evaluate import evaluate
from server.expressions.sql import compile_sql, when_true
from server.expressions.types import BOOLEAN, DATETIME, INTEGER, TEXT, At, Name, Scope
from server.fields.registry import FIELD_TYPES

CURRENT_USER = "current_user"
_SYSTEM_NAMES = {
    "id": Name(INTEGER, False),
    "version": Name(INTEGER, False),
    "created_at": Name(DATETIME, False),
    "created_by": Name(TEXT, False),
    "updated_at": Name(DATETIME, False),
    "updated_by": Name(TEXT, False),
}


def role_scope(catalog: Catalog, object_key: str) -> Scope:
    """What the conditions of a role may name: the record, the records it references, `current_user`."""
    memo = ("access.scope", object_key)
    if memo not in catalog.memo:
        names = _names(catalog, object_key)
        for field in _fields(catalog, object_key).values():
            if field.reference:
                names |= {f"{field.key}.{key}": name for key, name in _names(catalog, field.reference).items()}
        catalog.memo[memo] = Scope({**names, CURRENT_USER: Name(TEXT, False)})
    scope: Scope = catalog.memo[memo]
    return scope


def checked_condition(catalog: Catalog, object_key: str, source: str) -> Checked | None:
    """None when the text is not a condition over this object: such a right is never given."""
    memo = ("access.condition", object_key, source)
    if memo not in catalog.memo:
        checked, problems = check(source, role_scope(catalog, object_key), BOOLEAN)
        catalog.memo[memo] = None if any(p.severity == "error" for p in problems) else checked
    found: Checked | None = catalog.memo[memo]
    return found


def condition_sql(
    catalog: Catalog, object_key: str, source: str, columns: Mapping[str, sa.ColumnElement[Any]], user: sa.ColumnElement[str], at: At | None
) -> sa.ColumnElement[bool]:
    """`columns`: expression-valued columns of the record; fields of referenced records that are not among them are looked up. Without `at` the
    parameters of `moment` are to be given when the statement runs."""
    checked = checked_condition(catalog, object_key, source)
    if checked is None:
        return sa.false()
    known: dict[str, sa.ColumnElement[Any]] = {CURRENT_USER: user}
    for name in checked.names - {CURRENT_USER}:
        column = columns.get(name)
        if column is None:
            column = _referenced_column(catalog, object_key, name, columns)
        if column is None:
            return sa.false()
        known[name] = column
    return when_true(compile_sql(checked, known, at))


def condition_holds(connection: sa.Connection, catalog: Catalog, object_key: str, source: str, record: Mapping[str, Any], username: str, at: At) -> bool:
    """`record`: values by field key; dotted names may be given, otherwise they are read."""
    checked = checked_condition(catalog, object_key, source)
    if checked is None:
        return False
    values: dict[str, Any] = {CURRENT_USER: username}
    for name in checked.names - {CURRENT_USER}:
        if name in record:
            values[name] = _plain(catalog, object_key, name, record[name])
        elif "." in name:
            values[name] = _referenced_value(connection, catalog, object_key, name, record)
    return evaluate(checked, values, at) is True


def _fields(catalog: Catalog, object_key: str) -> Mapping[str, Any]:
    object_type = catalog.get("object", object_key)
    return object_type.fields if object_type else {}


def _names(catalog: Catalog, object_key: str) -> dict[str, Name]:
    names = dict(_SYSTEM_NAMES)
    for key, field in _fields(catalog, object_key).items():
        kind = FIELD_TYPES[field.type]
        names[key] = Name(kind.expression_type(field), True, field.title, kind.unit(field), tuple(o.key for o in field.options))
    return names


def _referenced_column(catalog: Catalog, object_key: str, name: str, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any] | None:
    reference, _, key = name.partition(".")
    field = _fields(catalog, object_key).get(reference)
    if field is None or not field.reference or reference not in columns:
        return None
    target = _light_table(catalog, field.reference)
    if key not in target.c:
        return None
    inner = _fields(catalog, field.reference).get(key)
    value = FIELD_TYPES[inner.type].sql_value(inner, target.c[key]) if inner else target.c[key]
    return sa.select(value).where(target.c.id == columns[reference]).scalar_subquery()


def _referenced_value(connection: sa.Connection, catalog: Catalog, object_key: str, name: str, record: Mapping[str, Any]) -> Any:
    reference = name.partition(".")[0]
    if record.get(reference) is None:
        return None
    column = _referenced_column(catalog, object_key, name, {reference: sa.literal(record[reference], sa.BigInteger)})
    return None if column is None else connection.scalar(sa.select(column))


def _light_table(catalog: Catalog, object_key: str) -> Any:
    """The object's table by name and stored columns only, under an alias of its own, so that a reference to the same object is another row."""
    fields = {k: f for k, f in _fields(catalog, object_key).items() if not f.computed and f.rollup is None}
    columns: list[sa.ColumnClause[Any]] = [sa.column(k, FIELD_TYPES[f.type].column_type(f)) for k, f in fields.items()]
    system: list[sa.ColumnClause[Any]] = [sa.column("id", sa.BigInteger), sa.column("created_by", sa.Text), sa.column("updated_by", sa.Text)]
    return sa.table("o_" + object_key, *system, *columns).alias()


def _plain(catalog: Catalog, object_key: str, name: str, value: Any) -> Any:
    field = _fields(catalog, object_key).get(name)
    return FIELD_TYPES[field.type].to_expression(field, value) if field is not None and value is not None else value
