"""Column types that mean the same on SQLite and PostgreSQL, and the Python functions SQLite gets."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator

from server.expressions.sqlite import FUNCTIONS as SQLITE_FUNCTIONS

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows only for INTEGER PRIMARY KEY


def register_functions(connection: Any) -> None:
    """Give a new SQLite connection what its SQL cannot say; all deterministic."""
    for name, arguments, function in SQLITE_FUNCTIONS:
        connection.create_function(name, arguments, function, deterministic=True)


class Instant(TypeDecorator[datetime]):
    """A point in time: aware in Python, UTC without offset in the database (text on SQLite, timestamp on PostgreSQL)."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its offset")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


# A JSON value as text that is the same for the same value.
canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class Json(TypeDecorator[Any]):
    """A JSON value as canonical text (sorted keys, no spaces, Han characters readable): equal values are equal text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


class Keys(TypeDecorator[list[str]]):
    """A list of option keys as text `["a","b"]`, so that membership is a search for `"a"` on every database. Empty is null."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: sa.Dialect) -> str | None:
        return json.dumps(list(value), ensure_ascii=False, separators=(",", ":")) if value else None

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> list[str] | None:
        return None if value is None else json.loads(value)


class Constant(sa.ColumnElement[Any]):
    """A number, text or truth value written into the statement. In a statement of thousands of constants that runs at each save, bound ones
    cost the driver more time than the database takes for the answer."""

    inherit_cache = True
    _traverse_internals = [("key", InternalTraversal.dp_string), ("type", InternalTraversal.dp_type)]

    def __init__(self, value: float | int | str | bool) -> None:
        self.value = value
        self.key = repr(value)
        self.type = _CONSTANT_TYPES[type(value)]


_CONSTANT_TYPES: dict[type, sa.types.TypeEngine[Any]] = {bool: sa.Boolean(), int: sa.BigInteger(), float: sa.Double(), str: sa.Text()}


@compiles(Constant)
def _constant(element: Constant, compiler: Any, **kw: Any) -> str:
    if isinstance(element.value, bool):
        return str(compiler.process(sa.true() if element.value else sa.false(), **kw))
    if isinstance(element.value, str):
        return str(compiler.render_literal_value(element.value, element.type))
    return f"({element.value!r})" if element.value < 0 else repr(element.value)


@compiles(Constant, "postgresql")
def _constant_postgresql(element: Constant, compiler: Any, **kw: Any) -> str:
    text = _constant(element, compiler, **kw)
    kind = {float: "float8", int: "int8", str: "text"}.get(type(element.value))
    return f"({text}::{kind})" if kind else text


def constants_for(leaves: Sequence[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    """Values bound when the statement was made become constants; parameters that are given when it runs stay."""
    return [Constant(leaf.value) if isinstance(leaf, sa.BindParameter) and isinstance(leaf.value, bool | int | float | str) else leaf for leaf in leaves]
