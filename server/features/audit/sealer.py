"""Seals the audit in the background while the server runs."""

import threading

import sqlalchemy as sa

from server.clock import now
from server.features.audit.service import anything_unsealed, seal_rows
from server.storage.session import Database

EVERY_SECONDS = 2.0


class Sealer:
    """Looks on a reading connection first, so that an idle server writes nothing. Any number of processes may have one: the chain's keys
    let one of them through at a time."""

    def __init__(self, database: Database, every: float = EVERY_SECONDS) -> None:
        self.database, self.every = database, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-sealer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.wait(self.every):
            try:
                self.once()
            except sa.exc.SQLAlchemyError:  # another sealer was faster, or the database is away: the rows wait for the next round
                continue

    def once(self) -> int:
        with self.database.read() as connection:
            if not anything_unsealed(connection):
                return 0
        with self.database.write() as connection:
            return seal_rows(connection, now())
