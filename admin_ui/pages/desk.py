"""The desk: what waits for me, and what changed."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area, Link
from admin_ui.edge import reading
from admin_ui.render import page
from server.errors import Text

router = APIRouter(include_in_schema=False)


@router.get("/", response_class=HTMLResponse)
def desk(request: Request) -> HTMLResponse:
    with reading(request) as work:
        return page(request, work, "pages/desk.html", area="desk")


AREA = Area(router, (Link("desk", Text("工作台", "Desk"), "/", "layout-dashboard", order=10, phone=True),))
