"""Risk assessment reports, of the company and of one record, laid out for the screen and for paper."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area, Link
from admin_ui.edge import Id, reading
from admin_ui.pages.matrix import Cell, LevelLine, View
from admin_ui.render import page
from server.errors import Text
from server.feature import Work
from server.features.access import service as access
from server.features.objects.wording import option_titles
from server.features.reports.company import company_report
from server.features.reports.record import customer_report
from server.features.reports.report import CustomerReport, MatrixTable

router = APIRouter()
AREA = Area(router, (Link("reports", Text("报告", "Reports"), "/reports", "report", "reports", 70),))
POLICIES: Mapping[str, Text] = {
    "neutral": Text("按中性 50 分计", "counted as neutral, 50 points"),
    "worst": Text("按最差 100 分计", "counted as worst, 100 points"),
    "skip": Text("不计该权重", "its weight is left out"),
    "block": Text("不出总分", "no score"),
}


@router.get("/reports", response_class=HTMLResponse)
def company(request: Request, as_of: str = "") -> HTMLResponse:
    with reading(request, "reports") as work:
        report = company_report(work, _day(as_of))
        context: dict[str, Any] = {
            "r": report,
            "views": [(m, heat_view(report.scope.object, m)) for m in report.matrices],
            "roles": _roles(work),
            "policies": POLICIES,
        }
        return page(request, work, "pages/report_company.html", area="reports", **context)


@router.get("/o/{object_key}/{record_id:int}/report", response_class=HTMLResponse)
def record(request: Request, object_key: str, record_id: Id) -> HTMLResponse:
    with reading(request, "reports") as work:
        report = customer_report(work, object_key, record_id)
        matrices = {m.key: m for m in work.catalog.all("matrix")}
        context: dict[str, Any] = {
            "r": report,
            "roles": _roles(work),
            "policies": POLICIES,
            "matrices": matrices,
            "words": option_titles(work.catalog, object_key, _plain_names(report)),
            "people": access.user_names(work),
        }
        return page(request, work, "pages/report_record.html", area=f"o/{object_key}", **context)


def _plain_names(report: CustomerReport) -> set[str]:
    """Factors whose value is a field or a class as it stands: its option is shown by title."""
    return {line.factor.value.strip() for score in report.scores for line in score.explanation.factors}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _roles(work: Work) -> Mapping[str, Text]:
    return {r.key: r.title for r in work.catalog.all("role")}


def heat_view(object_key: str, table: MatrixTable) -> View:
    """A risk type's matrix as the heat map draws it."""
    matrix = table.matrix
    levels = {level.key: level for level in matrix.levels}
    rows = []
    for i in reversed(range(len(matrix.likelihood))):
        row = []
        for j, impact in enumerate(matrix.impact):
            found = table.cells[matrix.likelihood[i].key, impact.key]
            row.append(Cell(matrix.likelihood[i], impact, levels[matrix.cells[i][j]], found.count, found.exposure, ""))
        rows.append(tuple(row))
    lines = tuple(LevelLine(level, 0, 0, 0.0) for level in matrix.levels)
    cells = [c for row in rows for c in row]
    return View(matrix, object_key, None, (), tuple(rows), lines, sum(c.count for c in cells), any(c.exposure for c in cells))
