"""Who has other results now than at an earlier moment although nobody wrote anything: what a nightly run works out again.

Three things move with the time alone. Source records pass the edges of windows, or count otherwise because a text looks at the time: their subjects are
found among the source records (`indicators/due.py`). Ages grow by one a day: they are added to in place. What reads ages, the time or a value of the
whole population is worked out again from the stored results, and a record is due where that differs from what is stored.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from server.config.catalog import Catalog
from server.expressions.types import At
from server.feature import Work
from server.features.assessment.ageing import ageing, on_day
from server.features.assessment.engine import in_population, outputs, scalar_parameter, scalars, steps
from server.features.indicators.due import Moved, looks_at_time
from server.features.indicators.gathering import passes
from server.features.objects import engine as objects
from server.features.objects import results as stored
from server.features.objects.kind import ObjectType
from server.features.objects.step import Columns, Step
from server.storage.part import within

Element = sa.ColumnElement[Any]
OF_POPULATION = scalar_parameter("")


# -- Through source records --------------------------------------------------------------------------------------------------


def subjects(work: Work, object_type: ObjectType, then: At, now: At) -> Sequence[int] | None:
    """Ids of those whose source records count otherwise than then, in order; None where that cannot be told."""
    found = set[int]()
    for gathering in passes(i for i in work.catalog.all("indicator") if i.object == object_type.key):
        moved = Moved(work.catalog, object_type, gathering, then, now)
        if not moved.can_tell():
            return None
        statements = [*moved.crossing(), moved.counting_otherwise(ageing(work.catalog, object_type.key))]
        for statement in statements:
            if statement is not None:
                found.update(work.session.scalars(statement))
    return array("q", sorted(found))


# -- Through stored results --------------------------------------------------------------------------------------------------


class Unknown(Exception):
    """A value that is not stored is needed."""


def records(catalog: Catalog, object_key: str) -> sa.Select[Any] | sa.CompoundSelect[Any] | None:
    """Ids of a range (`low` < id <= `high`) whose results, ages apart, are not what stored results and the moment make them now, or which were worked
    out after the day `then`; None where that cannot be told. The moment and the population's values are bound when the statement runs."""
    found: sa.Select[Any] | sa.CompoundSelect[Any] | None = catalog.once(("assessment.due", object_key), lambda: _Stored(catalog, object_key).query())
    return found


class _Stored:
    def __init__(self, catalog: Catalog, object_key: str) -> None:
        self.catalog, self.object_key = catalog, object_key
        self.object_type: ObjectType = catalog.get("object", object_key)
        self.record = objects.tables(catalog)[object_key].alias("r")
        self.result = stored.table(catalog, object_key).alias("x")
        self.fields = objects.value_columns(catalog, object_key, self.record, None)
        self.stored = {name: self.result.c[name] for name in outputs(catalog, object_key)}
        self.results = on_day(catalog, object_key, self.result, sa.bindparam("today", type_=sa.Date()))
        self.steps = steps(catalog, object_key)
        self.scalar_keys = {i.key for i in scalars(catalog, object_key)}

    def query(self) -> sa.Select[Any] | sa.CompoundSelect[Any] | None:
        try:
            moved = list(self._moved())
        except Unknown:
            return None
        x, r = self.result.c, self.record.c
        later = x.as_of > sa.bindparam("then", type_=sa.Date())
        both = self.result.join(self.record, r.id == x.record_id)
        query = sa.select(x.record_id).select_from(both).where(within(x.record_id, False), sa.or_(later, *moved))
        member = sa.and_(*in_population(self.catalog, self.object_type, self.record))
        if not looks_at_time(member):
            return query
        there = sa.select(r.id).select_from(self.record.outerjoin(self.result, r.id == x.record_id)).where(within(r.id, False))
        return query.union(there.where(x.record_id.is_(None) == member))

    def _moved(self) -> Iterator[Element]:
        """For each output that reads ages, the time or the population's values: whether it is not what is stored."""
        for name, output in outputs(self.catalog, self.object_key).items():
            step = self.steps[name]
            if output.ages:
                continue
            if any(self._is_raw(read) for read in step.reads):
                # With nothing gathered the step says what its other reads make of that; if those move, nobody knows what was gathered.
                if _moves(step.sql({read: sa.null() if self._is_raw(read) else self._value(read, self.results) for read in step.reads})):
                    raise Unknown
            elif (moved := self._parts_moved(step)) is not None:
                yield from moved
            elif _moves(now := self._made(step, self.results)):
                yield self.result.c[name].is_distinct_from(now)

    def _parts_moved(self, step: Step) -> list[Element] | None:
        """Whether a part is not what it was. None where that cannot be told: the step has none, or one of them reads more than ages."""
        if step.parts is None:
            return None
        before, after = ({read: self._value(read, found) for read in step.reads} for found in (self.stored, self.results))
        moved = []
        for was, now in zip(step.parts(before), step.parts(after), strict=True):
            if _moves(was):
                return None
            if _moves(now):
                moved.append(was.is_distinct_from(now))
        return moved

    def _made(self, step: Step, found: Columns) -> Element:
        return step.sql({read: self._value(read, found) for read in step.reads})

    def _value(self, name: str, found: Columns) -> Element:
        """Of `found` results, of the record, or made from these; a hidden value of an earlier step is not stored."""
        if name in self.scalar_keys:
            return sa.bindparam(scalar_parameter(name), type_=sa.Double())
        if name in self.results:
            return found[name]
        if name in self.steps:
            return self._made(self.steps[name], found)
        if self._is_raw(name):
            raise Unknown
        return self.record.c.id if name == "id" else self.fields[name]

    def _is_raw(self, name: str) -> bool:
        return name.startswith("@") and name not in self.steps


def _moves(element: sa.ClauseElement) -> bool:
    return looks_at_time(element) or any(isinstance(b, sa.BindParameter) and b.key.startswith(OF_POPULATION) for b in iterate(element))


def bound(then: At, scalars: Mapping[str, float | None]) -> dict[str, Any]:
    """What `records` wants to know beside the moment and the range."""
    return {"then": then.today, **{scalar_parameter(key): value for key, value in scalars.items()}}


def of_range(due: Sequence[int], low: int, high: int) -> Sequence[int]:
    return due[bisect_right(due, low) : bisect_right(due, high)]
