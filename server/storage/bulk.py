"""Many rows into one table, the driver's way: a prepared statement on SQLite, COPY on PostgreSQL. Values come as the driver takes them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from psycopg import Error as PostgresError

FEW = 20  # rows that are no work for COPY
Bind = Callable[[Any], Any]
_last: dict[str, sa.Select[Any]] = {}  # by the name of the table
_statements: WeakKeyDictionary[sa.Table, dict[tuple[str, ...], str]] = WeakKeyDictionary()


def binder(connection: sa.Connection, column: sa.Column[Any]) -> Bind | None:
    """What makes a value that is there one that the driver takes; None where it is one already."""
    if isinstance(column.type, sa.Double | sa.Boolean):
        return None  # SQLAlchemy makes sure that they are of their type; here they are validated values
    if connection.dialect.name == "sqlite" and isinstance(column.type, sa.Date):
        return date.isoformat  # what SQLAlchemy's own writes too, in a quarter of the time
    return column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)


def next_ids(connection: sa.Connection, table: sa.Table, count: int) -> Sequence[int]:
    """Ids for rows that this transaction is about to insert, rising. On SQLite it is the only writer: it counts from the last id ever given."""
    if connection.dialect.name == "sqlite":
        if table.name not in _last:
            sequence = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
            last = sa.select(sequence.c.seq).where(sequence.c.name == table.name).scalar_subquery()
            highest = sa.select(sa.func.max(sa.column("id"))).select_from(sa.table(table.name)).scalar_subquery()
            _last[table.name] = sa.select(last, highest)
        first = 1 + max(n or 0 for n in connection.execute(_last[table.name]).one())
        return range(first, first + count)
    given = sa.func.nextval(sa.func.pg_get_serial_sequence(table.name, "id"))
    return sorted(connection.execute(sa.select(given).select_from(sa.func.generate_series(1, count))).scalars())


def undone(connection: sa.Connection, statements: int) -> AbstractContextManager[Any]:
    """What fails in it is undone, and the transaction goes on. SQLite undoes one statement by itself, without a savepoint."""
    return nullcontext() if connection.dialect.name == "sqlite" and statements == 1 else connection.begin_nested()


def insert_rows(connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """`columns` in the table's order. Raises sqlalchemy's errors, as any statement does."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_statement(connection, table, columns), rows)
    elif len(rows) <= FEW:
        connection.exec_driver_sql(_statement(connection, table, columns), [dict(zip(columns, row, strict=True)) for row in rows])
    else:
        _copy(connection, table, columns, rows)


def _statement(connection: sa.Connection, table: sa.Table, columns: tuple[str, ...]) -> str:
    known = _statements.setdefault(table, {})
    key = (connection.dialect.name, *columns)
    if key not in known:
        known[key] = str(sa.insert(table).compile(dialect=connection.dialect, column_keys=list(columns)))
    return known[key]


def _copy(connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quote(table.name)} ({', '.join(quote(c) for c in columns)}) FROM STDIN"
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except PostgresError as error:
        raise sa.exc.DBAPIError.instance(statement, None, error, PostgresError) from error
