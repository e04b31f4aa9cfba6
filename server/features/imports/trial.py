"""The dry run: the rows are written as they would be, through every rule and the assessment, looked at, and rolled back."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

import sqlalchemy as sa

from server.errors import Text
from server.feature import Assessed, Work
from server.features.assessment.service import results_of
from server.features.objects.engine import is_stored, tables
from server.features.objects.kind import ObjectType
from server.features.records.importing import Outcome, RolledBack, Run, whole
from server.features.records.reading import object_of, readable
from server.features.records.rights import mask, rights
from server.features.records.rowfile import Row, RowError, Tally
from server.fields.registry import FIELD_TYPES

BLOCK = 2_000  # rows tried in one transaction; others wait meanwhile for their turn to write
SHOWN = 50  # of each kind of row
MOVERS = 200
REASONS, DIFFERENT = 12, 2_000  # sorts of errors that are listed, and counted
CELLS = 12  # cells of a new row that are shown
Results = Mapping[int, Mapping[str, Any]]
OpenWork = Callable[[bool], AbstractContextManager[Work]]


@dataclass
class Found:
    """What was seen so far, over all blocks."""

    tally: Tally = field(default_factory=Tally)
    blocks: int = 0
    shown: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"created": [], "updated": []})
    errors: list[RowError] = field(default_factory=list)  # of the first rows that have some
    lines: set[int] = field(default_factory=set)  # of `errors`
    reasons: Counter[tuple[str, Text]] = field(default_factory=Counter)
    moves: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    movers: list[dict[str, Any]] = field(default_factory=list)
    moved: int = 0
    assessed: int = 0
    alerts: Counter[str] = field(default_factory=Counter)

    def data(self) -> dict[str, Any]:
        """As JSON, to be kept with the run."""
        t = self.tally
        return {
            "rows": t.rows, "created": t.created, "updated": t.updated, "unchanged": t.unchanged, "rejected": t.rejected, "blocks": self.blocks,
            "shown": self.shown,
            "errors": [[e.line, e.column, e.message.zh, e.message.en] for e in sorted(self.errors, key=lambda e: e.line)],
            "reasons": [[column, message.zh, message.en, n] for (column, message), n in self.reasons.most_common(REASONS)],
            "moves": {name: [[a, b, n] for (a, b), n in sorted(found.items())] for name, found in self.moves.items()},
            "movers": self.movers, "moved": self.moved, "assessed": self.assessed, "alerts": dict(self.alerts),
        }  # fmt: skip


def blocks(rows: Iterable[Row], size: int = BLOCK) -> Iterator[Iterator[Row]]:
    rest = iter(rows)
    for first in rest:
        yield chain([first], islice(rest, size - 1))


def try_block(open_work: OpenWork, run: Run, rows: Iterable[Row], found: Found) -> None:
    """One block in a transaction that leaves nothing. What it moves is compared with what others see meanwhile."""
    heard: dict[str, set[int]] = {}
    alerts: Counter[str] = Counter()
    after: dict[str, dict[int, dict[str, Any]]] = {}
    names: dict[tuple[str, int], str] = {}
    tally = Tally()
    try:
        with open_work(True) as work:
            watching = replace(work, hooks=replace(work.hooks, on_assessed=_counted(work, heard, alerts)))
            whole(watching, run, rows, tally, BLOCK)
            _show(work, run, tally.outcomes, found)
            for object_key, ids in heard.items():
                after[object_key] = results_of(work, object_key, ids)
                names |= _names(work, object_key, ids)
            raise RolledBack
    except RolledBack:
        pass
    found.tally.rows += tally.rows
    for e in tally.errors:
        if (e.column, e.message) in found.reasons or len(found.reasons) < DIFFERENT:
            found.reasons[e.column, e.message] += 1
        if e.line in found.lines or len(found.lines) < SHOWN:
            found.lines.add(e.line)
            found.errors.append(e)
    tally.errors, tally.outcomes = [], []
    found.tally.add(tally)
    found.alerts.update(alerts)
    found.blocks += 1
    with open_work(False) as work:
        for object_key, results in after.items():
            _compare(work, object_key, results_of(work, object_key, results), results, names, found)


def _counted(work: Work, heard: dict[str, set[int]], alerts: Counter[str]) -> tuple[Callable[[Work, Assessed], Mapping[str, int] | None], ...]:
    """The hooks as they are, with what they did added up, and whose results changed."""

    def listen(inside: Work, assessed: Assessed) -> None:
        heard.setdefault(assessed.object, set()).update(assessed.changed)

    def counted(hook: Callable[[Work, Assessed], Mapping[str, int] | None]) -> Callable[[Work, Assessed], Mapping[str, int] | None]:
        def call(inside: Work, assessed: Assessed) -> Mapping[str, int] | None:
            did = hook(inside, assessed)
            alerts.update(did or {})
            return did

        return call

    return (*(counted(h) for h in work.hooks.on_assessed), listen)


def _show(work: Work, run: Run, outcomes: Sequence[Outcome], found: Found) -> None:
    """Some new and changed rows, as this person may see them."""
    object_type, allowed = object_of(work, run.object_key), rights(work, run.object_key)
    imported = [c.field.key for c in run.columns]

    def text(key: str, value: Any) -> str:
        f = object_type.fields[key]
        if value is not None and key in allowed.masked:
            return mask(f, value)
        return FIELD_TYPES[f.type].text(f, value, work.actor.locale, work.zone)

    for o in outcomes:
        shown = found.shown.get(o.kind)
        if shown is None or len(shown) >= SHOWN:
            continue
        entry: dict[str, Any] = {"line": o.line, "id": o.record_id if o.kind == "updated" else None, "name": _called(object_type, o.values, allowed.covered)}
        if o.kind == "created":
            entry["cells"] = [[k, text(k, o.values.get(k))] for k in imported if o.values.get(k) is not None][:CELLS]
        else:
            entry["cells"] = [[k, text(k, old), text(k, new)] for k, (old, new) in o.changes.items() if k not in allowed.hidden]
        shown.append(entry)


def _called(object_type: ObjectType, values: Mapping[str, Any], covered: frozenset[str]) -> str:
    value = None if object_type.name_field in covered else values.get(object_type.name_field)
    return "" if value is None else str(value)


def _names(work: Work, object_key: str, ids: Iterable[int]) -> dict[tuple[str, int], str]:
    """Names of those records that this person may see: only these are listed as moving."""
    object_type, source = object_of(work, object_key), tables(work.catalog)[object_key]
    f = object_type.fields.get(object_type.name_field)
    column = source.c[f.key] if f and is_stored(f, object_type) and f.key not in rights(work, object_key).covered else sa.cast(source.c.id, sa.Text())
    names: dict[tuple[str, int], str] = {}
    wanted = sorted(ids)
    for i in range(0, len(wanted), 500):
        query = sa.select(source.c.id, column).where(source.c.id.in_(wanted[i : i + 500]), *readable(work, object_key, source))
        names |= {(object_key, record_id): str(name) for record_id, name in work.session.execute(query)}
    return names


def _compare(work: Work, object_key: str, before: Results, after: Results, names: Mapping[tuple[str, int], str], found: Found) -> None:
    classifications = [c for c in work.catalog.all("classification") if c.object == object_key]
    known = before.keys()
    for record_id, now in after.items():
        if (object_key, record_id) not in names:
            continue
        found.assessed += 1
        then = before.get(record_id, {})
        moves = [(c.key, then.get(c.key) or "", now.get(c.key) or "") for c in classifications if then.get(c.key) != now.get(c.key)]
        if not moves:
            continue
        for name, old, new in moves:
            found.moves.setdefault(name, Counter())[(old, new)] += 1
        if record_id not in known:
            continue  # a new record has a class, it does not change it
        found.moved += 1
        if len(found.movers) < MOVERS:
            found.movers.append({"object": object_key, "id": record_id, "name": names[object_key, record_id], "moves": [list(m) for m in moves]})
