"""Writers of the same records take turns; those of others do not wait for them."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from server.storage.session import Database
from server.storage.turns import NEAR, SLOTS, in_turn, span

A = 7 * NEAR


@pytest.fixture
def database(postgres_database: Database) -> Iterator[Database]:
    with postgres_database.write() as connection:
        connection.execute(sa.DDL("CREATE TABLE seen (n integer)"))
    yield postgres_database


def test_the_second_sees_what_the_first_has_done(database: Database) -> None:
    seen = sa.table("seen", sa.column("n"))
    count = sa.select(sa.func.count()).select_from(seen)
    counted: list[int | None] = []
    started = threading.Event()

    def second() -> None:
        with database.write() as connection:
            connection.scalar(count)
            started.set()
            in_turn(connection, "look", [A + 1, 3])
            counted.append(connection.scalar(count))

    with database.write() as connection:
        in_turn(connection, "look", [A])
        connection.execute(sa.insert(seen).values(n=1))
        thread = threading.Thread(target=second)
        thread.start()
        assert started.wait(10)
        thread.join(0.3)
        assert counted == []
    thread.join(10)
    assert counted == [1]


def test_others_do_not_wait(database: Database) -> None:
    with database.write() as one, database.write() as other:
        in_turn(one, "look", [A])
        other.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
        in_turn(other, "look", [A + NEAR])
        in_turn(other, "count", [A])
        in_turn(other, "look", [])
        with pytest.raises(sa.exc.OperationalError):
            in_turn(other, "look", span(-1, 2**62))


@pytest.mark.parametrize(("low", "high"), [(-1, 0), (0, 1), (31, 32), (30, 65), (1999, 3999), (-1, 2**62), (NEAR * SLOTS - 1, NEAR * SLOTS)])
def test_a_span_has_the_slots_of_all_its_numbers(low: int, high: int) -> None:
    wanted = {n // NEAR % SLOTS for n in range(low + 1, min(high, low + NEAR * SLOTS) + 1)}
    assert {n // NEAR % SLOTS for n in span(low, high)} == wanted
    assert len(span(low, high)) <= SLOTS + 1
