"""System tables come up to date, once, on both databases."""

import hashlib
import json
import threading

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from server import clock
from server.config.document import Document
from server.config.tables import documents, drafts, release_documents, releases
from server.storage.migrate import current, upgrade
from server.storage.session import Database
from server.tables import metadata


def test_an_empty_database_gets_every_system_table(database_url: str) -> None:
    database = Database(database_url)
    assert current(database) is None
    upgrade(database)
    assert set(sa.inspect(database.engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    assert current(database)
    upgrade(database)
    database.close()


def test_the_revisions_make_what_the_code_expects(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_two_processes_may_start_at_once(database_url: str) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    def start() -> None:
        database = Database(database_url)
        together.wait()
        try:
            upgrade(database)
        except sa.exc.SQLAlchemyError as error:
            failures.append(error)
        database.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []


def test_indicators_of_an_older_version_are_what_they_were(database_url: str) -> None:
    """Documents that said their windows in days alone stand in releases and drafts in today's form, under today's digests."""
    older = {
        "orders": {"kind": "indicator", "key": "orders", "window_days": 90, "previous": {"offset_days": 365, "when": "orders > 3"}, "title": "Orders"},
        "ever": {"kind": "indicator", "key": "ever", "window_days": 0, "title": "Ever"},
        "ratio": {"kind": "indicator", "key": "ratio", "expression": "orders / ever", "title": "Ratio"},
    }
    today = {
        "orders": older["orders"] | {"window": {"last": 90, "unit": "days"}, "previous": {"back": 365, "unit": "days", "when": "orders > 3"}},
        "ever": dict(older["ever"]),
        "ratio": older["ratio"],
    }
    for body in today.values():
        body.pop("window_days", None)
    database = Database(database_url)
    upgrade(database, "0012")
    with database.write() as connection:
        row = {"id": 1, "at": clock.now(), "by": "t", "note": "", "parent": 0, "digest": "older"}
        connection.execute(sa.insert(releases), [row])
        for key, body in older.items():
            it = Document("indicator", key, body)
            connection.execute(sa.insert(documents).values(digest=it.digest, kind="indicator", key=key, body=json.dumps(body)))
            connection.execute(sa.insert(release_documents).values(release=1, kind="indicator", key=key, digest=it.digest))
        changed = {**older["orders"], "window_days": 30}
        base = Document("indicator", "orders", older["orders"]).digest
        draft = {"kind": "indicator", "key": "orders", "body": json.dumps(changed), "base_digest": base, "updated_at": clock.now(), "updated_by": "t"}
        connection.execute(sa.insert(drafts), [draft])
    upgrade(database)
    with database.read() as connection:
        wanted = {key: Document("indicator", key, body).digest for key, body in today.items()}
        stored = {row.key: (row.digest, json.loads(row.body)) for row in connection.execute(sa.select(documents))}
        assert stored == {key: (wanted[key], body) for key, body in today.items()}
        assert {row.key: row.digest for row in connection.execute(sa.select(release_documents))} == wanted
        lines = sorted(f"indicator {key} {digest}" for key, digest in wanted.items())
        assert connection.scalar(sa.select(releases.c.digest)) == hashlib.sha256("\n".join(lines).encode()).hexdigest()
        (draft_row,) = connection.execute(sa.select(drafts)).all()
        assert draft_row.base_digest == wanted["orders"]
        assert json.loads(draft_row.body)["window"] == {"last": 30, "unit": "days"}
    database.close()
