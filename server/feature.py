"""What a feature is, and what every call of a service carries."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import APIRouter

from server.config.catalog import Catalog
from server.config.kind import Kind
from server.errors import Text
from server.expressions.types import At
from server.jobs.job import Job
from server.storage.part import Part
from server.storage.session import Database


@dataclass(frozen=True)
class Actor:
    """Who acts. `roles` are keys of role documents. The system (jobs, command line) acts as `SYSTEM` and may do everything.

    `grants`: rights of a visitor's own instead of roles, as pairs of an object's key and a Grant; what is not named is denied.
    """

    username: str
    name: str
    roles: tuple[str, ...] = ()
    locale: str = "zh_CN"
    is_system: bool = False
    grants: tuple[tuple[str, Any], ...] | None = None


SYSTEM = Actor("system", "system", (), "zh_CN", True)


@dataclass(frozen=True)
class Work:
    """One unit of work: a transaction, who does it, under which release, at what time. Services never commit."""

    session: sa.Connection
    actor: Actor
    catalog: Catalog
    now: datetime
    zone: ZoneInfo
    hooks: "Hooks"
    cause: str = "form"  # form, import, workflow, assess, api: kept in history

    @cached_property
    def at(self) -> At:
        return At(self.now, self.zone)


@dataclass(frozen=True)
class Saved:
    """What the `on_saved` hooks hear, after one or many records of one object were written, inside the same transaction."""

    object: str
    ids: tuple[int, ...]
    changed: Mapping[int, frozenset[str]]  # record id -> keys of changed fields; empty set on create of nothing but defaults
    before: Mapping[int, Mapping[str, Any]]  # values before (empty for a new record)


@dataclass(frozen=True)
class Assessed:
    """What the `on_assessed` hooks hear after results of a part of the population were brought up to date; some may have left it."""

    object: str
    part: Part
    changed: frozenset[int]  # ids whose results differ from before, their ages apart


@dataclass(frozen=True)
class Merged:
    """Two records of one object that become one: `kept` takes the place of `gone`. What else hangs on `gone` moves to `kept`."""

    object: str
    kept: int
    gone: int


@dataclass(frozen=True)
class Notice:
    """Something that people should hear of, inside the transaction that causes it. `to`: "user:<username>" and "role:<key>".

    Of a notice about a record only those hear who may read it. Notices of one `group` become one line per person, which says `many`
    (with {count}) and leads to `many_link`. {name} in a title is the name of the record, as each reader may see it.
    """

    kind: str  # alert, escalation, task, approval, outcome, mention
    to: tuple[str, ...]
    title: Text
    body: Text
    link: str
    object: str = ""
    record_id: int | None = None
    severity: str = ""  # of alerts: info, warning, critical
    group: str = ""
    many: Text = Text("", "")
    many_link: str = ""
    to_doer: bool = True  # who caused it hears of it too


@dataclass(frozen=True)
class Hooks:
    on_saved: tuple[Callable[[Work, Saved], None], ...] = ()
    on_assessed: tuple[Callable[[Work, Assessed], Mapping[str, int] | None], ...] = ()  # gives what it did, for the summary: {"alerts_opened": 2}
    on_published: tuple[Callable[[Work, Catalog, Catalog], None], ...] = ()  # (work, old, new): object tables are made by then
    merge_objections: tuple[Callable[[Work, Merged], Iterable[Text]], ...] = ()  # why these two may not become one
    on_merged: tuple[Callable[[Work, Merged], None], ...] = ()  # `gone` is deleted and its results are away by then
    on_noticed: tuple[Callable[[Work, Sequence[Notice]], None], ...] = ()
    on_tick: tuple[Callable[[Work], None], ...] = ()  # about once a minute, as the system, a transaction each; any number of processes may do it at once


@dataclass(frozen=True)
class Feature:
    key: str
    kinds: tuple[Kind, ...] = ()
    on_saved: Callable[[Work, Saved], None] | None = None
    on_assessed: Callable[[Work, Assessed], Mapping[str, int] | None] | None = None
    on_published: Callable[[Work, Catalog, Catalog], None] | None = None
    merge_objections: Callable[[Work, Merged], Iterable[Text]] | None = None
    on_merged: Callable[[Work, Merged], None] | None = None
    on_noticed: Callable[[Work, Sequence[Notice]], None] | None = None
    on_tick: Callable[[Work], None] | None = None
    jobs: tuple[Job, ...] = ()
    api: APIRouter | None = None  # mounted under /api


def tell(work: Work, notices: Sequence[Notice]) -> None:
    """Whoever listens hears of it now; what they write is kept or given up with the rest of the transaction."""
    if notices:
        for hook in work.hooks.on_noticed:
            hook(work, notices)


@contextmanager
def working(
    database: Database,
    catalog_of: Callable[[sa.Connection], Catalog],
    hooks: Hooks,
    actor: Actor,
    now: datetime,
    zone: ZoneInfo,
    *,
    write: bool,
    cause: str = "form",
) -> Iterator[Work]:
    """The one way to open a unit of work; commits at its end when `write`."""
    with database.write() if write else database.read() as connection:
        yield Work(connection, actor, catalog_of(connection), now, zone, hooks, cause)
