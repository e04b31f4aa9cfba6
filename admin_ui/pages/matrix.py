"""The risk matrix: labels, levels and colours come from the matrix document, counts from the last assessment; a cell opens the list behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area, Link
from admin_ui.edge import reading
from admin_ui.render import page
from server.errors import NotFound, Text
from server.feature import Work
from server.features.assessment import explain as assessment
from server.features.matrix.kind import Label, Level, Matrix, RiskType
from server.features.objects.results import names
from server.features.records import service as records

router = APIRouter()
AREA = Area(router, (Link("matrix", Text("风险矩阵", "Risk matrix"), "/matrix", "grid-dots", "matrix", 50),))
EXPOSURE = "exposure"  # the amount that weighs a cell, when a document gives it
LINES = 10  # customers shown beside the matrix


@dataclass(frozen=True)
class Cell:
    likelihood: Label
    impact: Label
    level: Level
    count: int
    exposure: Any
    url: str
    selected: bool = False


@dataclass(frozen=True)
class LevelLine:
    level: Level
    count: int
    exposure: Any
    share: float


@dataclass(frozen=True)
class View:
    """`rows` from the most likely to the least, as they are drawn."""

    matrix: Matrix
    object: str
    risk_type: RiskType | None
    risk_types: tuple[RiskType, ...]
    rows: tuple[tuple[Cell, ...], ...]
    levels: tuple[LevelLine, ...]
    total: int
    has_exposure: bool

    @property
    def selected(self) -> Cell | None:
        return next((cell for row in self.rows for cell in row if cell.selected), None)


def matrix_view(work: Work, matrix_key: str = "", risk_type: str = "", cell: str = "") -> View | None:
    """What the matrix page and the desk draw; None when no matrix is published."""
    matrices = work.catalog.all("matrix")
    matrix = next((m for m in matrices if m.key == matrix_key), matrices[0] if matrices else None)
    if matrix is None:
        return None
    types = tuple(r for r in work.catalog.all("risk_type") if r.matrix == matrix.key)
    if not types:
        return None
    chosen = next((r for r in types if r.key == risk_type), None)
    if risk_type and chosen is None:
        raise NotFound(Text("没有这个风险类型", "There is no such risk type"))
    object_key = types[0].object
    counts = assessment.matrix_counts(work, object_key, chosen.key if chosen else None)
    weighed = EXPOSURE in names(work.catalog, object_key)
    return _view(matrix, object_key, chosen, types, counts, cell, weighed)


def _view(
    matrix: Matrix, object_key: str, chosen: RiskType | None, types: tuple[RiskType, ...], counts: Mapping[tuple[str, str], Any], selected: str, weighed: bool
) -> View:
    levels = {level.key: level for level in matrix.levels}
    rows: list[tuple[Cell, ...]] = []
    for i in reversed(range(len(matrix.likelihood))):
        rows.append(tuple(_cell(matrix, levels, i, j, counts, chosen, selected) for j in range(len(matrix.impact))))
    cells = [c for row in rows for c in row]
    if not selected:  # the gravest cell that holds anything is what one looks at first
        worst = max((c for c in cells if c.count), key=lambda c: (c.level.rank, c.exposure, c.count), default=None)
        rows = [tuple(replace(c, selected=c is worst) for c in row) for row in rows]
    total = sum(c.count for c in cells)
    lines = []
    for level in reversed(matrix.levels):
        mine = [c for c in cells if c.level.key == level.key]
        count = sum(c.count for c in mine)
        lines.append(LevelLine(level, count, sum(c.exposure or 0 for c in mine), 100 * count / total if total else 0.0))
    return View(matrix, object_key, chosen, types, tuple(rows), tuple(lines), total, weighed)


def _cell(matrix: Matrix, levels: Mapping[str, Level], i: int, j: int, counts: Mapping[tuple[str, str], Any], chosen: RiskType | None, selected: str) -> Cell:
    likelihood, impact = matrix.likelihood[i], matrix.impact[j]
    found = counts.get((likelihood.key, impact.key))
    mark = f"{likelihood.key},{impact.key}"
    query = {"type": chosen.key} if chosen else {}
    url = "/matrix?" + urlencode({**query, "cell": mark})
    return Cell(likelihood, impact, levels[matrix.cells[i][j]], found.count if found else 0, found.exposure if found else 0.0, url, mark == selected)


@dataclass(frozen=True)
class Behind:
    id: int
    name: str
    exposure: float | None


@dataclass(frozen=True)
class Group:
    """The records of one risk type in one cell: the largest, how many there are (up to 1001), and where the list is."""

    risk_type: RiskType
    rows: tuple[Behind, ...]
    total: int
    url: str


def groups_of(work: Work, view: View, cell: Cell) -> tuple[Group, ...]:
    types = (view.risk_type,) if view.risk_type else view.risk_types
    groups = (_group(work, view, cell, risk_type) for risk_type in types)
    return tuple(group for group in groups if group.rows)


def _group(work: Work, view: View, cell: Cell, risk_type: RiskType) -> Group:
    found = records.query(
        work,
        view.object,
        conditions=[(f"{risk_type.key}_likelihood", "eq", cell.likelihood.key), (f"{risk_type.key}_impact", "eq", cell.impact.key)],
        sort=f"-{EXPOSURE}" if view.has_exposure else "",
        limit=LINES,
        columns=(),
        results=(EXPOSURE,) if view.has_exposure else (),
    )
    rows = tuple(Behind(r.id, r.name, r.results.get(EXPOSURE)) for r in found.rows)
    return Group(risk_type, rows, found.total_capped, list_url(view.object, risk_type, cell))


def list_url(object_key: str, risk_type: RiskType, cell: Cell) -> str:
    """The list of records behind a cell, with its conditions as filters one can change."""
    return f"/o/{object_key}?" + urlencode({f"{risk_type.key}_likelihood": cell.likelihood.key, f"{risk_type.key}_impact": cell.impact.key})


@router.get("/matrix", response_class=HTMLResponse)
def matrix_page(request: Request, type: str = "", cell: str = "", matrix: str = "", show: str = "count") -> HTMLResponse:
    with reading(request, "matrix") as work:
        view = matrix_view(work, matrix, type, cell)
        chosen = view.selected if view else None
        groups = groups_of(work, view, chosen) if view and chosen else ()
        return page(request, work, "pages/matrix.html", area="matrix", view=view, cell=chosen, groups=groups, show=show)
