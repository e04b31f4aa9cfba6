"""Alembic's door: runs inside the transaction it is given (server.storage.migrate), or on the database of the settings."""

from alembic import context

from server.settings import load
from server.storage.session import Database
from server.tables import metadata


def _run(connection: object) -> None:
    context.configure(connection=connection, target_metadata=metadata, include_name=_ours, transactional_ddl=False)
    context.run_migrations()


def _ours(name: str | None, kind: str, parents: object) -> bool:
    """Object and result tables belong to the published documents, never to migrations."""
    return kind != "table" or (name or "").partition("_")[0] not in {"o", "x"}


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    database = Database(load().database_url)
    with database.write() as connection:
        _run(connection)
