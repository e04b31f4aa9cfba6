"""A list as a file: first how many records and which columns, then the file."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from admin_ui import listing
from admin_ui.area import Area
from admin_ui.edge import reading
from admin_ui.pages.records import object_of
from admin_ui.render import page
from admin_ui.subjects import subject
from server.errors import AppError
from server.feature import Work
from server.features.objects import results
from server.features.objects.kind import ObjectType
from server.features.records import exporting
from server.features.records.downloads import download

router = APIRouter(include_in_schema=False)
OWN = ("format", "col")  # members of the form that are no part of the list's address


@router.get("/o/{object_key}/export", response_class=HTMLResponse)
def preview(request: Request, object_key: str) -> HTMLResponse:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        address = _address(request, object_key)
        outputs = results.outputs(work.catalog, object_key) if object_type.assessed else {}
        known = exporting.columns_of(work, object_type)
        shown = [c.name for c in listing.columns(work, object_type, subject(work.catalog, object_key), outputs, address) if c.name in known]
        status, refused, rows = 200, None, 0
        try:
            rows = len(exporting.ids_of(work, _plan(work, object_type, address, "csv", shown)))
        except AppError as error:
            if error.status != 422:
                raise
            status, refused = 422, error
        ordered = [*(known[n] for n in shown), *(c for n, c in known.items() if n not in shown)]
        context: dict[str, Any] = {
            "object_type": object_type,
            "address": address,
            "rows": rows,
            "refused": refused,
            "shown": frozenset(shown),
            "columns": ordered,
            "formats": exporting.FORMATS,
            "chips": listing.chips(work, object_type, outputs, address),
            "sheet_rows": exporting.SHEET_ROWS,
        }
        return page(request, work, "pages/export.html", status=status, area=f"o/{object_key}", **context)


@router.get("/o/{object_key}/export/file")
def file(request: Request, object_key: str) -> Response:
    parameters = request.query_params

    def plan(work: Work) -> exporting.Export:
        object_type = object_of(work, object_key)
        address = _address(request, object_key)
        return _plan(work, object_type, address, parameters.get("format", "csv"), parameters.getlist("col"))

    return download(request, plan)


def _address(request: Request, object_key: str) -> listing.Address:
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in OWN]
    return listing.read(object_key, type(request.query_params)(kept)).at("")


def _plan(work: Work, object_type: ObjectType, address: listing.Address, format: str, columns: list[str]) -> exporting.Export:
    conditions = [(c.name, c.op, c.value) for c in address.conditions]
    return exporting.plan(work, object_type.key, format, columns, search=address.search, filter=address.filter, conditions=conditions, sort=address.sort)


AREA = Area(router)
