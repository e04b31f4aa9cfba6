"""What a review looks at besides its metrics: moves between levels, exposure without cover, critical alerts, late tasks.

Which documents stand for the level and the exposure is a convention of names (see LEVEL, EXPOSURE); where they are missing the list is empty.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from server.config.catalog import Catalog
from server.errors import Text
from server.feature import Work
from server.features.alerts.tables import OPEN_STATES, alerts
from server.features.objects import results
from server.features.strategies.subjects import record_names, subjects, visible, visible_ids
from server.features.strategies.tables import tasks

LEVEL = "risk_level"  # the classification whose moves are counted; without it the main one
EXPOSURE = "uncovered_exposure"
TOP = 20


@dataclass(frozen=True)
class Move:
    """`rise`: how many places the level went up (worse) in the order of the document; negative is better."""

    record_id: int
    record_name: str
    old: str
    new: str
    rise: int


@dataclass(frozen=True)
class Exposure:
    record_id: int
    record_name: str
    amount: float
    level: str | None


@dataclass(frozen=True)
class Critical:
    alert_id: int
    rule: str
    title: Text
    object: str
    record_id: int
    record_name: str
    message: Text
    days_open: int


@dataclass(frozen=True)
class Late:
    task_id: int
    title: Text
    object: str
    record_id: int | None
    record_name: str
    assignee: str | None
    role: str | None
    due_on: date
    days_late: int


@dataclass(frozen=True)
class Facts:
    object: str  # the assessed object the moves and the exposure are about
    level: str  # key of the classification
    level_titles: Mapping[str, Text]
    move_counts: Mapping[tuple[str, str], int]  # (old, new), moved ones only
    moves: tuple[Move, ...]  # worst first
    exposures: tuple[Exposure, ...]
    exposure_total: float
    criticals: tuple[Critical, ...]
    late: tuple[Late, ...]


def subject_key(catalog: Catalog) -> str:
    """The assessed object reviews and reports are about: the one most documents speak of is the first in practice."""
    assessed = [o.key for o in catalog.all("object") if o.assessed]
    return "customer" if "customer" in assessed else next(iter(assessed), "")


def level_of(catalog: Catalog, object_key: str) -> Any:
    """The classification that is the level of a subject, or None."""
    found = [c for c in catalog.all("classification") if c.object == object_key]
    return next((c for c in found if c.key == LEVEL), None) or next((c for c in found if c.main), None) or next(iter(found), None)


def gather(work: Work, first: date, last: date) -> Facts:
    """As the actor may see it: records they cannot read are counted in no list."""
    object_key = subject_key(work.catalog)
    level = level_of(work.catalog, object_key) if object_key else None
    order = [c.key for c in level.classes] if level else []
    moves = _moves(work, object_key, level.key, order, first, last) if level else ()
    exposures, total = _exposures(work, object_key, level.key if level else "") if object_key else ((), 0.0)
    return Facts(
        object_key,
        level.key if level else "",
        {c.key: c.title for c in level.classes} if level else {},
        Counter((m.old, m.new) for m in moves),
        moves,
        exposures,
        total,
        _criticals(work),
        _late(work),
    )


def _moves(work: Work, object_key: str, level: str, order: Sequence[str], first: date, last: date) -> tuple[Move, ...]:
    old, new = level_on(work, object_key, level, first), level_on(work, object_key, level, last)
    moved = {i: (old[i], new[i]) for i in old.keys() & new.keys() if old[i] != new[i] and old[i] is not None and new[i] is not None}
    seen = visible_ids(work, object_key, moved)
    names = record_names(work, object_key, sorted(seen))
    place = {key: n for n, key in enumerate(order)}
    found = [Move(i, names[i], moved[i][0], moved[i][1], place.get(moved[i][1], 0) - place.get(moved[i][0], 0)) for i in seen]
    return tuple(sorted(found, key=lambda m: (-m.rise, m.record_name)))


def level_on(work: Work, object_key: str, level: str, day: date) -> dict[int, Any]:
    """The value each subject had at the end of a day, from the history of results; today's results for today."""
    if day >= work.at.today:
        now = results.table(work.catalog, object_key)
        return {row[0]: row[1] for row in work.session.execute(sa.select(now.c.record_id, now.c[level]))}
    past = results.history_table(work.catalog, object_key)
    newest = sa.select(past.c.record_id, sa.func.max(past.c.as_of).label("as_of")).where(past.c.as_of <= day).group_by(past.c.record_id).subquery()
    same = sa.and_(past.c.record_id == newest.c.record_id, past.c.as_of == newest.c.as_of)
    return {row[0]: row[1] for row in work.session.execute(sa.select(past.c.record_id, past.c[level]).join(newest, same))}


