"""Connections and transactions. With dialects.py and ddl.py the only code that knows SQLite from PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from server.storage.dialects import register_functions
from server.storage.writer import Writer

STILL = "120s"  # a transaction in which nothing happens for so long is ended: a process that stands still would keep its locks for ever


class Database:
    """One database. `read()` and `write()` open a transaction each; `write()` commits at its end and rolls back on any error.

    SQLite has one writer: those of this process queue (`writer.py`), those of other processes are waited for with `busy_timeout`.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        kwargs: dict[str, Any] = {"pool_size": 16, "max_overflow": 16} if not self.is_sqlite else {"pool_size": 24, "max_overflow": 40}
        self.engine = sa.create_engine(self.url, **kwargs)
        self._writer = Writer(self.engine)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_connect)
            event.listen(self.engine, "begin", _sqlite_begin)
        else:
            event.listen(self.engine, "connect", _postgres_connect)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent snapshot; whatever is written on it by mistake is rolled back."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()

    @contextmanager
    def write(self, *, brief: bool = False) -> Iterator[sa.Connection]:
        """`brief`: it takes milliseconds, and may share a commit with others of its kind."""
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._writer.brief() if brief else self._writer.alone() as connection:
            yield connection

    def companion(self, name: str) -> str:
        """Where a library keeps tables of its own: a SQLite file beside ours (with WAL, so that its readers never wait), or the same server."""
        if not self.is_sqlite:
            return self.url.render_as_string(hide_password=False)
        path = Path(self.url.database or name).with_suffix(f".{name}.sqlite")
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        return f"sqlite:///{path}"

    def close(self) -> None:
        self.engine.dispose()


_SQLITE_AWAY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN}


def is_away(error: Exception) -> bool:
    """Whether the database is not there, was cut off, or is kept busy by others: the same call may succeed a little later."""
    if isinstance(error, sa.exc.DBAPIError):
        code = getattr(error.orig, "sqlite_errorcode", None)  # SQLite calls a mistake in a statement an operational error too
        operational = isinstance(error, sa.exc.OperationalError) if code is None else code & 0xFF in _SQLITE_AWAY
        return error.connection_invalidated or operational
    return isinstance(error, sa.exc.TimeoutError)  # all connections are in use


def unhurried(connection: sa.Connection) -> None:
    """This transaction may stand still as long as it likes: whoever reads what it gives sets the pace. It should hold no locks."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves; Python 3.11's sqlite3 has no autocommit argument
    for pragma in ("journal_mode=WAL", "busy_timeout=15000", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    register_functions(connection)


def _sqlite_begin(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "IMMEDIATE" else "BEGIN DEFERRED")


def _postgres_connect(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{STILL}'")
    connection.commit()
