"""What the draft would change for everybody: who moves from which class to which and why, which alerts open and close."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area
from admin_ui.documents import Difference, differences, document_url
from admin_ui.edge import reading
from admin_ui.pages.studio import Bar, bar_of
from admin_ui.render import page
from server.config import drafts
from server.config.catalog import Catalog
from server.config.kind import title_of
from server.errors import Text
from server.feature import Work
from server.features.assessment.simulation import Mover, Simulation, simulate

router = APIRouter()
AREA = Area(router)
SHOWN = 60
# How grave a class is, by the colour word of its document; what has none stands in the middle.
GRAVITY: Mapping[str, int] = {"good": 0, "accent": 1, "": 1, "warn": 2, "high": 3, "bad": 3, "extreme": 4}


@dataclass(frozen=True)
class Option:
    key: str | None
    title: Text
    color: str
    gravity: int
    step: int  # of a level: how it is drawn; 0 for a class


@dataclass(frozen=True)
class MoveCell:
    count: int
    direction: int  # 1 worse, -1 better, 0 the same
    depth: int  # 0-100, how strongly it is tinted
    url: str


@dataclass(frozen=True)
class Migration:
    """One output before and after: rows are the live release, columns the draft."""

    name: str
    title: Text
    options: tuple[Option, ...]
    cells: tuple[tuple[MoveCell, ...], ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    moved: int
    main: bool

    @property
    def net(self) -> tuple[int, ...]:
        return tuple(b - a for a, b in zip(self.before, self.after, strict=True))


def migrations(catalog: Catalog, found: Simulation) -> tuple[Migration, ...]:
    """The main classification first, then the other classifications, then the risk types."""
    result = []
    for name, counts in found.changed.items():
        described = _described(catalog, name)
        if described:
            title, options, main = described
            result.append(_migration(name, title, _with_unknown(options, counts), counts, main))
    return tuple(sorted(result, key=lambda m: (not m.main, catalog.get("classification", m.name) is None, -m.moved)))


def _described(catalog: Catalog, name: str) -> tuple[Text, list[Option], bool] | None:
    classification = catalog.get("classification", name)
    if classification:
        options = [Option(c.key, c.title, c.color, GRAVITY.get(c.color, 1), 0) for c in classification.classes]
        return classification.title, options, classification.main
    risk_type = catalog.get("risk_type", name)
    matrix = catalog.get("matrix", risk_type.matrix) if risk_type else None
    if risk_type and matrix:
        return risk_type.title, [Option(level.key, level.title, "", level.rank, level.rank) for level in reversed(matrix.levels)], False
    return None  # a label of a risk type, its likelihood or impact: told by the level


def _with_unknown(options: Sequence[Option], counts: Mapping[tuple[str | None, str | None], int]) -> tuple[Option, ...]:
    known = {o.key for o in options}
    seen = {key for pair in counts for key in pair} - known
    extra = [Option(key, Text("无", "none") if key is None else Text(key, key), "", 1, 0) for key in sorted(seen, key=str)]
    return (*options, *extra)


def _migration(name: str, title: Text, options: Sequence[Option], counts: Mapping[tuple[str | None, str | None], int], main: bool) -> Migration:
    top = max((n for (a, b), n in counts.items() if a != b), default=1)
    cells = tuple(tuple(_cell(name, a, b, counts.get((a.key, b.key), 0), top) for b in options) for a in options)
    before = tuple(sum(n for (a, _), n in counts.items() if a == o.key) for o in options)
    after = tuple(sum(n for (_, b), n in counts.items() if b == o.key) for o in options)
    return Migration(name, title, tuple(options), cells, before, after, sum(n for (a, b), n in counts.items() if a != b), main)


def _cell(name: str, old: Option, new: Option, count: int, top: int) -> MoveCell:
    if old.key == new.key or not count:
        return MoveCell(count, 0, 0, "")
    direction = 1 if new.gravity > old.gravity else -1 if new.gravity < old.gravity else 2
    query = urlencode({"output": name, "old": old.key or "", "new": new.key or ""})
    return MoveCell(count, direction, 35 + round(65 * count / top), f"/studio/simulate?{query}#movers")


@dataclass(frozen=True)
class Move:
    output: Text
    old: Text
    new: Text
    why: Text


@dataclass(frozen=True)
class MoverLine:
    """One record with all its moves."""

    id: int
    url: str
    name: str
    score_old: float | None
    score_new: float | None
    moves: tuple[Move, ...]


def movers_of(catalog: Catalog, object_key: str, movers: Sequence[Mover]) -> list[MoverLine]:
    """The largest change of score first, then who moves in most."""
    described = {m.key: found for m in movers if (found := _described(catalog, m.key))}
    grouped: dict[int, list[Mover]] = {}
    for m in movers:
        if m.key in described:
            grouped.setdefault(m.id, []).append(m)
    lines = [_line(object_key, mine, described) for mine in grouped.values()]
    return sorted(lines, key=lambda line: (-abs((line.score_new or 0) - (line.score_old or 0)), -len(line.moves)))


def _line(object_key: str, movers: Sequence[Mover], described: Mapping[str, tuple[Text, list[Option], bool]]) -> MoverLine:
    moves = []
    for m in sorted(movers, key=lambda m: not described[m.key][2]):
        title, options, _main = described[m.key]
        titles = {o.key: o.title for o in options}
        moves.append(Move(title, titles.get(m.old, Text(m.old or "–", m.old or "–")), titles.get(m.new, Text(m.new or "–", m.new or "–")), m.why))
    first = movers[0]
    return MoverLine(first.id, f"/o/{object_key}/{first.id}", first.name, first.score_old, first.score_new, tuple(moves))


def run(work: Work, candidate: Catalog, object_key: str, again: bool) -> tuple[datetime, Simulation, float]:
    """Kept with the draft's catalog until the draft changes, so that following a number does not run it once more."""
    memo = ("simulation", object_key)
    if again or memo not in candidate.memo:
        started = datetime.now(work.now.tzinfo)
        found = simulate(work, candidate, object_key)
        candidate.memo[memo] = (work.now, found, (datetime.now(work.now.tzinfo) - started).total_seconds())
    kept: tuple[datetime, Simulation, float] = candidate.memo[memo]
    return kept


