"""What a job is to those who write one: a kind with a title and a function, and what the function is handed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.jobs import ledger

Result = Mapping[str, Any]
OpenWork = Callable[[str, bool, str], AbstractContextManager[Any]]  # username, write, cause -> a unit of work, with its session


class Cancelled(Exception):
    """Somebody asked the job to stop: ends it; what was committed stays."""


class Superseded(Exception):
    """The job was handed out anew, since nothing was heard of this process: it writes no more."""


@dataclass(frozen=True)
class Running:
    """One job under way. Its function may be run again from the start after a crash, so each of its transactions says how far it came.
    `tries`: the how-manieth handing out of the job this is."""

    id: int
    args: Mapping[str, Any]
    by: str
    tries: int
    open_work: OpenWork
    stopping: Callable[[], bool] = bool  # the process is about to end

    @contextmanager
    def work(self, *, write: bool, cause: str) -> Iterator[Any]:
        """A transaction as the person who asked for the job, with the rights they have now. Raises Superseded before anything is written for a job
        that is another's by now."""
        with self.open_work(self.by, write, cause) as work:
            if write and not ledger.hold(work.session, self.id, self.tries):
                raise Superseded
            yield work

    def progress(self, connection: sa.Connection, done: int, total: int) -> None:
        """How far it came; inside the transaction that came so far."""
        ledger.advance(connection, self.id, done, total)

    def check(self, connection: sa.Connection) -> None:
        """Raises Cancelled when somebody asked it to stop, or the process is about to end: at the beginning of each step."""
        if self.stopping() or ledger.is_cancelled(connection, self.id):
            raise Cancelled


@dataclass(frozen=True)
class Job:
    """`run` may raise an AppError: its message and hint are shown with the job. `cron`: when it runs by itself, in the organisation's time zone;
    such a job, and one `on_demand`, is run when a person asks for it."""

    key: str
    title: Text
    run: Callable[[Running], Result]
    cron: str = ""
    on_demand: bool = False

    @property
    def may_be_asked_for(self) -> bool:
        return self.on_demand or bool(self.cron)

    @property
    def times(self) -> Text:
        """When it runs by itself, in words where it is daily: "00:10, 12:10"."""
        if not self.cron:
            return Text("需要时", "when asked for")
        minute, hours, *rest = self.cron.split()
        if rest != ["*", "*", "*"] or not minute.isdigit() or not hours.replace(",", "").isdigit():
            return Text(self.cron, self.cron)
        found = [f"{int(hour):02}:{int(minute):02}" for hour in hours.split(",")]
        return Text("每天 " + "、".join(found), "every day at " + ", ".join(found))
