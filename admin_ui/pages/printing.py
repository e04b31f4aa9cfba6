"""A record on paper: one column, its sections and rows, amounts of money in words as well; no shell around it."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from admin_ui.area import Area
from admin_ui.edge import Id, reading
from admin_ui.pages.records import object_of
from admin_ui.profile import Fact, facts, record_number
from admin_ui.render import page
from server.errors import Text
from server.expressions.functions.writing import amount_in_words
from server.feature import Work
from server.features.access import people
from server.features.objects.kind import ObjectType
from server.features.records import service as records
from server.features.records.reading import Record
from server.features.records.rows import rows_of

router = APIRouter(include_in_schema=False)
YUAN = frozenset({"CNY", "RMB"})


@dataclass(frozen=True)
class Line:
    """One field on paper. `words`: the amount in Chinese capitals, where it is money and the page is Chinese."""

    fact: Fact
    words: str = ""


@dataclass(frozen=True)
class PaperSection:
    title: Text
    lines: tuple[Line, ...]


@router.get("/o/{object_key}/{record_id:int}/print", response_class=HTMLResponse)
def paper(request: Request, object_key: str, record_id: Id) -> HTMLResponse:
    with reading(request) as work:
        object_type = object_of(work, object_key)
        record = records.get(work, object_key, record_id)
        context: dict[str, Any] = {
            "object_type": object_type,
            "record": record,
            "number_text": record_number(object_type, record),
            "sections": tuple(_sections(work, object_type, record)),
            "rows": rows_of(work, object_type, record_id),
            "people": people.user_names(work),
        }
        return page(request, work, "pages/print.html", area=f"o/{object_key}", **context)


def _sections(work: Work, object_type: ObjectType, record: Record) -> list[PaperSection]:
    return [PaperSection(s.title, tuple(_line(work, f, record) for f in s.facts)) for s in facts(object_type, record, people.user_names(work))]


def _line(work: Work, fact: Fact, record: Record) -> Line:
    value = record.values.get(fact.field.key)
    is_money = fact.field.type == "decimal" and fact.field.unit in YUAN and not fact.masked
    return Line(fact, amount_in_words(value) or "" if is_money and value is not None and work.actor.locale.startswith("zh") else "")


AREA = Area(router)
