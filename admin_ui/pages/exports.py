"""A list as a file: first how many records and which columns, then the file."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui import listing
from admin_ui.address import read_state, state_parameters
from admin_ui.area import Area
from admin_ui.edge import reading
from admin_ui.lists import list_of
from admin_ui.pages.records import object_of
from admin_ui.render import page
from server.errors import AppError
from server.feature import Work
from server.features.records import exporting
from server.features.records.downloads import download

router = APIRouter(include_in_schema=False)
OWN = ("format", "col")  # members of the form that are no part of the list's address


@router.get("/o/{object_key}/export", response_class=HTMLResponse)
def preview(request: Request, object_key: str) -> HTMLResponse:
    with reading(request) as work:
        it = list_of(request, work, object_key)
        known = exporting.columns_of(work, it.object_type)
        shown = [c.name for c in listing.columns(work, it.object_type, it.lead, it.outputs, it.address) if c.name in known]
        status, refused, rows = 200, None, 0
        try:
            rows = len(exporting.ids_of(work, exporting.plan(work, object_key, "csv", shown, it.state)))
        except AppError as error:
            if error.status != 422:
                raise
            status, refused = 422, error
        context: dict[str, Any] = {
            "object_type": it.object_type,
            "address": it.address,
            "state": it.state,
            "kept": state_parameters(it.state),
            "rows": rows,
            "refused": refused,
            "shown": frozenset(shown),
            "columns": [*(known[n] for n in shown), *(c for n, c in known.items() if n not in shown)],
            "formats": exporting.FORMATS,
            "chips": listing.chips(work, it.object_type, it.outputs, it.address),
            "sheet_rows": exporting.SHEET_ROWS,
        }
        return page(request, work, "pages/export.html", status=status, area=f"o/{object_key}", **context)


@router.get("/o/{object_key}/export/file")
def file(request: Request, object_key: str) -> Response:
    given = request.query_params
    state = read_state([(k, v) for k, v in given.multi_items() if k not in OWN])
    columns = given.getlist("col") if "format" in given else None  # a bare address gives all fields

    def plan(work: Work) -> exporting.Export:
        return exporting.plan(work, object_of(work, object_key).key, given.get("format", "csv"), columns, state)

    return download(request, plan)


AREA = Area(router)
