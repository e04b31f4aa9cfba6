"""Keyset pages: the order of a list, the place where a page ends, and what lies behind it. Pure.

Empty values stand last in either direction, which no index does on both databases. So an order falls into two runs, the records with a value in its
first key and those without; each is a plain order that an index serves from any place on, and the second is asked for only when the first ends.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid, Problem, Text


@dataclass(frozen=True)
class Key:
    """One column of an order, by its name in the list. `coarse`: it has few values, each in many records."""

    name: str
    column: sa.ColumnElement[Any]
    descending: bool
    nullable: bool
    coarse: bool = False


@dataclass(frozen=True)
class Run:
    """Records that follow each other in one plain order. `filled`: they have a value in the first key."""

    where: Sequence[sa.ColumnElement[Any]]
    order: Sequence[sa.ColumnElement[Any]]
    filled: bool


def runs(keys: Sequence[Key], place: Sequence[Any] | None, twin: sa.ColumnElement[Any] | None = None) -> Iterator[Run]:
    """What the order consists of behind `place` (a value for each key; None: from the beginning). The last key is unique and never empty; `twin` is
    a column that equals it where there is a value in the first key, and is better there."""
    first, rest = keys[0], keys[1:]
    begin = replace(first, nullable=False)
    behind = [*rest[:-1], replace(rest[-1], column=twin)] if rest and twin is not None else rest
    if place is None:
        yield Run([first.column.is_not(None)] if first.nullable else [], order([begin, *behind]), True)
    elif place[0] is not None and first.coarse and rest:  # SQLite would look for the place among all records of one value
        yield Run([first.column == place[0], _behind(behind, place[1:])], order(behind), True)
        yield Run([_behind([begin], place[:1])], order([begin, *behind]), True)
    elif place[0] is not None:
        yield Run([_behind([begin, *behind], place)], order([begin, *behind]), True)  # an empty value is behind nothing, so this alone leaves it out
    if first.nullable:
        inside = place is not None and place[0] is None
        yield Run([first.column.is_(None), *([_behind(rest, place[1:])] if inside and place else [])], order(rest), False)


def order(keys: Sequence[Key]) -> list[sa.ColumnElement[Any]]:
    """The order as one, empty values last."""
    found: list[sa.ColumnElement[Any]] = []
    for key in keys:
        if key.nullable:
            found.append(sa.case((key.column.is_(None), 1), else_=0))
        found.append(key.column.desc() if key.descending else key.column.asc())
    return found


def _behind(keys: Sequence[Key], place: Sequence[Any]) -> sa.ColumnElement[Any]:
    """Everything behind a place: one comparison of rows where the keys allow it, for that is what an index can begin at."""
    if any(key.nullable for key in keys) or len({key.descending for key in keys}) > 1:
        first, value = keys[0], place[0]
        if first.nullable or len(keys) == 1:
            return _stepwise(keys, place)
        not_before: sa.ColumnElement[Any] = first.column <= value if first.descending else first.column >= value
        return sa.and_(not_before, _stepwise(keys, place))
    columns = sa.tuple_(*(key.column for key in keys))
    values = sa.tuple_(*(sa.literal(value, key.column.type) for key, value in zip(keys, place, strict=True)))
    found: sa.ColumnElement[Any] = columns < values if keys[0].descending else columns > values
    return found


def _stepwise(keys: Sequence[Key], place: Sequence[Any]) -> sa.ColumnElement[Any]:
    """Behind the place by the first key, or level in it and behind by the next."""
    key, value = keys[0], place[0]
    if value is None:
        level, behind = key.column.is_(None), sa.false()
    else:
        level = key.column == value
        behind = key.column < value if key.descending else key.column > value
        if key.nullable:
            behind = behind | key.column.is_(None)
    return behind if len(keys) == 1 else behind | (level & _stepwise(keys[1:], place[1:]))


# -- Places as text ------------------------------------------------------------------------------------------------------------


def write_cursor(values: Sequence[Any]) -> str:
    parts: list[Any] = []
    for v in values:
        if isinstance(v, datetime):
            parts.append({"t": v.isoformat()})
        elif isinstance(v, date):
            parts.append({"d": v.isoformat()})
        elif isinstance(v, Decimal):
            parts.append({"n": str(v)})
        else:
            parts.append(v)
    return base64.urlsafe_b64encode(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str, length: int) -> list[Any]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [_cursor_value(p) for p in parts]
    except (ValueError, TypeError, KeyError, binascii.Error, InvalidOperation, RecursionError):
        values = []
    if len(values) != length:
        raise no_such_place()
    return values


def no_such_place() -> Invalid:
    return Invalid([Problem("cursor", Text("翻页位置无效，请回到第一页", "The page position is not valid; go back to the first page"), code="cursor")])


@contextmanager
def placed(place: Sequence[Any] | None) -> Iterator[None]:
    """A place whose values the database cannot compare with the columns, such as one of another order, is refused like any other that is not valid."""
    try:
        yield
    except (sa.exc.DataError, sa.exc.NotSupportedError, sa.exc.ProgrammingError, OverflowError, TypeError, ValueError) as error:
        if place is None:
            raise
        raise no_such_place() from error
    except sa.exc.StatementError as error:
        if place is None or isinstance(error, sa.exc.DBAPIError):
            raise
        raise no_such_place() from error


def _cursor_value(part: Any) -> Any:
    if isinstance(part, dict):
        ((tag, text),) = part.items()
        if tag == "t":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return date.fromisoformat(text) if tag == "d" else Decimal(text)
    if part is None or isinstance(part, str | int | float | bool):
        return part
    raise ValueError(part)
