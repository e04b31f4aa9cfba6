"""System tables come up to date, once, on both databases."""

import threading

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

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
