"""One SQLite file and one PostgreSQL database for all tests of the language."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.storage.session import Database

if "MUTANT_UNDER_TEST" in os.environ:  # mutmut puts a call of its own before each of ours
    sys.setrecursionlimit(10_000)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[dict[str, Database]]:
    folder: Path = tmp_path_factory.mktemp("expressions")
    found = {"sqlite": Database(f"sqlite:///{folder}/t.sqlite")}
    try:
        server = request.getfixturevalue("postgres_server")
    except pytest.skip.Exception:
        yield found  # without a PostgreSQL the other three engines are still compared
        found["sqlite"].close()
        return
    name = f"expressions_{folder.name}_{abs(hash(str(folder))) % 10**8}".replace("-", "_")
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.DDL(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    found["postgresql"] = Database(sa.make_url(server).set(database=name).render_as_string(hide_password=False))
    yield found
    for database in found.values():
        database.close()
    with admin.connect() as connection:
        connection.execute(sa.DDL(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
