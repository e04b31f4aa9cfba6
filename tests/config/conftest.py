"""A migrated database with releases, on SQLite and on PostgreSQL."""

import pytest

from server.storage.session import Database
from tests.publishing import House


@pytest.fixture
def house(database: Database) -> House:
    return House(database)
