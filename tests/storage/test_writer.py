"""SQLite's one writer: turns, and brief writers that share a commit."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from server.storage import writer
from server.storage.session import Database
from server.storage.writer import Turns

metadata = sa.MetaData()
words = sa.Table("words", metadata, sa.Column("word", sa.Text, primary_key=True, sqlite_on_conflict_primary_key="ROLLBACK"))
owned = sa.Table("owned", metadata, sa.Column("word", sa.Text, sa.ForeignKey(words.c.word, deferrable=True, initially="DEFERRED")))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path}/words.sqlite")
    with found.write() as connection:
        metadata.create_all(connection)
    yield found
    found.close()


class Queue:
    """Brief writers that stand behind one another: each is in the queue before the first may work."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writer, "LONGEST", 60.0)
        self.database, self.commits = database, 0
        self.ended: dict[str, str] = {}
        event.listen(database.engine, "commit", self._committed)

    def _committed(self, _: sa.Connection) -> None:
        self.commits += 1

    def run(self, work: dict[str, Callable[[sa.Connection], object]]) -> None:
        threads = [threading.Thread(target=self._write, args=item) for item in work.items()]
        turns = self.database._writer._turns
        with turns:
            for n, thread in enumerate(threads, 1):
                thread.start()
                while len(turns._waiting) < n:
                    thread.join(0.001)
        for thread in threads:
            thread.join()

    def _write(self, name: str, work: Callable[[sa.Connection], object]) -> None:
        try:
            with self.database.write(brief=True) as connection:
                work(connection)
            self.ended[name] = "done" if name in self.stored() else "kept back"
        except (ValueError, sa.exc.DBAPIError) as error:
            self.ended[name] = type(error).__name__

    def stored(self) -> set[str]:
        with self.database.read() as connection:
            return set(connection.scalars(sa.select(words.c.word)))


@pytest.fixture
def queue(database: Database, monkeypatch: pytest.MonkeyPatch) -> Queue:
    return Queue(database, monkeypatch)


def says(word: str) -> Callable[[sa.Connection], object]:
    return lambda connection: connection.execute(words.insert().values(word=word))


def test_those_in_the_queue_share_a_commit(queue: Queue) -> None:
    queue.run({word: says(word) for word in "abcd"})
    assert queue.ended == dict.fromkeys("abcd", "done")
    assert queue.commits == 1


@pytest.mark.parametrize("bad", ["a", "b", "d"])
def test_what_fails_is_undone_alone(queue: Queue, bad: str) -> None:
    def fails(connection: sa.Connection) -> None:
        says("x")(connection)
        raise ValueError

    queue.run({word: fails if word == bad else says(word) for word in "abcd"})
    assert queue.ended == {word: "ValueError" if word == bad else "done" for word in "abcd"}
    assert queue.stored() == set("abcd") - {bad}


def test_nobody_goes_on_before_the_commit(queue: Queue) -> None:
    def looks(connection: sa.Connection) -> None:
        says("b")(connection)
        assert not queue.ended
        assert queue.stored() == set()  # as others see it

    queue.run({"a": says("a"), "b": looks})
    assert queue.ended == dict.fromkeys("ab", "done")


def test_a_commit_that_fails_fails_for_all(queue: Queue) -> None:
    queue.run({"a": says("a"), "b": lambda connection: connection.execute(owned.insert().values(word="nobody")), "c": says("c")})
    assert queue.ended == dict.fromkeys("abc", "IntegrityError")
    assert queue.stored() == set()
    queue.run({"a": says("a")})
    assert queue.ended["a"] == "done"


def test_a_transaction_that_sqlite_gave_up_is_nobodys(queue: Queue) -> None:
    """A conflict that rolls the whole transaction back, as a full disk does."""
    queue.run({"a": says("a"), "b": says("a"), "c": says("c")})
    assert queue.ended == {"a": "IntegrityError", "b": "IntegrityError", "c": "done"}
    assert queue.stored() == {"c"}


def test_who_writes_alone_finds_all_before_committed(queue: Queue) -> None:
    seen: list[set[str]] = []

    def alone() -> None:
        with queue.database.write() as connection:
            seen.append(queue.stored())
            says("z")(connection)

    long = threading.Thread(target=alone)

    def first(connection: sa.Connection) -> None:
        says("a")(connection)
        long.start()
        while not queue.database._writer._turns._waiting:
            long.join(0.001)

    queue.run({"a": first})
    long.join()
    assert seen == [{"a"}]
    assert queue.stored() == {"a", "z"}


def test_who_gave_up_leaves_nobody_waiting(queue: Queue) -> None:
    """The transaction was left open for somebody who is not there any more."""
    turns = queue.database._writer._turns
    ghost = threading.Lock()
    ghost.acquire()

    def first(connection: sa.Connection) -> None:
        says("a")(connection)
        turns._waiting.append(ghost)

    def gives_up() -> None:
        ghost.acquire()
        turns.__exit__()

    giving_up = threading.Thread(target=gives_up)
    giving_up.start()
    queue.run({"a": first})
    giving_up.join()
    assert queue.ended == {"a": "done"}


def test_writers_take_turns_in_the_order_in_which_they_came() -> None:
    turns, order, waiting = Turns(), list[int](), threading.Semaphore(0)

    def write(n: int) -> None:
        waiting.release()
        with turns:
            order.append(n)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(5)]
    with turns:
        for n, thread in enumerate(threads, 1):
            thread.start()
            waiting.acquire()
            while len(turns._waiting) < n:
                thread.join(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    with turns:
        pass  # it is free again
