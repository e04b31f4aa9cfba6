"""The audit chain: what was sealed cannot be changed, removed or added to without being found."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from server.config.catalog import Catalog
from server.feature import Actor, Hooks, Work
from server.features.audit import service
from server.features.audit.sealer import Sealer
from server.features.audit.tables import audit_blocks, audit_log
from server.storage.session import Database

NOW = datetime(2026, 1, 5, 8, 30, 1, 123456, tzinfo=UTC)


class Log:
    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def work(self, actor: str = "li.na", now: datetime = NOW) -> Iterator[Work]:
        with self.database.write() as connection:
            yield Work(connection, Actor(actor, actor), Catalog(0, {}, {}), now, ZoneInfo("Asia/Shanghai"), Hooks())

    def fill(self, rows: int = 40) -> None:
        for i in range(rows):
            with self.work(now=NOW + timedelta(seconds=i)) as work:
                service.record(work, "update", "customer", i % 7, {"fields": ["name", "备注"], "n": i})

    def seal(self) -> int:
        with self.work() as work:
            return service.seal(work)

    def verify(self, known_head: str = "") -> object:
        with self.work() as work:
            return service.verify(work, known_head)


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


@pytest.fixture
def small(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> Log:
    """A chain of several blocks of few rows, on SQLite."""
    monkeypatch.setattr(service, "BLOCK_ROWS", 7)
    return Log(sqlite_database)


def test_seals_and_verifies(log: Log) -> None:
    log.fill()
    assert log.verify() is None
    assert log.seal() == 40
    assert log.seal() == 0
    assert log.verify() is None


def test_entries_filter_and_page(log: Log) -> None:
    log.fill(10)
    with log.work() as work:
        first = service.entries(work, object="customer", limit=4)
        second = service.entries(work, object="customer", limit=4, before=first[-1].id)
        assert [e.detail["n"] for e in first + second] == [9, 8, 7, 6, 5, 4, 3, 2]
        assert service.entries(work, record_id=6)[0].detail["fields"] == ["name", "备注"]
        assert service.entries(work, actor="nobody") == ()
        assert service.actions(work) == ("update",)


def test_removed_row_is_found(small: Log) -> None:
    small.fill()
    small.seal()
    with small.work() as work:
        work.session.execute(sa.delete(audit_log).where(audit_log.c.id == 17))
    assert small.verify() is not None


def test_inserted_row_is_found_even_with_a_right_row_hash(small: Log) -> None:
    small.fill()
    small.seal()
    with small.work("ghost") as work:
        service.record(work, "update", "customer", 3, {})
        work.session.execute(sa.update(audit_log).where(audit_log.c.actor == "ghost").values(block=3))
    assert small.verify() is not None


def test_rewritten_row_with_a_right_row_hash_is_found(small: Log) -> None:
    small.fill()
    small.seal()
    with small.work() as work:
        row = work.session.execute(sa.select(audit_log).where(audit_log.c.id == 5)).one()
        forged = service.row_hash(row.at, "somebody.else", row.action, row.object, row.record_id, row.detail)
        work.session.execute(sa.update(audit_log).where(audit_log.c.id == 5).values(actor="somebody.else", hash=forged))
    assert small.verify() is not None


def test_cut_tail_is_found_with_a_known_head(small: Log) -> None:
    small.fill()
    small.seal()
    with small.work() as work:
        head = service.head(work.session)
        last = work.session.scalar(sa.select(sa.func.max(audit_blocks.c.number)))
        work.session.execute(sa.delete(audit_log).where(audit_log.c.block == last))
        work.session.execute(sa.delete(audit_blocks).where(audit_blocks.c.number == last))
    assert small.verify() is None, "a cut tail alone cannot be seen"
    assert small.verify(head) is not None


def test_a_block_cannot_be_removed_from_the_middle(small: Log) -> None:
    small.fill()
    small.seal()
    with small.work() as work:
        work.session.execute(sa.delete(audit_log).where(audit_log.c.block == 2))
        work.session.execute(sa.delete(audit_blocks).where(audit_blocks.c.number == 2))
    assert small.verify() is not None


def test_every_random_byte_flip_is_found(small: Log) -> None:
    small.fill()
    small.seal()
    assert small.verify() is None
    generator = random.Random(7)
    missed = []
    for turn in range(300):
        table, column, key = generator.choice(
            [(audit_log, c, "id") for c in ("at", "actor", "action", "object", "record_id", "detail", "hash", "block")]
            + [(audit_blocks, c, "number") for c in ("sealed_at", "first_id", "last_id", "rows", "prev_hash", "hash")]
        )
        with small.database.write() as connection:
            raw = connection.connection.cursor()
            keys = [k for (k,) in raw.execute(f"select {key} from {table.name}").fetchall()]
            place = generator.choice(keys)
            kind, value = raw.execute(f"select typeof({column}), cast({column} as blob) from {table.name} where {key} = ?", (place,)).fetchone()
            flipped = bytearray(value)
            flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
            cast = "integer" if kind == "integer" else "text"
            raw.execute(f"update {table.name} set {column} = cast(? as {cast}) where {key} = ?", (bytes(flipped), place))
            changed = raw.execute(f"select cast({column} as blob) from {table.name} where {key} = ?", (place,)).fetchone()[0] != value
        if changed and small.verify() is None:
            missed.append((turn, table.name, column, place, value, bytes(flipped)))
        with small.database.write() as connection:
            connection.connection.cursor().execute(f"update {table.name} set {column} = cast(? as {cast}) where {key} = ?", (value, place))
        assert small.verify() is None
    assert missed == []


def test_writers_and_sealers_at_once_make_one_chain(log: Log) -> None:
    errors: list[BaseException] = []

    def write() -> None:
        for i in range(15):
            with log.work() as work:
                service.record(work, "create", "order", i)

    def seal() -> None:
        for _ in range(8):
            try:
                log.seal()
            except sa.exc.IntegrityError as error:  # two sealers at the very first block: one gives way
                if "audit_blocks" not in str(error):
                    errors.append(error)

    threads = [threading.Thread(target=f) for f in (write, write, seal, seal)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    log.seal()
    assert errors == []
    assert log.verify() is None
    with log.work() as work:
        assert work.session.scalar(sa.select(sa.func.count()).select_from(audit_log).where(audit_log.c.block.is_(None))) == 0


def test_the_sealer_seals_and_rests(log: Log) -> None:
    log.fill(3)
    sealer = Sealer(log.database, every=0.01)
    assert sealer.once() == 3
    assert sealer.once() == 0
    sealer.start()
    log.fill(2)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with log.work() as work:
            if not service.anything_unsealed(work.session):
                break
        time.sleep(0.02)
    sealer.stop()
    assert log.seal() == 0
    assert log.verify() is None


def test_many_entries_at_once_are_one_chain(sqlite_database: Database) -> None:
    log = Log(sqlite_database)
    with log.work() as work:
        service.record_many(work, "import", "order", [(i, {"row": i}) for i in range(5000)])
        assert service.seal(work) == 5000
        assert service.verify(work) is None
