"""A migrated database with releases."""

from collections.abc import Iterator

import pytest

from server.storage.migrate import upgrade
from server.storage.session import Database
from tests.publishing import House


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    upgrade(database)
    yield House(database)
