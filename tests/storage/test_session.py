"""Transactions on both databases."""

import threading

import pytest
import sqlalchemy as sa

from server.storage.ddl import index_changes
from server.storage.dialects import BigInt
from server.storage.session import Database

table = sa.Table("counter", sa.MetaData(), sa.Column("id", BigInt, primary_key=True), sa.Column("n", sa.Integer))


@pytest.fixture
def counter(database: Database) -> Database:
    with database.write() as connection:
        table.create(connection)
        connection.execute(table.insert().values(id=1, n=0))
    return database


def test_a_failed_write_leaves_nothing(counter: Database) -> None:
    with pytest.raises(ZeroDivisionError), counter.write() as connection:
        connection.execute(table.update().values(n=5))
        1 / 0  # noqa: B018
    with counter.read() as connection:
        assert connection.scalar(sa.select(table.c.n)) == 0


def test_schema_changes_roll_back_too(counter: Database) -> None:
    other = sa.Table("other", sa.MetaData(), sa.Column("id", BigInt, primary_key=True))
    with pytest.raises(ZeroDivisionError), counter.write() as connection:
        other.create(connection)
        1 / 0  # noqa: B018
    assert not sa.inspect(counter.engine).has_table("other")


def test_concurrent_writers_lose_nothing(counter: Database) -> None:
    def add(brief: bool) -> None:
        for _ in range(25):
            with counter.write(brief=brief) as connection:
                n = connection.scalar(sa.select(table.c.n).with_for_update())
                connection.execute(table.update().values(n=n + 1))

    threads = [threading.Thread(target=add, args=(n % 4 > 0,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    with counter.read() as connection:
        assert connection.scalar(sa.select(table.c.n)) == 200


def test_a_database_without_objects_has_no_indexes_to_change(counter: Database) -> None:
    with counter.read() as connection:
        assert index_changes(connection, []) == []
