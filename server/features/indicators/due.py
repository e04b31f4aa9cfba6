"""Which subjects time alone gives other raw numbers between two moments: those of source records that came into a window or fell out of one, and
those of records that count differently because a text of the indicator looks at the time.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from server.config.catalog import Catalog
from server.expressions.types import At
from server.features.indicators.gathering import Gathered, Gathering, Names, Pass
from server.features.indicators.windows import following_midnight
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType
from server.storage.dialects import Instant

Element = sa.ColumnElement[Any]
TIMES = frozenset({"today", "now"})  # the parameters of a text that looks at the time


def looks_at_time(element: sa.ClauseElement) -> bool:
    return any(isinstance(found, sa.BindParameter) and found.key in TIMES for found in iterate(element))


def always(record_id: Element) -> Element:
    """True of every record, and said by the index that is there for passed edges."""
    return record_id > sa.literal_column("0")


class Moved(Gathering):
    """One pass at two moments. Its statements give ids of subjects, also some that lie outside the population."""

    def __init__(self, catalog: Catalog, subject: ObjectType, found: Pass, then: At, now: At) -> None:
        table = objects.tables(catalog)[subject.key].alias("r")
        super().__init__(catalog, found, table, lambda name: self.subject_at(None)[name], lambda column: column.is_not(None))
        self.subject_key, self.then, self.now = subject.key, then, now

    def subject_at(self, at: At | None) -> Mapping[str, Element]:
        return objects.value_columns(self.catalog, self.subject_key, self.subject, at)

    def names_at(self, at: At) -> Names:
        return Names(objects.value_columns(self.catalog, self.found.source, self.source, at), self.subject_at(at).__getitem__)

    # -- Windows

    def crossing(self) -> Iterator[sa.Select[Any]]:
        """For each edge that moved: records whose day it passed."""
        passed: dict[tuple[str, date, date], None] = {}
        for gathered in self.found.gathered:
            for edge in gathered.edges if gathered.indicator.date else ():
                if edge is not None and (before := edge.day(self.then.today)) < (after := edge.day(self.now.today)):
                    passed[gathered.indicator.date, before, after] = None
        for name, before, after in passed:
            yield self._subjects(*self._between(name, before, after))

    def _between(self, name: str, before: date, after: date) -> tuple[Element, ...]:
        """Days after `before`, up to `after`."""
        column, is_date = self._date(name)
        days = (column > before, column <= after) if is_date else (column >= self._midnight(before), column < self._midnight(after))
        return (*days, always(self.source.c.id))

    def _midnight(self, day: date) -> Element:
        return sa.literal(following_midnight(day, self.now.zone), Instant())

    # -- Texts

    def counting_otherwise(self, ageing: Iterable[str]) -> sa.Select[Any] | None:
        """Records of today's windows that are counted now and were not then, or the other way round, or with another value. The value of an
        `ageing` indicator (by its key) is known without asking."""
        known = frozenset(ageing)
        otherwise = [self._otherwise(g, g.indicator.key in known) for g in self.found.gathered]
        different = [element for element in otherwise if element is not None]
        return self._subjects(sa.or_(*different)) if different else None

    def _otherwise(self, gathered: Gathered, ages: bool) -> Element | None:
        i = gathered.indicator
        conditions, values = [t for t in (i.match, i.filter) if t], [] if ages else [t for t in (i.value, i.divisor) if t]
        if not any(looks_at_time(self._text(t).sql(self.names)) for t in (*conditions, *values)):
            return None
        then, now = self.names_at(self.then), self.names_at(self.now)
        was = sa.and_(sa.true(), *(self._text(t).met_sql(then, self.then) for t in conditions))
        is_ = sa.and_(sa.true(), *(self._text(t).met_sql(now, self.now) for t in conditions))
        moved: list[Element] = [was.is_distinct_from(is_)] if conditions else []
        moved += [sa.and_(is_, self._text(t).sql(then, self.then).is_distinct_from(self._text(t).sql(now, self.now))) for t in values]
        return sa.and_(sa.or_(*moved), *self._inside(gathered))

    def _inside(self, gathered: Gathered) -> Iterator[Element]:
        if not gathered.indicator.date:
            return
        begin, end = gathered.edges
        column, is_date = self._date(gathered.indicator.date)
        last = end.day(self.now.today)
        yield column <= last if is_date else column < self._midnight(last)
        if begin is not None:
            first = begin.day(self.now.today)
            yield column > first if is_date else column >= self._midnight(first)

    # -- Both

    def _subjects(self, *conditions: Element) -> sa.Select[Any]:
        return self._from(sa.select(self.id.label("id")).distinct()).where(*conditions)

    def _matched(self) -> Element:
        """At either moment: what matched then and does not any more is told by `counting_otherwise`."""
        made = self._text(self.found.match)
        if not looks_at_time(made.sql(self.names)):
            return made.met_sql(self.names)
        return sa.or_(*(made.met_sql(self.names_at(at), at) for at in (self.then, self.now)))

    def can_tell(self) -> bool:
        """The day of a record must be a stored one: of one that moves with the time nobody knows when it passes an edge."""
        return all(g.indicator.date in self.source.c for g in self.found.gathered if g.indicator.date)
