"""What a candidate set of documents would change on the whole population: both pipelines run side by side, nothing is kept.

Classes, levels and labels are compared record by record; alerts by what their rules fire on under either set. Whole population, never a sample.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.config.check import check, errors
from server.config.document import Document
from server.errors import Invalid, NotFound, Problem, Text
from server.expressions.types import BOOLEAN, At
from server.feature import Work
from server.features.assessment.engine import compile_pipeline, outputs, scope
from server.features.assessment.population import population_scalars
from server.features.objects import engine as objects
from server.features.objects.kind import ObjectType
from server.features.objects.step import Step, expression
from server.storage.changes import staged
from server.storage.part import Part

CHUNK = 5000
COMPARED = ("classification", "risk_type")  # kinds whose values are counted by (before, after)
MOVERS = 500  # shown; the counts are of all


class Mover(NamedTuple):
    """One record at one output that changes."""

    id: int
    name: str
    key: str
    old: str | None
    new: str | None
    score_old: float | None
    score_new: float | None
    why: Text


@dataclass(frozen=True)
class Simulation:
    population: int
    changed: Mapping[str, Mapping[tuple[str | None, str | None], int]] = field(default_factory=dict)  # output -> (before, after) -> records
    movers: tuple[Mover, ...] = ()
    alerts_open: Mapping[str, int] = field(default_factory=dict)  # rule -> records it would fire at and does not now
    alerts_close: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[Problem, ...] = ()
    movers_total: int = 0
    scores: Mapping[str, int] = field(default_factory=dict)  # score -> records whose total changes


def simulate(work: Work, candidate: Catalog, object_key: str = "customer") -> Simulation:
    """Reads only. A candidate with errors is not run: its problems are the answer."""
    problems = tuple(errors(check(candidate, candidate.kinds, work.catalog)))
    if problems:
        return Simulation(0, errors=problems)
    new = _runnable(work, candidate)
    live, other = _Side(work, work.catalog, object_key), _Side(work, new, object_key)
    if not live.runs and not other.runs:
        raise NotFound(Text(f"对象 {object_key} 不参与评估", f"The object {object_key} is not assessed"))
    found = _Found()
    try:
        for before, after in _pairs(live.rows(), other.rows()):
            found.add(live, other, before, after)
    except Invalid as error:  # it needs fields that have no column yet
        return Simulation(0, errors=(*error.problems, *_not_made(candidate, new)))
    movers = tuple(_movers(work, live, other, found))
    return Simulation(
        other.count,
        {key: dict(counts) for key, counts in found.changed.items() if any(a != b for a, b in counts)},
        movers,
        dict(found.fires),
        dict(found.stops),
        tuple(_not_made(candidate, new)),
        found.total,
        dict(found.scores),
    )


# -- Two runs ----------------------------------------------------------------------------------------------------------------


class _Side:
    """One set of documents run over the population in order of ids."""

    def __init__(self, work: Work, catalog: Catalog, object_key: str) -> None:
        self.work, self.catalog, self.object_key = replace(work, catalog=catalog), catalog, object_key
        object_type: ObjectType | None = catalog.get("object", object_key)
        self.runs = object_type is not None and object_type.assessed
        self.outputs = outputs(catalog, object_key) if self.runs else {}
        self.rules = tuple(a for a in catalog.all("alert") if a.object == object_key)
        self.count = 0

    @property
    def at(self) -> At:
        return self.work.at

    def rows(self) -> Iterator[Mapping[str, Any]]:
        if not self.runs:
            return
        names = scope(self.catalog, self.object_key)
        fires = []
        for rule in self.rules:
            when = expression(rule.when, names, BOOLEAN)
            fires.append(Step(f"@fires@{rule.key}", when.names, BOOLEAN, when.met_sql, when.met))
        pipeline = compile_pipeline(self.catalog, self.object_key, extra=fires)
        scalars = population_scalars(self.work, self.object_key, self.at)
        table = objects.tables(self.catalog)[self.object_key]
        low, query = -1, pipeline.query.order_by("record_id")
        while True:
            ids = sa.select(table.c.id).where(table.c.id > low).order_by(table.c.id).limit(CHUNK).subquery()
            count, high = self.work.session.execute(sa.select(sa.func.count(), sa.func.max(ids.c.id))).one()
            if not count:
                return
            with staged(self.work.session):
                rows = self.work.session.execute(query, pipeline.parameters(self.at, scalars, **Part(low=low, high=high).bound)).mappings().all()
            for row in rows:
                self.count += 1
                yield dict(row)
            low = high

    def fires(self, row: Mapping[str, Any]) -> set[str]:
        return {rule.key for rule in self.rules if row.get(f"@fires@{rule.key}")}


def _pairs(left: Iterator[Mapping[str, Any]], right: Iterator[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Rows of the same record beside each other; an empty one where a record is in one population only."""
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        first = min(row["record_id"] for row in (a, b) if row is not None)
        one = a if a is not None and a["record_id"] == first else None
        two = b if b is not None and b["record_id"] == first else None
        yield one or {}, two or {}
        a = next(left, None) if one is not None else a
        b = next(right, None) if two is not None else b


