"""Clears up behind uploads: what nobody saved with a record, and bytes that no row knows (a process was killed between the two)."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from server.clock import now
from server.features.files.tables import stored_files
from server.storage.blobs import BlobStore
from server.storage.session import Database

log = logging.getLogger("weatherglass")
KEPT_WAITING = timedelta(days=1)
EVERY_SECONDS = 3600.0
BATCH = 500


@dataclass(frozen=True)
class Swept:
    files: int  # uploads that were never saved with a record
    contents: int  # bytes that no row knew any more
    halves: int  # what was half written


def sweep(database: Database, store: BlobStore, at: datetime) -> Swept:
    """Rows first, bytes after: cut off in between, the next sweep finds the bytes. Safe beside uploads: only what has been still for a day goes."""
    before = at - KEPT_WAITING
    with database.read() as connection:
        old = sa.select(stored_files.c.id).where(~stored_files.c.attached, stored_files.c.uploaded_at < before)
        waiting = list(connection.execute(old).scalars())
    files = 0
    for start in range(0, len(waiting), BATCH):
        with database.write() as connection:  # asked again: one may have been saved with a record meanwhile
            still = stored_files.c.id.in_(waiting[start : start + BATCH]) & ~stored_files.c.attached
            files += connection.execute(sa.delete(stored_files).where(still)).rowcount
    contents = 0
    digests = iter(store.digests(before))
    while batch := list(islice(digests, BATCH)):
        with database.read() as connection:
            known = set(connection.execute(sa.select(stored_files.c.digest).where(stored_files.c.digest.in_(batch))).scalars())
        for digest in batch:
            if digest not in known:
                store.remove(digest)
                contents += 1
    return Swept(files, contents, store.clear_incoming(before))


class Sweeper:
    """Sweeps every hour in a thread of its own."""

    def __init__(self, database: Database, store: BlobStore, every: float = EVERY_SECONDS) -> None:
        self.database, self.store, self.every = database, store, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file-sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.wait(self.every):
            try:
                sweep(self.database, self.store, now())
            except (sa.exc.SQLAlchemyError, OSError) as error:  # the database or the store is away: the next round finds the same
                log.warning("files were not swept: %s", error)
