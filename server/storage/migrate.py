"""Brings the system tables up to date with this version of the product."""

import threading

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from server.settings import data_folder
from server.storage.ddl import alone
from server.storage.session import Database

_ONE = threading.Lock()  # Alembic keeps the running migration in module globals


def upgrade(database: Database, to: str = "head") -> None:
    """Safe to call at every start and from several processes: where nothing is to be done it only reads. `to`: a revision."""
    config = _config()
    wanted = ScriptDirectory.from_config(config).as_revision_number(to)
    if current(database) == wanted:
        return
    with _ONE, database.write() as connection:
        alone(connection, "migrate")
        if MigrationContext.configure(connection).get_current_revision() != wanted:  # another process may have done it while we waited
            config.attributes["connection"] = connection
            command.upgrade(config, to)


def current(database: Database) -> str | None:
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(data_folder("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
