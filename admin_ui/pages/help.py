"""Help: the reference of the expression language, made from the language itself."""

from datetime import date, datetime
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area
from admin_ui.edge import reading
from admin_ui.render import page
from server.expressions import language, reference
from server.expressions.limits import LIMITS
from server.expressions.numbers import number_text

router = APIRouter(prefix="/help")
AREA = Area(router)


@router.get("/expressions", response_class=HTMLResponse)
def expressions_page(request: Request, q: str = "") -> HTMLResponse:
    with reading(request) as work:
        context: dict[str, Any] = {
            "q": q,
            "found": reference.entries(q[:80]),
            "families": reference.FAMILIES,
            "sections": _sections(),
            "truth": _truth(),
            "operators": _operators(),
            "null_rules": reference.NULL_RULES,
            "version": language.VERSION,
            "limits": [limit.sentence(work.actor.locale) for limit in LIMITS],
            "written": written,
        }
        return page(request, work, "pages/help_expressions.html", area="studio", **context)


_sections, _truth, _operators = cache(reference.sections), cache(reference.truth_tables), cache(reference.operators)


def written(value: Any) -> str:
    """A value as one writes it in an expression."""
    if isinstance(value, float):
        return number_text(value) if abs(value) < 1e15 else repr(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(item) for item in value)}]"
    return str(value)