def _exposures(work: Work, object_key: str, level: str) -> tuple[tuple[Exposure, ...], float]:
    found = subjects(work, object_key)
    theirs = found.results
    if theirs is None or EXPOSURE not in theirs.c:
        return (), 0.0
    amount = theirs.c[EXPOSURE]
    shown_level = theirs.c[level] if level else sa.null()
    open_ones = sa.and_(visible(work, found), amount > 0)
    query = sa.select(found.id, amount.label("amount"), shown_level.label("level")).select_from(found.source).where(open_ones)
    rows = work.session.execute(query.order_by(amount.desc(), found.id).limit(TOP)).all()
    total = work.session.scalar(sa.select(sa.func.sum(amount)).select_from(found.source).where(open_ones)) or 0.0
    names = record_names(work, object_key, [r.id for r in rows])
    return tuple(Exposure(r.id, names[r.id], r.amount, r.level) for r in rows), float(total)


def _criticals(work: Work) -> tuple[Critical, ...]:
    c = alerts.c
    rows = work.session.execute(sa.select(alerts).where(c.severity == "critical", c.state.in_(OPEN_STATES)).order_by(c.opened_at, c.id)).all()
    names = _names(work, rows)
    found = []
    for row in rows:
        if (row.object, row.record_id) not in names:
            continue
        rule = work.catalog.get("alert", row.rule)
        title = rule.title if rule else Text(row.rule, row.rule)
        message = Text(row.message_zh, row.message_en)
        name = names[row.object, row.record_id]
        found.append(Critical(row.id, row.rule, title, row.object, row.record_id, name, message, (work.now - row.opened_at).days))
    return tuple(found)


def _late(work: Work) -> tuple[Late, ...]:
    c = tasks.c
    today = work.at.today
    rows = work.session.execute(sa.select(tasks).where(c.state == "open", c.due_on < today).order_by(c.due_on, c.id)).all()
    names = _names(work, [r for r in rows if r.record_id is not None])
    found = []
    for row in rows:
        if row.record_id is None or (row.object, row.record_id) in names:
            title = Text(row.title_zh, row.title_en)
            name = names.get((row.object, row.record_id), "")
            found.append(Late(row.id, title, row.object, row.record_id, name, row.assignee, row.role, row.due_on, (today - row.due_on).days))
    return tuple(found)


def _names(work: Work, rows: Sequence[sa.Row[Any]]) -> dict[tuple[str, int], str]:
    """Names of the records the actor may read; the others are left out."""
    found = {}
    for object_key in sorted({r.object for r in rows}):
        seen = visible_ids(work, object_key, {r.record_id for r in rows if r.object == object_key})
        found.update({(object_key, i): name for i, name in record_names(work, object_key, sorted(seen)).items()})
    return found


# -- Kept with a signed review -------------------------------------------------------------------------------------------------


def plain(facts: Facts) -> dict[str, Any]:
    """As JSON, without names of records: who looks at it later sees the names they may see then."""
    return {
        "object": facts.object,
        "level": facts.level,
        "titles": {k: list(t) for k, t in facts.level_titles.items()},
        "moves": [[m.record_id, m.old, m.new, m.rise] for m in facts.moves],
        "exposures": [[e.record_id, e.amount, e.level] for e in facts.exposures],
        "exposure_total": facts.exposure_total,
        "criticals": [[c.alert_id, c.rule, list(c.title), c.object, c.record_id, list(c.message), c.days_open] for c in facts.criticals],
        "late": [[t.task_id, list(t.title), t.object, t.record_id, t.assignee, t.role, t.due_on.isoformat(), t.days_late] for t in facts.late],
    }


def restored(work: Work, kept: Mapping[str, Any]) -> Facts:
    object_key = kept["object"]
    ids: dict[str, set[int]] = {object_key: {row[0] for row in kept["moves"]} | {row[0] for row in kept["exposures"]}}
    for row in [*((c[3], c[4]) for c in kept["criticals"]), *((t[2], t[3]) for t in kept["late"] if t[3] is not None)]:
        ids.setdefault(row[0], set()).add(row[1])
    names = {(key, i): n for key, found in ids.items() for i, n in record_names(work, key, sorted(visible_ids(work, key, found))).items()}
    moves = tuple(Move(i, names[object_key, i], old, new, rise) for i, old, new, rise in kept["moves"] if (object_key, i) in names)
    return Facts(
        object_key,
        kept["level"],
        {k: Text(*t) for k, t in kept["titles"].items()},
        Counter((m.old, m.new) for m in moves),
        moves,
        tuple(Exposure(i, names[object_key, i], amount, level) for i, amount, level in kept["exposures"] if (object_key, i) in names),
        kept["exposure_total"],
        tuple(
            Critical(alert, rule, Text(*title), key, i, names[key, i], Text(*message), days)
            for alert, rule, title, key, i, message, days in kept["criticals"]
            if (key, i) in names
        ),
        tuple(
            Late(task, Text(*title), key, i, names.get((key, i), ""), assignee, role, date.fromisoformat(due), days)
            for task, title, key, i, assignee, role, due, days in kept["late"]
            if i is None or (key, i) in names
        ),
    )
