"""What background jobs get of the product: all kinds of jobs, and work as the person who asked for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from server.clock import now
from server.config.releases import Catalogs
from server.feature import Work
from server.features.access import people
from server.jobs.perform import House
from server.registry import HOOKS, JOBS
from server.storage.session import Database


def job_house(database: Database, catalogs: Catalogs, zone: ZoneInfo) -> House:
    @contextmanager
    def open_work(username: str, write: bool, cause: str) -> Iterator[Work]:
        with database.write() if write else database.read() as connection:
            actor: Any = people.actor_named(connection, username)
            yield Work(connection, actor, catalogs(connection), now(), zone, HOOKS, cause)

    return House(database, JOBS, open_work, str(zone))
