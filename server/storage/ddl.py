"""Makes and alters object tables by native ALTER only: add, rename, rename aside. A table is never rebuilt: on SQLite that once
deleted the rows of its children without a word."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from server.errors import Conflict, Text

LOCK_TIMEOUT = "3s"  # longer, and every reader of the table queues behind us
MAX_NAME_BYTES = 63  # of PostgreSQL


@dataclass(frozen=True)
class Index:
    """`where`: the rows it sees, as text to compare; a unique one sees those that live, so that a deleted record gives its number back."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    where: sa.ColumnElement[bool] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class CreateTable:
    table: sa.Table
    later: frozenset[str] = frozenset()  # columns that reference tables made after this one


@dataclass(frozen=True)
class RenameTable:
    table: str
    to: str


@dataclass(frozen=True)
class AddColumn:
    table: str
    column: sa.Column[Any]


@dataclass(frozen=True)
class RenameColumn:
    table: str
    column: str
    to: str


@dataclass(frozen=True)
class CreateIndex:
    table: str
    index: Index


@dataclass(frozen=True)
class DropIndex:
    table: str
    name: str


Step = CreateTable | RenameTable | AddColumn | RenameColumn | CreateIndex | DropIndex


def short(name: str) -> str:
    """`name`, or as much of it as the database takes, with a hash that keeps it apart from others."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    cut = name.encode()[: MAX_NAME_BYTES - 9].decode("utf-8", "ignore")
    return f"{cut}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def plan(old: Iterable[sa.Table], new: Iterable[sa.Table], release: int) -> list[Step]:
    """The steps from `old` to `new`, in an order that can be run. What goes is renamed aside with the number of the release that dropped it."""
    before, after = {t.name: t for t in old}, {t.name: t for t in new}
    steps: list[Step] = []
    for name in [n for n in before if n not in after]:
        steps += [DropIndex(name, i.name) for i in indexes(before[name])]
        steps.append(RenameTable(name, short(f"{name}__gone_{release}")))
    made = {n for n in after if n in before}
    creations: list[CreateTable] = []
    for name in _parents_first([n for n in after if n not in before], after):
        made.add(name)
        creations.append(CreateTable(after[name], frozenset(c.name for c in after[name].columns if _target(c) not in (None, *made))))
    steps += creations
    for name in after:
        steps += _alter(before[name], after[name], release) if name in before else []
    for step in creations:
        steps += [AddColumn(step.table.name, c) for c in step.table.columns if c.name in step.later]
        steps += [CreateIndex(step.table.name, i) for i in indexes(step.table)]
    return steps


def _alter(old: sa.Table, new: sa.Table, release: int) -> list[Step]:
    before, after = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    gone = [c for c in before if c not in after or signature(before[c]) != signature(after[c])]
    fresh = [c for c in after if c not in before or c in gone]
    had, wanted = indexes(old), indexes(new)
    stale = [i for i in had if i not in wanted or set(i.columns) & set(gone)]
    return [
        *(DropIndex(old.name, i.name) for i in stale),
        *(RenameColumn(old.name, c, short(f"{c}__gone_{release}")) for c in gone),
        *(AddColumn(new.name, after[c]) for c in fresh),
        *(CreateIndex(new.name, i) for i in wanted if i not in had or i in stale),
    ]


def indexes(table: sa.Table) -> list[Index]:
    """In the order of their names."""
    found = [Index(str(i.name), tuple(c.name for c in i.columns), bool(i.unique), i.dialect_options["sqlite"]["where"]) for i in table.indexes]
    return sorted(found, key=lambda i: i.name)


def index_changes(connection: sa.Connection, tables: Iterable[sa.Table]) -> list[Step]:
    """From the plain indexes that stand in the database to those the tables declare. A new version of the product may declare others for the same
    documents, and no publish would notice."""
    wanted = {t.name: {i.name: i for i in indexes(t) if not i.unique} for t in tables}
    if not wanted:
        return []  # no names to filter by would mean every table
    found = sa.inspect(connection).get_multi_indexes(filter_names=list(wanted))
    steps: list[Step] = []
    for (_, table), present in found.items():
        names = {str(i["name"]) for i in present if not i["unique"] and str(i["name"]).startswith("ix_")}
        steps += [DropIndex(table, name) for name in sorted(names - wanted[table].keys())]
        steps += [CreateIndex(table, wanted[table][name]) for name in sorted(wanted[table].keys() - names)]
    return steps


def signature(column: sa.Column[Any]) -> tuple[str, str | None]:
    """Two columns of one signature hold the same values."""
    return column.type.compile(dialect=sqlite.dialect()), _target(column)


def _target(column: sa.Column[Any]) -> str | None:
    """The table that the column references."""
    return next((key.target_fullname.split(".")[0] for key in column.foreign_keys), None)


def _parents_first(names: Sequence[str], tables: Mapping[str, sa.Table]) -> list[str]:
    """Referenced tables first; in a circle somebody has to be."""
    order: list[str] = []
    waiting = list(names)
    while waiting:
        free = [n for n in waiting if not any(_target(c) in waiting and _target(c) != n for c in tables[n].columns)]
        chosen = free or waiting[:1]
        order += chosen
        waiting = [n for n in waiting if n not in chosen]
    return order


def apply(connection: sa.Connection, steps: Sequence[Step]) -> None:
    operations = Operations(MigrationContext.configure(connection))
    for step in steps:
        if isinstance(step, RenameTable | RenameColumn):
            _free_indexes(operations, connection, step)
        _run(operations, step)
        if isinstance(step, CreateTable) and step.table.autoincrement_column is not None:
            _continue_ids(connection, step.table.name)


def _free_indexes(operations: Operations, connection: sa.Connection, step: RenameTable | RenameColumn) -> None:
    """An index keeps its name when its table or column is renamed aside, and the name is wanted when they come back. Other features make indexes too."""
    for index in sa.inspect(connection).get_indexes(step.table):
        aside = isinstance(step, RenameTable) or step.column in index["column_names"]
        if aside and "duplicates_constraint" not in index:
            operations.drop_index(str(index["name"]), step.table)


def _continue_ids(connection: sa.Connection, table: str) -> None:
    """A table that comes back counts on from where it left off: history, alerts and audit know records by their number, and must not take new ones for old."""
    gone = [name for name in sa.inspect(connection).get_table_names() if name.startswith(f"{table}__gone_")]
    last = max((connection.scalar(sa.select(sa.func.max(sa.column("id"))).select_from(sa.table(name))) or 0 for name in gone), default=0)
    if last and connection.dialect.name == "sqlite":
        counters = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
        connection.execute(counters.insert().values(name=table, seq=last))
    elif last:
        quoted = connection.dialect.identifier_preparer.quote(table)
        connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(quoted, "id"), last)))


def _run(operations: Operations, step: Step) -> None:
    match step:
        case CreateTable(table, later):
            operations.create_table(table.name, *(_copy(c) for c in table.columns if c.name not in later), **table.dialect_kwargs)
        case RenameTable(name, to):
            operations.rename_table(name, to)
        case AddColumn(name, column):
            operations.add_column(name, _copy(column), inline_references=True)
        case RenameColumn(name, column_name, to):
            operations.alter_column(name, column_name, new_column_name=to)
        case CreateIndex(name, index):
            operations.create_index(index.name, name, list(index.columns), unique=index.unique, sqlite_where=index.where, postgresql_where=index.where)
        case DropIndex(name, index_name):
            operations.drop_index(index_name, name)


def _copy(column: sa.Column[Any]) -> sa.Column[Any]:
    """A column belongs to one table; ours is taken again and again. References are kept by name, so that no other table is needed."""
    keys = [sa.ForeignKey(key.target_fullname) for key in column.foreign_keys]
    return sa.Column(column.name, column.type, *keys, primary_key=column.primary_key, nullable=column.nullable, autoincrement=column.autoincrement)


def duplicates(connection: sa.Connection, table: sa.Table, index: Index, limit: int = 3) -> list[tuple[Any, ...]]:
    """Examples of values that stand in two rows and would break a unique index."""
    columns = [table.c[c] for c in index.columns]
    query = sa.select(*columns).where(*(c.is_not(None) for c in columns)).group_by(*columns).having(sa.func.count() > 1).order_by(*columns).limit(limit)
    return [tuple(row) for row in connection.execute(query if index.where is None else query.where(index.where))]


def alone(connection: sa.Connection, what: str) -> None:
    """Nobody else does `what` until this transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


@contextmanager
def impatient(connection: sa.Connection) -> Iterator[None]:
    """Table changes that wait a few seconds for running queries and no longer: who waits for the table makes all others wait behind."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise Conflict(
            Text("另一项操作正在占用数据表，没有任何改动", "Something else is using the tables; nothing was changed"),
            Text("过几秒再试", "Try again in a few seconds"),
        ) from error


def continue_ids(connection: sa.Connection, table: sa.Table) -> None:
    """After rows were put in with ids of their own: the next id follows the largest. SQLite sees to it by itself."""
    if connection.dialect.name == "postgresql":
        largest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
        connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), sa.func.coalesce(largest, 1))))
