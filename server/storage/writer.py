"""SQLite's one writer. Writers of this process queue for it, so that they never fight for the file's lock (busy retries cost up to a second each);
brief ones that stand in the queue together share a transaction: one commit, which waits for the disk, for all of them."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

MOST = 32  # writers of one transaction
LONGEST = 0.05  # seconds a transaction stays open for further writers
IMMEDIATE = {"sqlite_begin": "IMMEDIATE"}  # an option of connections, see session.py
PATIENCE = 0.05  # seconds after which a writer looks whether it is still going on


class Turns:
    """A lock that is given in the order in which it was asked for. A plain one may be taken again and again by whoever just let go of it: under
    many writers some then waited twelve times as long as most."""

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._door:
            if not self._taken:
                self._taken = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()  # whoever leaves opens it
        except BaseException:
            self._give_up(turn)
            raise

    def _give_up(self, turn: threading.Lock) -> None:
        """Interrupted while waiting; when it was our turn already, it is the next one's."""
        with self._door:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return
        self.__exit__()

    def __exit__(self, *_: object) -> None:
        with self._door:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)


class Shared:
    """A transaction that brief writers put their work into, one after another. What fails is undone alone; nobody goes on before the commit."""

    def __init__(self, engine: sa.Engine) -> None:
        self.connection = engine.connect().execution_options(**IMMEDIATE)
        self.began = time.monotonic()
        self.writers = 0
        self.ended = threading.Event()
        self.error: BaseException | None = None
        try:
            self.connection.begin()
        except BaseException:
            self.connection.close()
            raise

    @contextmanager
    def part(self) -> Iterator[sa.Connection]:
        """The work of one writer. The first needs no savepoint: nobody else's is there to keep."""
        savepoint = self.connection.begin_nested() if self.writers else None
        try:
            yield self.connection
        except BaseException as error:
            if not self._goes_on:
                self.error = error  # SQLite undid the whole transaction: the disk is full, or cannot be read
            elif savepoint is not None:
                savepoint.rollback()
            raise
        if savepoint is not None:
            savepoint.commit()
        self.writers += 1

    @property
    def _goes_on(self) -> bool:
        driver: Any = self.connection.connection.dbapi_connection
        return bool(driver.in_transaction)

    @property
    def is_full(self) -> bool:
        return not self.writers or self.error is not None or self.writers >= MOST or time.monotonic() - self.began > LONGEST

    def end(self) -> None:
        """Commits, or undoes it when nobody's work is in it. An error is kept for all whose work it was."""
        try:
            with self.connection:
                self._settle()
        finally:
            self.ended.set()

    def _settle(self) -> None:
        try:
            if self.writers and self.error is None:
                self.connection.commit()
        except BaseException as error:  # noqa: BLE001  all whose work it was raise it
            self.error = error
            self.connection.rollback()


class Writer:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._turns = Turns()
        self._shared: Shared | None = None  # open, with work of writers that wait for its end

    @contextmanager
    def alone(self) -> Iterator[sa.Connection]:
        """A transaction of one's own."""
        with self._turns:
            self._end()
            with self._engine.connect().execution_options(**IMMEDIATE) as connection, connection.begin():
                yield connection

    @contextmanager
    def brief(self) -> Iterator[sa.Connection]:
        """A transaction that others may share; left only when it is committed."""
        with self._turns:
            shared = self._shared = self._shared or Shared(self._engine)
            try:
                with shared.part() as connection:
                    yield connection
            finally:
                if shared.is_full or not self._turns.is_wanted:
                    self._end()
        while not shared.ended.wait(PATIENCE):
            with self._turns:  # whoever stood behind us gave up
                if self._shared is shared:
                    self._end()
        if shared.error is not None:
            raise shared.error

    def _end(self) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.end()