class _Found:
    def __init__(self) -> None:
        self.changed: dict[str, Counter[tuple[str | None, str | None]]] = {}
        self.moved: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = []
        self.fires: Counter[str] = Counter()
        self.stops: Counter[str] = Counter()
        self.scores: Counter[str] = Counter()
        self.total = 0

    def add(self, live: _Side, other: _Side, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        for name in {**live.outputs, **other.outputs}:
            kind = (other.outputs.get(name) or live.outputs[name]).kind
            old, new = before.get(name), after.get(name)
            if kind == "score" and old != new:
                self.scores[name] += 1
            if kind not in COMPARED:
                continue
            self.changed.setdefault(name, Counter())[old, new] += 1
            if old != new:
                self.total += 1
                if len(self.moved) < MOVERS:
                    self.moved.append((name, before, after))
        was, will = live.fires(before), other.fires(after)
        self.fires.update(will - was)
        self.stops.update(was - will)


# -- Who moves and why -------------------------------------------------------------------------------------------------------


def _movers(work: Work, live: _Side, other: _Side, found: _Found) -> Iterator[Mover]:
    ids = {(before or after)["record_id"] for _, before, after in found.moved}
    names = _record_names(work, live.object_key, ids)
    score = next((o.name for o in {**other.outputs, **live.outputs}.values() if o.kind == "score" and not o.part and _is_risk(other.catalog, o.name)), None)
    for key, before, after in found.moved:
        record_id = (before or after)["record_id"]
        old_score, new_score = (before.get(score), after.get(score)) if score else (None, None)
        yield Mover(
            record_id, names.get(record_id, str(record_id)), key, before.get(key), after.get(key), old_score, new_score, _why(live, other, key, before, after)
        )


def _is_risk(catalog: Catalog, key: str) -> bool:
    score = catalog.get("score", key)
    return score is not None and score.better != "up"


def _record_names(work: Work, object_key: str, ids: set[int]) -> dict[int, str]:
    object_type: ObjectType = work.catalog.get("object", object_key)
    table = objects.tables(work.catalog)[object_key]
    name = table.c.get(object_type.name_field, table.c.id)
    found: dict[int, str] = {}
    wanted = sorted(ids)
    for i in range(0, len(wanted), 500):
        rows = work.session.execute(sa.select(table.c.id, name).where(table.c.id.in_(wanted[i : i + 500])))
        found |= {row[0]: str(row[1] or row[0]) for row in rows}
    return found


def _why(live: _Side, other: _Side, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Text:
    """What the new rules say: which of the values the output is made of moved, or that the rule itself did."""
    if not after:
        return Text("不再属于评估范围", "Leaves the population")
    if not before:
        return Text("进入评估范围", "Enters the population")
    output = other.outputs.get(key)
    if output is None:
        return Text("规则已删除", "Its rules are removed")
    moved = []
    for name in sorted(output.reads):
        given = other.outputs.get(name)
        if given is not None and before.get(name) != after.get(name):
            moved.append((given.title, before.get(name), after.get(name)))
    if moved:
        return Text("、".join(f"{t.zh} {_shown(a)} → {_shown(b)}" for t, a, b in moved), "; ".join(f"{t.en} {_shown(a)} → {_shown(b)}" for t, a, b in moved))
    return Text("条件本身改变", "The conditions themselves changed")


def _shown(value: Any) -> str:
    return "—" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


# -- Candidates that need tables not made yet --------------------------------------------------------------------------------


def _runnable(work: Work, candidate: Catalog) -> Catalog:
    """The candidate over the tables that are there. Objects and fields that are new hold no data: their documents stay as published,
    and indicators over an object that has no table yet are empty."""
    kept: dict[tuple[str, str], Document] = {}
    for (kind, key), document in candidate.documents.items():
        published = work.catalog.document(kind, key)
        if kind != "object" or (published is not None and _same_columns(work.catalog, candidate, key)):
            kept[kind, key] = document
        elif published is not None:
            kept[kind, key] = published
    return Catalog(candidate.release, kept, candidate.kinds)


def _same_columns(old: Catalog, new: Catalog, key: str) -> bool:
    return {c.name for c in objects.tables(new)[key].columns} <= {c.name for c in objects.tables(old)[key].columns}


def _not_made(candidate: Catalog, run: Catalog) -> Iterator[Problem]:
    for (kind, key), document in candidate.documents.items():
        if run.documents.get((kind, key)) is not document:
            text = Text(f"对象 {key} 的新字段尚无数据,按已发布的字段试算", f"New fields of {key} hold no data yet: run with its published fields")
            yield Problem("", text, file=f"{kind}/{key}", severity="warning", code="not_made")
