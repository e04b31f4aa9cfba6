"""Rows made by a query that are written only where they differ: the second run of the same work writes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def database_kind(connection: sa.Connection) -> str:
    """For what is kept per kind of database, such as a statement made for one."""
    return connection.dialect.name


@contextmanager
def staged(connection: sa.Connection) -> Iterator[None]:
    """For statements of many MATERIALIZED stages over many records. PostgreSQL knows nothing of the size of a stage and joins them by nested loops:
    2,000 records took 38 s instead of 1. And its compiler of expressions (jit) takes longer over such a statement than the statement itself."""
    if connection.dialect.name != "postgresql":
        yield
        return
    before = connection.execute(sa.select(*(sa.func.current_setting(name) for name in SETTINGS))).one()
    _configure(connection, ["off" for _ in SETTINGS])
    yield
    _configure(connection, before)


SETTINGS = ("enable_nestloop", "jit")


def _configure(connection: sa.Connection, values: Iterable[str]) -> None:
    connection.execute(sa.select(*(sa.func.set_config(name, value, True) for name, value in zip(SETTINGS, values, strict=True))))


def insert_changed(connection: sa.Connection, table: sa.Table, query: sa.Select[Any], *, compare: Iterable[str]) -> sa.Executable:
    """INSERT of the query's rows into `table` (columns by the query's names); where the key is there, UPDATE if any of `compare` differs.

    Gives the first key column of the rows written.
    """
    names = [c.name for c in query.selected_columns]
    keys = [c.name for c in table.primary_key]
    rows = query.where(sa.true())  # without a WHERE, SQLite reads ON CONFLICT as the condition of a join
    insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table).from_select(names, rows)
    differs = [table.c[name].is_distinct_from(insert.excluded[name]) for name in compare]
    changed = insert.on_conflict_do_update(
        index_elements=keys, set_={name: insert.excluded[name] for name in names if name not in keys}, where=sa.or_(*differs) if differs else sa.false()
    )
    return changed.returning(table.c[keys[0]])


def upsert(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> None:
    """One row, put where its key says."""
    keys = [c.name for c in table.primary_key]
    insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table).values(**values)
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in values if name not in keys}))


def insert_new(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """One row, unless its key is there already (a transaction that is just writing it is waited for): whether it was written."""
    insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table).values(**values)
    written = insert.on_conflict_do_nothing().returning(next(iter(table.primary_key)))
    return connection.execute(written).first() is not None
