"""Real databases for tests: a SQLite file per test, and a PostgreSQL database per test when a server is to be had.

PostgreSQL: WEATHERGLASS_TEST_POSTGRES names a server ("postgresql://postgres@127.0.0.1:55432/postgres"); without it a throw-away
server is started where the binaries are installed. Where neither works the PostgreSQL half is skipped and says so.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.storage.session import Database
from tests.postgres import NoPostgresError, postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with postgres() as server:
            yield server
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own."""
    name = "t" + uuid.uuid4().hex[:12]
    admin = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.DDL(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    try:
        yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.DDL(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/weatherglass.sqlite"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database, once on SQLite and once on PostgreSQL."""
    it = Database(database_url)
    yield it
    it.close()
