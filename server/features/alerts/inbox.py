"""The inbox: what is to be handled, the gravest first and one line for each record; what was handled, the newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from server.feature import Work
from server.features.alerts.engine import RANK
from server.features.alerts.service import GRAVEST_FIRST, AlertView, addressed, rank, readable, views
from server.features.alerts.tables import ACTIVE, STATES, alerts
from server.features.records.paging import Key, no_such_place, placed, read_cursor, runs, write_cursor

PAGE = 50
CAP = 1000  # what a count goes up to
OTHERS = 500  # further alerts of the records of one page
SEVERITIES = tuple(sorted(RANK, key=lambda severity: -RANK[severity]))  # the gravest first


@dataclass(frozen=True)
class Wanted:
    """`state`: active (open, acknowledged, in work, snoozed), all, or one state. `severity`, `rule`: empty for any. `by_record`: of the active ones,
    one line for each record."""

    state: str = "active"
    severity: str = ""
    rule: str = ""
    mine: bool = False
    by_record: bool = False

    @property
    def is_grouped(self) -> bool:
        return self.by_record and self.state == "active"


@dataclass(frozen=True)
class Line:
    """`others`: the less grave or older ones of the same record, which the line stands for too."""

    alert: AlertView
    others: tuple[AlertView, ...] = ()


@dataclass(frozen=True)
class Inbox:
    """`next`: where the following page begins, "" on the last. `total`: lines on all pages, at most CAP + 1."""

    lines: tuple[Line, ...]
    next: str
    total: int


NOTHING = Inbox((), "", 0)


def inbox(work: Work, wanted: Wanted, cursor: str = "", size: int = PAGE) -> Inbox:
    """One page. Invalid for a cursor that is none of this list's."""
    found: list[AlertView] = []
    for condition, order in _runs(wanted, cursor):
        with placed((cursor,) if cursor else None):
            found += views(work, sa.and_(condition, *_lines(work, wanted)), order, size + 1 - len(found))
        if len(found) > size:
            break
    shown = found[:size]
    last = shown[-1] if len(found) > size else None
    others = _others(work, wanted, shown) if wanted.is_grouped else {}
    lines = tuple(Line(alert, tuple(others.get((alert.object, alert.record_id), ()))) for alert in shown)
    return Inbox(lines, write_cursor([last.severity, last.opened_at, last.id]) if last else "", count(work, wanted))


def count(work: Work, wanted: Wanted) -> int:
    """How many lines, at most CAP + 1."""
    some = sa.select(alerts.c.id).where(*_lines(work, wanted), readable(work)).limit(CAP + 1).subquery()
    return int(work.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


def _runs(wanted: Wanted, cursor: str) -> Iterator[tuple[sa.ColumnElement[bool], Sequence[Any]]]:
    """Plain orders that an index serves, one after the other: a severity each of what is active."""
    keys = (Key("opened_at", alerts.c.opened_at, True, False), Key("id", alerts.c.id, True, False))
    severity, *place = read_cursor(cursor, 3) if cursor else ("",)
    if cursor and not (severity in SEVERITIES and isinstance(place[0], datetime) and isinstance(place[1], int)):
        raise no_such_place()
    if wanted.state != "active":
        yield from ((sa.and_(sa.true(), *run.where), run.order) for run in runs(keys, place or None))
        return
    for each in SEVERITIES[SEVERITIES.index(severity) if cursor else 0 :]:
        for run in runs(keys, place if each == severity else None):
            yield sa.and_(alerts.c.severity == each, *run.where), run.order


def _asked(work: Work, wanted: Wanted, table: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    c = table.c
    found = [_in_state(c.state, wanted.state)]
    if wanted.severity:
        found.append(c.severity == wanted.severity)
    if wanted.rule:
        found.append(c.rule == wanted.rule)
    if wanted.mine:
        found.append(addressed(work, table))
    return found


def _in_state(column: sa.ColumnElement[str], state: str) -> sa.ColumnElement[bool]:
    if state == "active":
        return column.in_(ACTIVE)
    return column.in_(STATES) if state == "all" else column == state


def _lines(work: Work, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """What makes a line: what was asked for, and in a grouped list the first of its record."""
    asked = _asked(work, wanted, alerts)
    if not wanted.is_grouped:
        return asked
    other = alerts.alias("other")
    newer = sa.or_(other.c.opened_at > alerts.c.opened_at, sa.and_(other.c.opened_at == alerts.c.opened_at, other.c.id > alerts.c.id))
    before = sa.or_(rank(other) > rank(alerts), sa.and_(rank(other) == rank(alerts), newer))
    same = sa.and_(other.c.object == alerts.c.object, other.c.record_id == alerts.c.record_id)
    return [*asked, ~sa.exists().where(same, before, *_asked(work, wanted, other))]


def _others(work: Work, wanted: Wanted, shown: Sequence[AlertView]) -> dict[tuple[str, int], list[AlertView]]:
    if not shown:
        return {}
    of = [sa.and_(alerts.c.object == key, alerts.c.record_id.in_([a.record_id for a in shown if a.object == key])) for key in {a.object for a in shown}]
    rest = alerts.c.id.not_in([a.id for a in shown])
    found: dict[tuple[str, int], list[AlertView]] = {}
    for alert in views(work, sa.and_(sa.or_(*of), rest, *_asked(work, wanted, alerts)), GRAVEST_FIRST, OTHERS):
        found.setdefault((alert.object, alert.record_id), []).append(alert)
    return found
