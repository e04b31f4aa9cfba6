"""Real databases for tests: a SQLite file per test, and a PostgreSQL database per test when a server is to be had.

PostgreSQL: WEATHERGLASS_TEST_POSTGRES names a server ("postgresql://postgres@127.0.0.1:55432/postgres"); without it a throw-away
server is started where the binaries are installed. Where neither works the PostgreSQL half is skipped and says so.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from xdist.scheduler import LoadScopeScheduling

from server.storage.migrate import upgrade
from server.storage.session import Database
from tests.postgres import NoPostgresError, postgres

# How long a machine takes to think of an example, or to run one, says nothing of the product.
hypothesis.settings.register_profile("weatherglass", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("weatherglass")


# Files and folders whose modules have something of their own that is dear to make, as a server: their tests stay in one process.
TOGETHER = (
    "tests/api/test_corpus.py", "tests/browser/", "tests/faults/test_bad_input.py", "tests/features/access/test_template.py",
    "tests/features/reports/", "tests/expressions/test_differential.py", "tests/expressions/test_sql.py", "tests/template/",
)  # fmt: skip


class Scheduler(LoadScopeScheduling):
    """Test by test to whoever is free, but for what stays together. (The marks of xdist for this have no effect from pytest 9.2 on.)"""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    config.option.loadscopereorder = False  # in the order of the folders: a process that had a browser has an event loop that goes on
    return Scheduler(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with postgres() as server:
            yield server
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """The name of a database with the system tables, which others are copied from."""
    name = "w" + uuid.uuid4().hex[:12]
    with _created(postgres_server, name, "template0") as url:
        database = Database(url)
        upgrade(database)
        database.close()
        yield name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the system tables, which others are copied from."""
    path = tmp_path_factory.mktemp("migrated") / "weatherglass.sqlite"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@contextmanager
def _created(server: str, name: str, source: str) -> Iterator[str]:
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.DDL(f'CREATE DATABASE "{name}" TEMPLATE "{source}"'))
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.DDL(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own."""
    with _created(postgres_server, "t" + uuid.uuid4().hex[:12], "template0") as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/weatherglass.sqlite"


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """Nothing there yet, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def sqlite_database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """With the system tables and nothing in them."""
    shutil.copyfile(migrated_sqlite, tmp_path / "weatherglass.sqlite")
    it = Database(f"sqlite:///{tmp_path}/weatherglass.sqlite")
    yield it
    it.close()


@pytest.fixture
def postgres_database(postgres_server: str, migrated_postgres: str) -> Iterator[Database]:
    """With the system tables and nothing in them."""
    with _created(postgres_server, "t" + uuid.uuid4().hex[:12], migrated_postgres) as url:
        it = Database(url)
        yield it
        it.close()


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated database, once on SQLite and once on PostgreSQL."""
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found
