"""Indicators, scores, classes and levels of one object as one pipeline: SQL for any number of records, Python for one.

The SQL is a chain of MATERIALIZED stages in dependency order. Without the keyword SQLite and PostgreSQL inline a stage that is used once and then
work out a score again at each of its mentions: 1.6 to 1.8 times slower on a million records.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.output import Output
from server.expressions.sql import moment
from server.expressions.types import BOOLEAN, At, Scope
from server.features.assessment.tables import population_values
from server.features.classification import engine as classification
from server.features.indicators import engine as indicators
from server.features.indicators.distribution import percentiles
from server.features.indicators.gathering import Gathering, Pass, days_used, passes, subject_names
from server.features.indicators.kind import Indicator
from server.features.indicators.ranking import EVERYBODY, PERCENTS, mark_prefix
from server.features.indicators.windows import Day, moments
from server.features.matrix import engine as matrix
from server.features.objects import engine as objects
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.objects.step import DECIMALS, Expression, Step, Values, divided, exact_sum, expression, rounded_sql, whole, word
from server.features.scoring import engine as scoring
from server.storage.part import within

Element = sa.ColumnElement[Any]
Parts = list[tuple[sa.CTE, list[str]]]  # gathered, with its raw names
MOST_JOINED = 40  # SQLite joins 64 tables at most
NEVER = At(datetime(2000, 1, 1, tzinfo=UTC))


def outputs(catalog: Catalog, object_key: str) -> Mapping[str, Output]:
    """What each record of the population gets, in dependency order."""
    return results.outputs(catalog, object_key)


def scope(catalog: Catalog, object_key: str) -> Scope:
    """The names an expression over a record and its results may use."""
    return results.scope(catalog, object_key)


# -- Steps -------------------------------------------------------------------------------------------------------------------


def steps(catalog: Catalog, object_key: str) -> Mapping[str, Step]:
    """Every step by name, hidden ones too, each after what it reads."""
    memo = ("assessment.steps", object_key)
    found: Mapping[str, Step] | None = catalog.memo.get(memo)
    if found is None:
        found = catalog.memo[memo] = _in_order(_all_steps(catalog, object_key))
    return found


def _all_steps(catalog: Catalog, object_key: str) -> Iterable[Step]:
    names, given = scope(catalog, object_key), outputs(catalog, object_key).values()
    for i in catalog.all("indicator"):
        if i.object == object_key:
            yield from indicators.steps(i, [o for o in given if (o.kind, o.document) == ("indicator", i.key)], names)
    for s in catalog.all("score"):
        if s.object == object_key:
            yield from scoring.steps(s, names)
    for c in catalog.all("classification"):
        if c.object == object_key:
            yield from classification.steps(c, names)
    for r in catalog.all("risk_type"):
        if r.object == object_key:
            yield from matrix.steps_of_risk_type(r, catalog, names)
    for m in catalog.all("matrix"):
        yield from matrix.steps_of_matrix(m, catalog, object_key)


def _in_order(found: Iterable[Step]) -> Mapping[str, Step]:
    waiting = {step.name: step for step in found}
    ordered: dict[str, Step] = {}
    while ready := [s for s in waiting.values() if not (s.reads & waiting.keys())]:
        for step in ready:
            ordered[step.name] = waiting.pop(step.name)
    return ordered


def needed(found: Mapping[str, Step], targets: Iterable[str]) -> dict[str, Step]:
    """The steps that the targets are made of, in order."""
    wanted = set(targets)
    for name in reversed(tuple(found)):
        if name in wanted:
            wanted |= found[name].reads
    return {name: step for name, step in found.items() if name in wanted}


def assess_values(catalog: Catalog, object_key: str, inputs: Values, at: At = NEVER) -> dict[str, Any]:
    """All outputs from given values, in Python. A name that is given stands; an aggregate that is not given counts as empty."""
    values = dict(inputs)
    for name, step in steps(catalog, object_key).items():
        if name not in values:
            values[name] = step.value(values, at)
    return {name: values.get(name) for name in outputs(catalog, object_key)}


# -- Values of the whole population ------------------------------------------------------------------------------------------


def scalars(catalog: Catalog, object_key: str) -> tuple[Indicator, ...]:
    """Indicators with one value for all."""
    return tuple(catalog.get("indicator", o.document) for o in results.names(catalog, object_key).values() if o.population)


def scalar_levels(catalog: Catalog, object_key: str) -> list[list[Indicator]]:
    """Scalars, and what ranks, in rounds: those of one round need only those of the rounds before, so one statement gathers the scalars of a round."""
    ranking = (i for i in catalog.all("indicator") if i.object == object_key and i.ranks)
    found, waiting = steps(catalog, object_key), [*scalars(catalog, object_key), *ranking]
    levels: list[list[Indicator]] = []
    while waiting:
        open_keys = {i.key for i in waiting}
        ready = [i for i in waiting if not (_all_reads(found, results.names_used(i.value, i.filter, i.group)) & open_keys)]
        if not ready:
            break
        levels.append(ready)
        waiting = [i for i in waiting if i not in ready]
    return levels


def _all_reads(found: Mapping[str, Step], names: Iterable[str]) -> set[str]:
    wanted = set(names)
    for name in reversed(tuple(found)):
        if name in wanted:
            wanted |= found[name].reads
    return wanted


def scalar_parameter(key: str) -> str:
    return f"population_{key}"


def compile_scalars(catalog: Catalog, object_key: str, level: Iterable[Indicator]) -> "Pipeline":
    """One row: a value for each indicator of the round, over the whole population."""
    names = scope(catalog, object_key)
    made = [(i, _optional(i.value, names), _optional(i.filter, names)) for i in level]
    reads = frozenset(name for _, *texts in made for text in texts if text for name in text.names)
    pipeline = _Builder(catalog, object_key, steps(catalog, object_key), tuple(sorted(reads)), by_ids=False)
    last, column_of = pipeline.stages()

    def column(i: Indicator, value: Expression | None, when: Expression | None) -> Element:
        columns = {name: column_of(name) for name in reads}
        conditions = [when.met_sql(columns)] if when else []
        counted: Element = value.sql(columns) if value else whole(1)
        counted = sa.case((conditions[0], counted)) if conditions else counted
        return rounded_sql(_over_all(i.aggregate, counted), i.decimals).label(i.key)

    return pipeline.made(sa.select(*(column(*m) for m in made)).select_from(last), tuple(i.key for i, *_ in made))


def compile_marks(catalog: Catalog, object_key: str, level: Iterable[Indicator]) -> "Pipeline":
    """A row for each group of each ranking indicator of the round: what its marks are called before their percent, then the marks in their order."""
    names = scope(catalog, object_key)
    made = [(i, expression(i.value, names), _optional(i.filter, names), i.group.strip()) for i in level]
    reads = frozenset(name for _, value, when, group in made for name in (*value.names, *(when.names if when else ()), *([group] if group else ())))
    pipeline = _Builder(catalog, object_key, steps(catalog, object_key), tuple(sorted(reads)), by_ids=False)
    last, column_of = pipeline.stages()
    columns = {name: column_of(name) for name in reads}

    def rows(i: Indicator, value: Expression, when: Expression | None, group: str) -> sa.Select[Any]:
        prefix = word(mark_prefix(i, EVERYBODY))
        place = prefix.concat(columns[group]) if group else prefix
        known: Element = sa.cast(value.sql(columns), sa.Double())
        found = sa.select(place.label("id"), rounded_sql(known, DECIMALS).label("value")).select_from(last).where(known.is_not(None), place.is_not(None))
        return found.where(when.met_sql(columns)) if when else found

    return pipeline.made(percentiles(sa.union_all(*(rows(*m) for m in made)).subquery("v"), PERCENTS), ())


def _optional(text: str, names: Scope) -> Expression | None:
    return expression(text, names) if text else None


def _over_all(aggregate: str, value: Element) -> Element:
    count: Element = sa.cast(sa.func.count(value), sa.Double())
    if aggregate == "count":
        return count
    if aggregate == "sum":
        return exact_sum(value)
    if aggregate == "avg":
        return divided(exact_sum(value), count)
    return sa.cast(getattr(sa.func, aggregate)(value), sa.Double())


# -- SQL ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pipeline:
    """A compiled query with `record_id` and one column for each of `columns`; its scope is bound: `ids`, or `low` < id <= `high`."""

    query: sa.Select[Any]
    columns: tuple[str, ...]
    days: frozenset[Day]

    def parameters(self, at: At, population: Mapping[str, float | None], **bound: Any) -> dict[str, Any]:
        found: dict[str, Any] = {**moment(at), **moments(self.days, at.today, at.zone), **bound}
        return found | {scalar_parameter(key): value for key, value in population.items()}


def compile_pipeline(catalog: Catalog, object_key: str, *, by_ids: bool = False, extra: Iterable[Step] = ()) -> Pipeline:
    """All outputs of an object (and of the `extra` steps, which may read any name) for some ids or for a range of ids."""
    added = tuple(extra)
    memo = ("assessment.pipeline", object_key, by_ids)
    if not added and memo in catalog.memo:
        found: Pipeline = catalog.memo[memo]
        return found
    all_steps = dict(steps(catalog, object_key)) | {s.name: s for s in added}
    builder = _Builder(catalog, object_key, all_steps, (*outputs(catalog, object_key), *(s.name for s in added)), by_ids=by_ids)
    last, column_of = builder.stages()
    query = sa.select(last.c.id.label("record_id"), *(column_of(name).label(name) for name in builder.targets)).select_from(last)
    made = builder.made(query, builder.targets)
    if not added:
        catalog.memo[memo] = made
    return made


class _Builder:
    def __init__(self, catalog: Catalog, object_key: str, all_steps: Mapping[str, Step], targets: tuple[str, ...], *, by_ids: bool) -> None:
        self.catalog, self.object_key, self.targets, self.by_ids = catalog, object_key, targets, by_ids
        self.object_type: ObjectType = catalog.get("object", object_key)
        self.steps = needed(all_steps, targets)
        self.scalar_keys = {i.key for i in scalars(catalog, object_key)}
        self.passes = tuple(p for p in passes(i for i in catalog.all("indicator") if i.object == object_key) if self._is_read(p))

    def _is_read(self, found: Pass) -> bool:
        read = {name for step in self.steps.values() for name in step.reads}
        return any(g.name in read for g in found.gathered)

    def made(self, query: sa.Select[Any], columns: tuple[str, ...]) -> Pipeline:
        return Pipeline(query, columns, days_used(self.passes))

    def scoped(self, column: Element) -> Element:
        return within(column, self.by_ids)

    def stages(self) -> tuple[sa.CTE, Callable[[str], Element]]:
        """The chain; the last stage with a function that gives the column of a name in it."""
        subject, subject_of = self._subject()
        gathered = [_materialized(Gathering(self.catalog, p, subject, subject_of, self.scoped).query(), f"gathered_{i}") for i, p in enumerate(self.passes, 1)]
        joined, raw = self._beside(subject, gathered)
        place = self._places()
        last: sa.CTE = subject

        def column_of(name: str) -> Element:
            if name in self.scalar_keys:
                return sa.bindparam(scalar_parameter(name), type_=sa.Double())
            if last is subject:
                return raw[name] if name in raw else subject_of(name)
            return last.c[_label(name)]

        for stage in range(1, max(place.values(), default=0) + 1):
            new = [step for name, step in self.steps.items() if place[name] == stage]
            kept = self._kept(stage, place)
            columns = [column_of(name).label(_label(name)) for name in kept]
            columns += [step.sql({name: column_of(name) for name in step.reads}).label(_label(step.name)) for step in new]
            source = joined if last is subject else last
            last = _materialized(sa.select((subject if last is subject else last).c.id, *columns).select_from(source), f"stage_{stage}")
        return last, column_of

    def _beside(self, subject: sa.CTE, gathered: list[sa.CTE]) -> tuple[sa.FromClause, dict[str, Element]]:
        """The subjects with all that was gathered beside them, and by raw name its column. Many passes are put together in bundles first."""
        parts: Parts = [(cte, [g.name for g in p.gathered]) for p, cte in zip(self.passes, gathered, strict=True)]
        while len(parts) > MOST_JOINED:
            parts = [_bundle(subject, parts[i : i + MOST_JOINED], f"bundle_{len(parts)}_{i}") for i in range(0, len(parts), MOST_JOINED)]
        return _joined(subject, parts), {name: cte.c[name] for cte, names in parts for name in names}

    def _places(self) -> dict[str, int]:
        place: dict[str, int] = {}
        for name, step in self.steps.items():
            place[name] = 1 + max((place[r] for r in step.reads if r in place), default=0)
        return place

    def _kept(self, stage: int, place: Mapping[str, int]) -> list[str]:
        """Names that exist before a stage and are still read in a later one or asked for at the end."""
        later = {name for n, step in self.steps.items() if place[n] > stage for name in step.reads} | set(self.targets)
        return sorted(name for name in later if place.get(name, 0) < stage and name not in self.scalar_keys and name != "id")

    def _subject(self) -> tuple[sa.CTE, Callable[[str], Element]]:
        read = {name for step in self.steps.values() for name in step.reads} | set(self.targets)
        read |= {name for p in self.passes for name in subject_names(self.catalog, p)}
        hidden = {g.name for p in self.passes for g in p.gathered}
        names = sorted(read - self.steps.keys() - self.scalar_keys - hidden - {"id"})
        table = objects.table(self.object_type, self.catalog).alias("r")
        columns = objects.value_columns(self.catalog, self.object_key, table, None)
        query = sa.select(table.c.id, *(columns[name].label(_label(name)) for name in names)).where(
            *in_population(self.catalog, self.object_type, table), self.scoped(table.c.id)
        )
        cte = _materialized(query, "subject")
        return cte, lambda name: cte.c[_label(name)]


def in_population(catalog: Catalog, object_type: ObjectType, table: sa.FromClause) -> list[Element]:
    """The conditions under which a record is assessed."""
    alive: list[Element] = [table.c.deleted_at.is_(None)]
    if not object_type.assessed_when:
        return alive
    made = expression(object_type.assessed_when, objects.scope(catalog, object_type.key), BOOLEAN)
    return [*alive, made.met_sql(objects.value_columns(catalog, object_type.key, table, None))]


def _label(name: str) -> str:
    return name.replace(".", "@")


def _joined(subject: sa.CTE, parts: Parts) -> sa.FromClause:
    joined: sa.FromClause = subject
    for cte, _ in parts:
        joined = joined.outerjoin(cte, cte.c.id == subject.c.id)
    return joined


def _bundle(subject: sa.CTE, parts: Parts, name: str) -> tuple[sa.CTE, list[str]]:
    columns = [cte.c[n] for cte, names in parts for n in names]
    return _materialized(sa.select(subject.c.id, *columns).select_from(_joined(subject, parts)), name), [n for _, names in parts for n in names]


def _materialized(query: sa.Select[Any], name: str) -> sa.CTE:
    return query.cte(name).prefix_with("MATERIALIZED")


class Seen(Mapping[str, Element]):
    """What an expression over a record and its results sees in a statement: fields of `record`, outputs of `found`, the population's values."""

    def __init__(self, catalog: Catalog, object_key: str, record: sa.FromClause, found: sa.FromClause, at: At | None = None) -> None:
        self.fields = objects.value_columns(catalog, object_key, record, at)
        self.given = results.names(catalog, object_key)
        self.object_key, self.found = object_key, found

    def __getitem__(self, name: str) -> Element:
        output = self.given.get(name)
        if output is None:
            return self.fields[name]
        if not output.population:
            return self.found.c[name]
        shared = population_values.c
        return sa.select(shared.value).where(shared.object == self.object_key, shared.key == name).scalar_subquery()

    def __iter__(self) -> Iterator[str]:
        yield from self.fields
        yield from self.given

    def __len__(self) -> int:
        return len(self.fields) + len(self.given)