@router.get("/studio/simulate", response_class=HTMLResponse)
def simulate_page(request: Request, object: str = "", again: bool = False, output: str = "", old: str = "", new: str = "") -> HTMLResponse:
    with reading(request, "studio") as work:
        bar = bar_of(work)
        candidate = drafts.draft_catalog(work)
        assessed = [o for o in work.catalog.all("object") if o.assessed]
        chosen = next((o for o in assessed if o.key == object), assessed[0] if assessed else None)
        if not bar.changes or chosen is None or bar.errors:
            return page(request, work, "pages/simulate.html", area="studio", bar=bar, subject=chosen, found=None)
        at, found, seconds = run(work, candidate, chosen.key, again)
        picked = [m for m in found.movers if not output or (m.key == output and (m.old or "") == old and (m.new or "") == new)]
        tables = migrations(candidate, found)
        lines = movers_of(candidate, chosen.key, picked)
        rules = {r.key: r.title for r in (*work.catalog.all("alert"), *candidate.all("alert"))}
        context: dict[str, Any] = {
            "bar": bar,
            "subject": chosen,
            "subjects": assessed,
            "found": found,
            "at": at,
            "seconds": seconds,
            "tables": tables,
            "main": _main(candidate, tables),
            "movers": lines[:SHOWN],
            "movers_total": len(lines),
            "picked": bool(output),
            "opens": sum(found.alerts_open.values()),
            "closes": sum(found.alerts_close.values()),
            "rules": [(rules.get(k, Text(k, k)), found.alerts_open.get(k, 0), found.alerts_close.get(k, 0)) for k in _rules(found)],
            "changes": _changes(candidate, bar),
        }
        return page(request, work, "pages/simulate.html", area="studio", **context)


def _rules(found: Simulation) -> list[str]:
    total = Counter(found.alerts_open) + Counter(found.alerts_close)
    return [key for key, _ in total.most_common()]


def _main(catalog: Catalog, tables: Sequence[Migration]) -> Migration | None:
    """The table the headline speaks of: the main classification's, when anybody moves in it."""
    return next((m for m in tables if m.main), None)


def _changes(catalog: Catalog, bar: Bar) -> list[tuple[Text, str, list[Difference]]]:
    found = []
    for c in bar.changes:
        body = (c.new or c.old).body  # type: ignore[union-attr]
        lines = differences(catalog.kinds[c.kind], c.old, c.new)
        found.append((title_of(body, c.key), document_url(c.kind, c.key), lines))
    return found
